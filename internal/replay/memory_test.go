package replay

import (
	"fmt"
	"testing"
	"time"

	"rotd/internal/counting"
	"rotd/internal/events"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func TestMemoryCountsDistinctIDsInTheWindow(t *testing.T) {
	steps := []struct {
		name   string
		id     string
		minute int
		want   int
	}{
		{"the first", "a", 0, 1},
		{"another", "b", 4, 2},
		{"the same again", "b", 4, 2},
		{"an earlier one that comes late", "c", 2, 3},
		{"after the first left the window", "d", 10, 3},
		{"after everything expired", "e", 60, 1},
	}
	m := newMemory(maxNames)
	for _, step := range steps {
		if got := m.Count("s", step.id, at(step.minute), 10*time.Minute); got != step.want {
			t.Errorf("%s: %d, want %d", step.name, got, step.want)
		}
	}
	if got := m.Count("other", "a", at(0), 10*time.Minute); got != 1 {
		t.Errorf("another series counts %d", got)
	}
}

func TestMemoryKeepsABoundedSeries(t *testing.T) {
	m := newMemory(maxNames)
	got := 0
	for i := range 3 * counting.Max {
		got = m.Count("s", fmt.Sprint(i), noon.Add(time.Duration(i)*time.Second), time.Hour)
	}
	if got != counting.Max+1 { // the one that drives out the oldest is counted with it
		t.Errorf("%d counted", got)
	}
}

func TestMemoryNotesExpireByEventTime(t *testing.T) {
	m := newMemory(maxNames)
	m.Note("n", "value", at(0), 10*time.Minute)
	for minute, want := range map[int]string{0: "value", 9: "value", 10: "", -5: "value"} {
		if got := m.Noted("n", at(minute)); got != want {
			t.Errorf("at minute %d: %q, want %q", minute, got, want)
		}
	}
}

func TestMemoryForgetsTheSoonestWhenFull(t *testing.T) {
	all := make(map[string]note)
	for i := range maxNames {
		all[fmt.Sprint(i)] = note{expires: at(i)}
	}
	forget(all, maxNames, func(n note) time.Time { return n.expires }, at(5))
	if _, kept := all[fmt.Sprint(maxNames-1)]; !kept || len(all) != maxNames/2-1 {
		t.Errorf("%d of %d are left, the last one: %v", len(all), maxNames, kept)
	}
}

func TestARoomTakesNothingFromOthers(t *testing.T) {
	m := newMemory(maxNames)
	m.Note("n", "everybody's", at(0), time.Minute)
	for i := range 100 {
		m.room("full", 16).Note(fmt.Sprint(i), "kept", at(0), time.Hour+time.Duration(i)*time.Second)
	}
	if got := len(m.rooms["full"].notes); got > 16 || m.room("full", 16).Noted("99", at(0)) != "kept" {
		t.Errorf("%d of 100 are left, or the last one is not", got)
	}
	if m.Noted("n", at(0)) != "everybody's" || m.room("other", 16).Noted("99", at(0)) != "" {
		t.Error("a room touches what is kept outside it")
	}
}

func TestEventIDs(t *testing.T) {
	uuid := "0123abcd-0000-4000-8000-00000000ffff"
	if seenID(uuid) != [16]byte{0x01, 0x23, 0xab, 0xcd, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0xff, 0xff} {
		t.Errorf("a UUID is kept as %x", seenID(uuid))
	}
	if seenID("a") == seenID("b") || seenID("a") == ([16]byte{}) {
		t.Error("other ids are not told apart")
	}
}

func TestKnownIsWhatTheArchiveTold(t *testing.T) {
	const (
		account, region = "111122223333", "eu-west-1"
		one             = "arn:aws:kms:eu-west-1:111122223333:key/one"
		two             = "arn:aws:kms:eu-west-1:111122223333:key/two"
	)
	k := newKnown(nil)
	minute := 0
	tell := func(ev events.Event) {
		minute++
		ev.EventSource, ev.RecipientAccountID, ev.AWSRegion, ev.EventTime = kmsSource, account, region, at(minute)
		k.learn(&ev)
	}
	if k.Key(events.KeyRef{ARN: one}, account, region) != nil || k.Policy(nil) != nil {
		t.Error("something is known of nothing")
	}
	tell(events.Event{
		EventName: "CreateKey", Key: events.KeyRef{ARN: one},
		RequestParameters: events.RawJSON(`{"policy":"{\"a\":1}"}`),
	})
	tell(events.Event{EventName: "CreateAlias", Key: events.KeyRef{ARN: one}, Alias: "alias/a"})
	tell(events.Event{EventName: "Encrypt", Key: events.KeyRef{ARN: one}})
	tell(events.Event{EventName: "DisableKey", Key: events.KeyRef{ARN: one}, ErrorCode: "AccessDenied"})
	first := k.AliasTarget("alias/a", account, region)
	if first == nil || first.ARN != one || first.State != "Enabled" || first.Policy != `{"a":1}` ||
		!first.Created.Equal(at(1)) || !k.LastUse(one).Equal(at(3)) {
		t.Errorf("after creation and use: %+v", first)
	}

	tell(events.Event{
		EventName: "UpdateAlias", Key: events.KeyRef{ARN: two}, TargetKey: events.KeyRef{ARN: two},
		Alias: "alias/a",
	})
	tell(events.Event{EventName: "ScheduleKeyDeletion", Key: events.KeyRef{ARN: one}})
	byName := events.KeyRef{Name: "arn:aws:kms:eu-west-1:111122223333:alias/a"}
	if got := k.Key(byName, "", ""); got == nil || got.ARN != two {
		t.Errorf("the alias leads to %+v", got)
	}
	now := k.Key(events.KeyRef{ARN: one}, account, region)
	if now.State != "PendingDeletion" || len(now.Aliases) != 0 {
		t.Errorf("after the alias moved and a deletion was scheduled: %+v", now)
	}
	if first.State != "Enabled" || len(first.Aliases) != 1 {
		t.Errorf("what was known before has changed: %+v", first)
	}
	tell(events.Event{EventName: "DeleteAlias", Key: events.KeyRef{ARN: two}, Alias: "alias/a"})
	if got := k.AliasTarget("alias/a", account, region); got != nil {
		t.Errorf("a deleted alias leads to %+v", got)
	}
}
