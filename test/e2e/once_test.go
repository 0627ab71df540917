package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/test/crash/world"
)

// TestARestartTellsNothingAgain stops and starts rotd after it told of a finding, of its answer and of its end.
func TestARestartTellsNothingAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards", "ledger")
	d := ready(t, w)
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	before := w.WasTold()
	d = ready(t, w)
	if _, err := w.Client.Sweep(t.Context(), "inventory", time.Minute); err != nil {
		t.Fatal(err)
	}
	disable(t, w, "ledger")
	untilTold(t, w, "finding-opened rotation-turned-off alias/pay-ledger")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	for _, m := range messagesOf(w, 2) {
		for _, told := range m.Told {
			if !strings.Contains(told.About, "alias/pay-ledger") && m.Topic == w.Topic {
				t.Errorf("the second daemon told %q again; the first told %q", told, before)
			}
		}
	}
	wantNothingRepeated(t, w)
}

// messagesOf are what one daemon published.
func messagesOf(w *world.World, life int) (of []world.Message) {
	all, _ := w.Messages()
	for _, m := range all {
		if m.Life == life {
			of = append(of, m)
		}
	}
	return of
}

// TestALateEventStartsNothing sends an event that is older than events are believed: it is told, and no more.
func TestALateEventStartsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	d := ready(t, w)
	untilTold(t, w, "digest")
	now := time.Now().UTC()
	late := strings.NewReplacer(
		`"Decrypt"`, `"DisableKeyRotation"`, `"readOnly":true`, `"readOnly":false`,
		`"requestParameters":null`, fmt.Sprintf(`"requestParameters":{"keyId":%q}`, w.Keys["cards"]),
		now.Format("2006-01-02"), now.Add(-20*day).Format("2006-01-02"),
	).Replace(decryptBody(w, "0c000000-0000-4000-8000-000000000001"))
	if _, err := w.Sim.Send(w.Queue, late); err != nil {
		t.Fatal(err)
	}
	untilTold(t, w, "finding-opened rotation-turned-off alias/pay-cards")
	actions, err := w.Client.Actions(t.Context(), admin.ActionQuery{State: admin.Any})
	if err != nil || len(actions.Items) > 0 {
		t.Errorf("actions %+v, %v", actions, err)
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}
