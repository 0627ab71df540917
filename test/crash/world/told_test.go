package world

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// incidentAlert is the alert of an incident as the topic takes it, with one finding that is new.
func incidentAlert(t *testing.T, id string, over bool) Message {
	t.Helper()
	state := ""
	if over {
		state = `"over": true, `
	}
	all, err := parseJSON(`{"schema": "rotd.alert/1", "items": [{"alert_id": "` + id + `", "kind": "incident-opened",
		"incident": {"automatic": {"members": [
			{"finding_id": "fnd_1", "rule_id": "rotation-turned-off", "alias": "alias/cards", ` + state + `"new": true},
			{"finding_id": "fnd_2", "rule_id": "key-disabled", "alias": "alias/cards"}]}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	return Message{Told: all}
}

func TestWhatAnIncidentTellsOfItsFindings(t *testing.T) {
	const about = " rotation-turned-off alias/cards"
	const begun, over = "finding-opened" + about, "finding-resolved" + about
	for _, test := range []struct {
		name     string
		messages []Message
		want     []string
	}{
		{"a new one was opened", []Message{incidentAlert(t, "v1:1", false)}, []string{begun}},
		{
			"one that is over before it is told was opened too",
			[]Message{incidentAlert(t, "v1:1", true)},
			[]string{begun, over},
		},
		{
			"one that was told before is only over",
			[]Message{incidentAlert(t, "v1:1", false), incidentAlert(t, "v1:2", true)},
			[]string{begun, over},
		},
		{
			"an alert that comes twice tells nothing more",
			[]Message{incidentAlert(t, "v1:1", true), incidentAlert(t, "v1:1", true)},
			[]string{begun, over},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, each(test.messages)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
