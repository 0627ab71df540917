package app

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/history"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/internal/usage"
)

func TestADossierHasWhatBelongsToTheIncidentAndNothingElse(t *testing.T) {
	const mine, other = "arn:aws:kms:eu-west-1:111122223333:key/mine", "arn:aws:kms:eu-west-1:111122223333:key/other"
	b, _ := keeper(t)
	noon := time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Hour)
	at := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	err := b.d.db.Update(func(tx *state.Tx) error {
		var errs []error
		note := func(err error) { errs = append(errs, err) }
		for n, arn := range []string{mine, other} {
			note(tx.PutKey(&inventory.Key{
				ARN: arn, ID: arn[len(arn)-5:], Account: testAccount, Region: testRegion, FirstRead: at(-500), Created: at(-900),
			}))
			note(tx.AddHistory(arn, &history.Entry{
				Kind: history.State, SeenAt: at(-3), Kept: at(-3), Before: []byte(`"Enabled"`), After: []byte(`"Disabled"`),
			}))
			for k, seen := range []time.Time{at(-2), at(-400)} {
				note(tx.PutFinding(&finding.Finding{
					ID: fmt.Sprintf("fnd_%d%d", n, k), Fingerprint: fmt.Sprint(n, k), Title: "Disabled", Severity: finding.High,
					KeyARN: arn, Status: finding.Open, FirstSeen: seen, LastSeen: seen,
				}))
			}
			note(tx.PutAction(&remediation.Action{
				ID: fmt.Sprintf("act_%d", n), KeyARN: arn, State: remediation.Planned, Created: at(-1),
			}))
			note(tx.Audit(audit.Entry{
				Time: at(-1), Actor: "uid:1000 (ann)", Event: audit.ActionPlanned, Key: arn, Action: fmt.Sprintf("act_%d", n),
			}))
			note(tx.Audit(audit.Entry{Time: at(-1), Actor: "rotd", Event: audit.CallIntended, Key: arn, Finding: "fnd_x"}))
			var used usage.Batch
			used.Add(&usage.Use{Key: arn, Principal: "role/new", Operation: 1, At: at(-4)})
			_, _, err := tx.AppendUsage(&used, at(-4))
			note(err)
		}
		note(tx.PutIncident(&incident.Incident{
			ID: "inc_1", Reason: "leaked", Keys: []string{mine}, Since: at(-24), Opened: incident.Mark{At: at(0), By: "ann"},
		}))
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.Incident(t.Context(), "inc_1")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, l := range d.Timeline {
		told = append(told, fmt.Sprintf("%+d %s %s", int(l.At.Sub(noon).Hours()), l.Source, l.Ref))
	}
	want := []string{"-4 usage ", "-3 history ", "-2 finding fnd_00", "-1 audit act_0", "-1 audit fnd_x", "+0 people "}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	if len(d.Keys) != 1 || len(d.Findings) != 1 || len(d.Actions) != 1 || len(d.Audit) != 2 || d.Partial {
		t.Errorf("%d keys, %d findings, %d actions, %d entries", len(d.Keys), len(d.Findings), len(d.Actions), len(d.Audit))
	}
	v := audit.NewVerifier()
	v.Add(d.Audit[0])
	if got := v.End(); got.Entries != 1 || d.AuditHead.Seq != 5 {
		t.Errorf("the entry is not as it is kept: %v, head %v", got, d.AuditHead)
	}
	if _, err := b.Incident(t.Context(), "inc_2"); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("an unknown incident: %v", err)
	}
}
