package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
	"rotd/internal/history"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// timeline is a key's history, newest first.
func (w *world) timeline(arn string) (lines []history.Line) {
	w.Helper()
	w.view(func(tx *state.Tx) error {
		kept, err := tx.History(arn)
		if err != nil {
			return err
		}
		key, err := tx.Key(arn)
		if key != nil {
			lines = history.Timeline(key, kept)
		}
		return err
	})
	return lines
}

// story is a timeline, oldest first, as `kind: text (operations)`, without what every key has. Key ids are named.
func (w *world) story(arn string, names ...string) (told []string) {
	w.Helper()
	named := strings.NewReplacer(names...)
	for _, l := range slices.Backward(w.timeline(arn)) {
		if l.Kind == history.Created || l.Kind == history.FirstSeen {
			continue
		}
		var by []string
		for _, ev := range l.Evidence {
			by = append(by, ev.Operation+" by "+ev.Principal[strings.LastIndexByte(ev.Principal, '/')+1:])
			if ev.EventID == "" && ev.ActionID == "" {
				w.Errorf("evidence of nothing: %+v", ev)
			}
		}
		told = append(told, named.Replace(fmt.Sprintf("%s: %s (%s)", l.Kind, l.Text, strings.Join(by, ", "))))
	}
	return told
}

func (w *world) tells(arn string, want []string, names ...string) {
	w.Helper()
	w.await("the whole story", func() bool { return len(w.story(arn, names...)) >= len(want) })
	if diff := cmp.Diff(want, w.story(arn, names...)); diff != "" {
		w.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func openPolicy() string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":"kms:*","Resource":"*"}]}`
}

// breakIn turns rotation off, opens the policy, takes the alias away and schedules the deletion; after each, keys are
// read.
func (w *world) breakIn(arn, other string) {
	w.Helper()
	client, policy := w.kms(w.engineer), openPolicy()
	w.disableRotation(w.engineer, arn)
	w.readAll()
	_, err := client.PutKeyPolicy(w.Context(), &kms.PutKeyPolicyInput{KeyId: &arn, Policy: &policy})
	w.check(err)
	w.readAll()
	w.moveAlias("alias/orders", other)
	w.readAll()
	_, err = client.ScheduleKeyDeletion(w.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &arn})
	w.check(err)
	w.readAll()
}

// readAll reads all keys, once their events have come. An event alone has its key read every five seconds at most.
func (w *world) readAll() {
	w.Helper()
	w.drained()
	w.sweep(Inventory)
}

func TestATimelineShowsEachChangeWithWhoDidIt(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/orders"}, RotationPeriod: 365})
	other := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.breakIn(arn, other)
	w.drained()
	until := w.known(arn).DeletionDate.UTC().Format("2006-01-02 15:04:05Z")
	want := []string{
		"rotation: automatic rotation every 365 days → off (DisableKeyRotation by engineer)",
		`policy: key policy: changed statement 1 ("Open"): Sid was "Enable IAM User Permissions"; principals added *, ` +
			`removed 111122223333 (PutKeyPolicy by engineer)`,
		"aliases: aliases: alias/orders removed, moved to OTHER (UpdateAlias by engineer)",
		"deletion-date: deletion is scheduled for " + until + " (ScheduleKeyDeletion by engineer)",
		"state: state Enabled → PendingDeletion (ScheduleKeyDeletion by engineer)",
	}
	if diff := cmp.Diff(want, w.story(arn, other, "OTHER")); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	w.tells(other, []string{"aliases: aliases: alias/orders added, taken from KEY (UpdateAlias by engineer)"}, arn, "KEY")
	before := w.timeline(arn)
	for _, l := range before {
		if l.Source == history.FromReading && (l.Evidence[0].SourceIP == "" || l.NotBefore.IsZero() || l.SeenAt.IsZero()) {
			t.Errorf("got %+v", l)
		}
	}

	w.stop()
	w.start()
	if diff := cmp.Diff(before, w.timeline(arn)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
}

func TestEventsThatComeTwiceMakeNoSecondEntry(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	off := w.aRecord("DisableKeyRotation", arn)
	w.disableRotation(w.engineer, arn)
	for range 3 {
		w.settle(off.bridged(), wrapped(off.json()))
		w.sweep(Inventory)
	}
	w.tells(arn, []string{"rotation: automatic rotation every 365 days → off (DisableKeyRotation by engineer)"})
	if got := w.timeline(arn)[0].Evidence[0].EventID; got != off.id() {
		t.Errorf("the evidence is event %s, want %s", got, off.id())
	}
}

func TestAChangeThatNoEventToldOfSaysSo(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	seen := w.known(arn).ReadAt
	w.disableRotation(w.engineer, arn)
	w.sweep(Drift)
	w.tells(arn, []string{"rotation: automatic rotation every 365 days → off ()"})
	line := w.timeline(arn)[0]
	if line.Source != history.FromReading || !line.NotBefore.Equal(seen) || !line.At.Equal(line.SeenAt) {
		t.Errorf("got %+v, want a difference between two readings, the first of %s", line, seen)
	}
	// Its event comes after the sweep: the line gets it, and no second one is made.
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	w.tells(arn, []string{"rotation: automatic rotation every 365 days → off (DisableKeyRotation by engineer)"})
}

func TestAnEventThatNoReadingConfirmsIsNoFact(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged(), w.aRecord("Decrypt", arn).bridged(),
		w.aRecord("DisableKey", arn).with("errorCode", "AccessDenied").bridged(),
		w.aRecord("PutKeyPolicy", arn).with("eventTime", time.Now().Add(-20*day).UTC().Format(time.RFC3339)).bridged())
	w.sweep(Inventory)
	w.await("a reading of after the event", func() bool {
		return strings.Contains(fmt.Sprint(w.story(arn)), "no reading of KMS")
	})
	w.tells(arn, []string{
		"event: an event reports DisableKeyRotation; no reading of KMS shows a change by it (DisableKeyRotation by engineer)",
	})
	if !w.known(arn).Rotation.Enabled {
		t.Error("an event changed what is known of the key")
	}
}

func TestRotdsOwnRotationIsTold(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	w.rotate("alias/pay-cards", false)
	action := w.awaitAction(remediation.Succeeded)
	w.await("the events of it", func() bool {
		w.drained()
		return len(w.timeline(arn)[0].Evidence) == 2
	})
	line := w.timeline(arn)[0]
	if line.Kind != history.Rotated || line.Source != history.FromKMS {
		t.Fatalf("got %+v", line)
	}
	for _, ev := range line.Evidence {
		if own := ev.Operation == rotateCall; ev.EventID == "" || ev.Own != own || own && ev.ActionID != action.ID {
			t.Errorf("evidence %+v", ev)
		}
	}
}

func TestTheEventThatCreatedAKeyIsTold(t *testing.T) {
	for name, readFirst := range map[string]bool{"before the first reading": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, silent)
			w.sweep(Inventory)
			arn := w.key(awssim.KeyOptions{Created: time.Now()})
			event := w.aRecord(createKey, arn)
			if readFirst {
				w.sweep(Inventory)
			}
			w.settle(event.bridged())
			w.sweep(Inventory)
			lines := w.timeline(arn)
			at := slices.IndexFunc(lines, func(l history.Line) bool { return l.Kind == history.Created })
			if at < 0 || len(lines) != 2 || len(lines[at].Evidence) != 1 || lines[at].Evidence[0].EventID != event.id() {
				t.Errorf("got %+v", lines)
			}
		})
	}
}

func TestAFloodOfOneChangePushesOutNothingElse(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	key := w.known(arn)
	key.State, key.ReadAt = "Disabled", key.ReadAt.Add(time.Millisecond)
	read := func() {
		w.check(w.engine.note(time.Now(), func(n *notebook) error { return n.reading(key, true) }))
	}
	read()
	for i := range 3 * state.MaxHistory {
		key.Tags = map[string]string{"flip": fmt.Sprint(i)}
		key.ReadAt, key.FullAt = time.Now(), time.Now()
		read()
	}
	events := make([]string, 200)
	for i := range events {
		events[i] = w.aRecord("CreateGrant", arn).bridged()
	}
	w.settle(events...)
	lines := w.timeline(arn)
	count := map[history.Kind]int{}
	for _, l := range lines {
		count[l.Kind]++
	}
	want := map[history.Kind]int{
		history.Tags: state.MaxHistory, history.State: 1, history.Dropped: 1, history.FirstSeen: 1, history.Created: 1,
		history.Reported: detailed,
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestReadingsThatOverlapMakeNoFlipAndBack(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	start := w.known(arn)
	now := start.WholeBy
	read := func(state string, began, kept time.Duration) {
		k := *start
		k.State, k.ReadAt, k.FullAt, k.WholeBy = state, now.Add(began), now.Add(began), now.Add(kept)
		w.check(w.engine.note(now.Add(kept), func(n *notebook) error { return n.reading(&k, true) }))
	}
	read("Disabled", time.Second, 4*time.Second)
	read("Enabled", 2*time.Second, 5*time.Second) // began before the other was kept
	w.tells(arn, nil)
	read("Disabled", 6*time.Second, 7*time.Second)
	w.tells(arn, []string{"state: state Enabled → Disabled ()"})
	read("Enabled", 8*time.Second, 9*time.Second)
	w.tells(arn, []string{"state: state Enabled → Disabled ()", "state: state Disabled → Enabled ()"})
}

func TestASweepOfUnchangedKeysWritesNoHistory(t *testing.T) {
	w := newWorld(t, silent)
	for i := range 20 {
		w.key(awssim.KeyOptions{RotationPeriod: 365, Aliases: []string{fmt.Sprint("alias/", i)}})
	}
	w.sweep(Inventory)
	w.sweep(Inventory)
	w.sweep(Drift)
	w.view(func(tx *state.Tx) error {
		keys, _, err := tx.Keys("", 100, nil)
		for _, k := range keys {
			kept, err := tx.History(k.ARN)
			if err != nil || len(kept.Entries)+len(kept.Dropped) != 0 {
				t.Errorf("got %+v, %v", kept, err)
			}
		}
		return err
	})
}

func TestAKeyAsItWasBeforeItWasBrokenInto(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/orders"}, RotationPeriod: 365})
	other := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	was := w.known(arn)
	w.sim.Clock().Advance(time.Hour)
	w.breakIn(arn, other)
	w.view(func(tx *state.Tx) error {
		kept, err := tx.History(arn)
		if err != nil {
			return err
		}
		now, err := tx.Key(arn)
		if err != nil {
			return err
		}
		past, err := history.AsOf(now, kept, was.ReadAt)
		if err != nil {
			return err
		}
		facts := func(k *inventory.Key) []any {
			return []any{k.State, k.Aliases, k.Policy, k.DeletionDate, k.Rotation.Enabled, k.Rotation.PeriodDays}
		}
		if diff := cmp.Diff(facts(was), facts(&past.Key)); diff != "" {
			t.Errorf("(-was +as of then):\n%s", diff)
		}
		return nil
	})
}
