package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/incident"
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
	_, noReason := w.engine.OpenIncident(IncidentRequest{Reason: " "})
	_, noKey := w.engine.OpenIncident(IncidentRequest{Reason: "r", Keys: []string{"alias/nope"}})
	_, tooLong := w.engine.NoteIncident(open().ID, "ada", strings.Repeat("x", incident.MaxText+1))
	_, noted := w.engine.NoteIncident(closed.ID, "ada", "late")
	_, again := w.engine.CloseIncident(closed.ID, "ada", "again")
	for name, test := range map[string]struct{ got, want error }{
		"no reason":               {noReason, ErrNoReason},
		"an unknown key":          {noKey, ErrUnknownKey},
		"a note that is too long": {tooLong, ErrTooMuch},
		"a note on a closed one":  {noted, ErrClosedIncident},
		"closing a closed one":    {again, ErrClosedIncident},
		"acting for a closed one": {rotate(closed.ID), ErrClosedIncident},
		"acting for an unknown":   {rotate("inc_nope"), ErrUnknownIncident},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
	if len(w.actions()) != 0 {
		t.Errorf("begun: %+v", w.actions())
	}
}
