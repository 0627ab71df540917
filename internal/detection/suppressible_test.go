package detection

import (
	"strings"
	"testing"
)

func TestOnlyRulesAndChecksCanBeSuppressedAndNotThoseAboutRotd(t *testing.T) {
	for id, want := range map[string]string{
		"denied-burst":      "",
		"key-unused":        "",
		"mine":              "",
		"rotd-role-misused": "rotd-role-misused cannot be suppressed: it tells of attacks on rotd",
		"intake-tampered":   "intake-tampered cannot be suppressed: it tells of attacks on rotd",
		"trail-blinded":     "trail-blinded cannot be suppressed: it tells of attacks on rotd",
		"intake-silent":     "intake-silent cannot be suppressed: it is about rotd itself",
		"*":                 `"*" is not a rule or check of this version`,
		"denied-bursts":     `"denied-bursts" is not a rule or check of this version: did you mean denied-burst?`,
	} {
		err := MaySuppress(id, []string{"mine"})
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", id, err, want)
		}
	}
	for _, e := range Catalogue() {
		if e.Kind == KindSelf && MaySuppress(e.ID, nil) == nil {
			t.Errorf("%s is about rotd itself and can be suppressed", e.ID)
		}
	}
}
