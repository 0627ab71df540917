package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/audit"
	"rotd/internal/awssim"
	"rotd/internal/incident"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

func TestAnIncidentTiesItsActionsTogether(t *testing.T) {
	w := newWorld(t)
	arn := w.payments()
	i, err := w.engine.OpenIncident(IncidentRequest{
		Keys: []string{"alias/pay-cards"}, Reason: "a laptop was lost", Ticket: "INC-42", Before: 24 * time.Hour,
		Requester: "uid:1000 (ada)",
	})
	w.check(err)
	if i.Keys[0] != arn || !strings.HasPrefix(i.ID, "inc_") || i.Opened.At.Sub(i.Since) != 24*time.Hour {
		t.Errorf("opened %+v", i)
	}
	_, err = w.engine.Rotate(t.Context(), RotateRequest{
		Key: "alias/pay-cards", Reason: "it may have leaked", Requester: ada(), Incident: i.ID,
	})
	w.check(err)
	a := w.awaitAction(remediation.Succeeded)
	_, err = w.engine.NoteIncident(i.ID, "uid:1001 (bob)", "told the owners")
	w.check(err)
	_, err = w.engine.CloseIncident(i.ID, "uid:1000 (ada)", "rotated and proven")
	w.check(err)

	w.view(func(tx *state.Tx) error {
		kept, err := tx.Incident(i.ID)
		if diff := cmp.Diff([]string{a.ID}, kept.Actions); diff != "" || kept.Status() != "closed" || a.IncidentID != i.ID {
			t.Errorf("kept %+v", kept)
		}
		entries, _, errAudit := tx.AuditEntries("", 100, nil)
		var untied []string
		for k := range entries {
			if entries[k].Incident != i.ID && entries[k].Event != "log.began" {
				untied = append(untied, string(entries[k].Event))
			}
		}
		if len(untied) > 0 {
			t.Errorf("not tied to the incident: %v", untied)
		}
		return errors.Join(err, errAudit)
	})
	w.logs([]string{
		"rotd log.began", "uid:1000 (ada) incident.opened a laptop was lost",
		"uid:1000 (ada) rotate.requested it may have leaked", "uid:1000 (ada) action.planned it may have leaked",
		"rotd call.intended", "rotd call.answered", "rotd call.verified", "rotd action.succeeded",
		"uid:1001 (bob) incident.noted told the owners", "uid:1000 (ada) incident.closed rotated and proven",
	}, "reason", "text")
}

func TestWhatIsMovedPausedAndAnsweredForAnIncidentBelongsToIt(t *testing.T) {
	m := newMoving(t)
	i, err := m.engine.OpenIncident(IncidentRequest{Keys: []string{"alias/old"}, Reason: "leaked", Requester: "ada"})
	m.check(err)
	m.check(m.engine.Pause("ada", "hands off", i.ID))
	m.check(m.engine.Resume("ada", i.ID))
	request := m.request(3)
	request.Incident = i.ID
	blobs := m.sealed(3, m.old)
	blobs[1].Ciphertext = []byte("no ciphertext of KMS")
	job := m.begin(request)
	moved := m.send(job, 0, blobs).Job
	empty := request
	empty.Total = 0
	m.begin(empty)
	told := map[audit.Event]int{}
	m.view(func(tx *state.Tx) error {
		kept, err := tx.Incident(i.ID)
		if diff := cmp.Diff([]string{m.old, m.now}, kept.Keys); diff != "" {
			t.Errorf("the incident's keys (-want +got):\n%s", diff)
		}
		entries, _, errAudit := tx.AuditEntries("", 100, func(e *audit.Entry) bool { return e.Incident == i.ID })
		for k := range entries {
			told[entries[k].Event]++
		}
		for k := range entries {
			if e := &entries[k]; e.Event == audit.ReencryptEnded && e.Detail["job"] == job.ID {
				line, _ := incident.Entry(e)
				want := fmt.Sprintf("reencrypt.ended, done, 2 moved, 1 failed, %d bytes", moved.Bytes)
				if line.Text != want || line.Ref != job.ID {
					t.Errorf("the timeline tells %q of %s, want %q", line.Text, line.Ref, want)
				}
			}
		}
		return errors.Join(err, errAudit)
	})
	want := map[audit.Event]int{
		audit.IncidentOpened: 1, audit.Paused: 1, audit.Resumed: 1, audit.ReencryptRequested: 2, audit.ReencryptEnded: 2,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told of the incident (-want +got):\n%s", diff)
	}
}

func TestAJobThatGoesOnForAnIncidentBelongsToIt(t *testing.T) {
	m := newVault(t)
	m.fill(3, "data/", m.old)
	slow := m.sim.Plan(awssim.Fault{Operation: "ListObjectsV2", Err: &awssim.APIError{Code: "SlowDown", Status: 503}})
	id := m.begin(m.objects()).ID
	i, err := m.engine.OpenIncident(IncidentRequest{Keys: []string{"alias/old"}, Reason: "leaked", Requester: "ada"})
	m.check(err)
	if job := m.begin(m.objects(func(r *ReencryptRequest) { r.Incident = i.ID })); job.ID != id || job.Incident != i.ID {
		t.Errorf("asked for again: %+v", job)
	}
	slow.Remove()
	if job := m.awaitJob(id, reencrypt.Done); job.Incident != i.ID {
		t.Errorf("done: %+v", job)
	}
	m.view(func(tx *state.Tx) error {
		entries, _, err := tx.AuditEntries("", 100, func(e *audit.Entry) bool {
			return e.Incident == i.ID && e.Event == audit.ReencryptEnded
		})
		if len(entries) != 1 || entries[0].Detail["moved"] != "3" {
			t.Errorf("the end is told as %+v", entries)
		}
		return err
	})
}

func TestWhatAnIncidentRefuses(t *testing.T) {
	w := newWorld(t, silent)
	w.payments()
	open := func() *incident.Incident {
		i, err := w.engine.OpenIncident(IncidentRequest{Keys: []string{"alias/pay-cards"}, Reason: "r", Requester: "ada"})
		w.check(err)
		return i
	}
	closed := open()
	_, err := w.engine.CloseIncident(closed.ID, "ada", "over")
	w.check(err)
	rotate := func(id string) error {
		_, err := w.engine.Rotate(t.Context(), RotateRequest{Key: "alias/pay-cards", Reason: "r", Incident: id})
		return err
	}
	pausedLate := w.engine.Pause("ada", "r", closed.ID)
	resumedLate := w.engine.Resume("ada", "inc_nope")
	_, movedLate := w.engine.Reencrypt(t.Context(), ReencryptRequest{
		To: "alias/pay-cards", Manifest: strings.Repeat("ab", 32), Total: 1, Reason: "r", Incident: closed.ID,
	})
	_, noReason := w.engine.OpenIncident(IncidentRequest{Reason: " "})
	_, noKey := w.engine.OpenIncident(IncidentRequest{Reason: "r", Keys: []string{"alias/nope"}})
	_, tooLong := w.engine.NoteIncident(open().ID, "ada", strings.Repeat("x", incident.MaxText+1))
	_, noted := w.engine.NoteIncident(closed.ID, "ada", "late")
	_, again := w.engine.CloseIncident(closed.ID, "ada", "again")
	for name, test := range map[string]struct{ got, want error }{
		"no reason":                {noReason, ErrNoReason},
		"an unknown key":           {noKey, ErrUnknownKey},
		"a note that is too long":  {tooLong, ErrTooMuch},
		"a note on a closed one":   {noted, ErrClosedIncident},
		"closing a closed one":     {again, ErrClosedIncident},
		"acting for a closed one":  {rotate(closed.ID), ErrClosedIncident},
		"acting for an unknown":    {rotate("inc_nope"), ErrUnknownIncident},
		"pausing for a closed one": {pausedLate, ErrClosedIncident},
		"resuming for an unknown":  {resumedLate, ErrUnknownIncident},
		"moving for a closed one":  {movedLate, ErrClosedIncident},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
	w.view(func(tx *state.Tx) error {
		_, paused, errPause := tx.Paused()
		jobs, _, err := tx.Jobs("", 1, nil)
		if len(w.actions()) != 0 || len(jobs) != 0 || paused {
			t.Errorf("begun: %+v, %+v, paused %t", w.actions(), jobs, paused)
		}
		return errors.Join(err, errPause)
	})
}
