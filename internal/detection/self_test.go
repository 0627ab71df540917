package detection

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

const queueURL = "https://sqs.eu-west-1.amazonaws.com/111122223333/rotd"

// selfFindings is one of each finding rotd has about itself.
func selfFindings() []finding.Finding {
	action := &remediation.Action{
		ID: "act_1", Method: remediation.NewMaterial, KeyARN: payARN, Alias: "alias/payments", Account: "111122223333",
		Region: "eu-west-1", Attempts: 1, Outcome: "KMS did not show new material within 10m.", Policy: "payments",
	}
	return []finding.Finding{
		RulePanicked("default", "key-disabled", "boom\nHIGH", noon),
		Undecodable(queueURL, "syntax", "unexpected }", true, noon),
		IntakeSilent("default", noon.Add(-2*time.Hour), time.Hour, noon),
		SweepIncomplete("111122223333", "eu-west-1", "inventory", 10, 2, []string{"AccessDenied: x", "timeout"}, noon),
		RotationFailed("default", action, noon),
		AlertUndeliverable("default", "arn:aws-cn:sns:cn-north-1:111122223333:oncall", "NotFound: no such topic", noon),
		QueueWithoutRedrive(queueURL, noon),
		StateRecovered("default", "/var/lib/rotd/rotd.db.damaged", "invalid page", noon),
		OutboxOverflow("default", 12, noon),
	}
}

func TestFindingsAboutRotdItself(t *testing.T) {
	known := make(map[string]bool)
	for _, e := range Catalogue() {
		known[e.ID] = e.Kind == KindSelf
	}
	for _, f := range selfFindings() {
		checkFinding(t, &f)
		if !known[f.RuleID] {
			t.Errorf("%s is not in the catalogue", f.RuleID)
		}
		if f.EventID != "" || f.EventTime != nil || !f.FirstSeen.Equal(noon) || !f.LastSeen.Equal(noon) {
			t.Errorf("%s: times and event %+v", f.RuleID, f)
		}
	}
	got, err := json.MarshalIndent(selfFindings(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, filepath.Join("testdata", "findings", "self.json"), string(got)+"\n")
}

func TestUndecodableIsOnePerQueueAndReason(t *testing.T) {
	of := func(source, reason, detail string, kept bool) string {
		return Undecodable(source, reason, detail, kept, noon).Fingerprint
	}
	one := of("s3://trail/AWSLogs/a.json.gz", "syntax", "x", true)
	if one != of("s3://trail/AWSLogs/b.json.gz", "syntax", "y", false) {
		t.Error("two objects of a bucket make two findings")
	}
	if one == of("s3://trail/AWSLogs/a.json.gz", "too-deep", "x", true) || one == of(queueURL, "syntax", "x",
		true) {
		t.Error("another reason or queue is another finding")
	}
	f := Undecodable("s3://trail/a", "syntax", "x", false, noon)
	if f.Severity != finding.High || f.Subject.ID != "s3://trail" || !strings.Contains(f.Description, "only its hash") {
		t.Errorf("%+v", f)
	}
}

func TestRotationFailedTellsWhetherKMSWasAsked(t *testing.T) {
	tests := []struct {
		name               string
		attempts, rejected int
		want               string
	}{
		{"the call was made", 1, 0, "HIGH A rotation rotd asked for is not shown by KMS"},
		{"one of two calls was made", 2, 1, "HIGH A rotation rotd asked for is not shown by KMS"},
		{"KMS rejected the call", 1, 1, "MEDIUM A rotation could not be made"},
		{"nothing was called", 0, 0, "MEDIUM A rotation could not be made"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := RotationFailed("default", &remediation.Action{
				ID: "act_1", KeyARN: payARN, Attempts: test.attempts, Rejected: test.rejected, Outcome: "No.",
			}, noon)
			if diff := cmp.Diff(test.want, told(&f)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQueuePlace(t *testing.T) {
	for url, want := range map[string][2]string{
		queueURL: {"111122223333", "eu-west-1"},
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/rotd": {"111122223333", "cn-north-1"},
		"http://127.0.0.1:4566/000000000000/rotd":                   {},
		"s3://bucket": {},
		"":            {},
	} {
		account, region := queuePlace(url)
		if got := [2]string{account, region}; got != want {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
}
