package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestDormantKeyUsed(t *testing.T) {
	const title, day = "MEDIUM A key that nobody used any more was used", 24 * time.Hour
	usedAgo := func(ago time.Duration) func(w *world) {
		return careful(func(w *world) { w.uses[payARN] = noon.Add(-ago) })
	}
	kms := func(u inventory.LastUsage) func(w *world) {
		return careful(func(w *world) {
			delete(w.uses, payARN)
			w.keys[payARN].LastUsage = &u
		})
	}
	longAgo, lately := noon.Add(-35*day), noon.Add(-time.Hour)
	testRule(t, dormantKeyUsed(), []ruleTest{
		{
			name: "after its idle time", world: usedAgo(31 * day), events: []object{record("Decrypt")},
			want: []string{title},
			says: []string{
				"role/admin called Decrypt on alias/payments, which was last used at 2026-10-20 12:00Z, 31 days before. " +
					"Policy payments calls a key unused after 30 days.",
			},
		},
		{
			name:   "by KMS's word alone",
			world:  kms(inventory.LastUsage{At: &longAgo, ReadAt: noon.Add(-time.Hour), TrackedSince: noon.Add(-99 * day)}),
			events: []object{record("Encrypt")}, want: []string{title},
			says: []string{"was last used at 2026-10-16 12:00Z"},
		},
		{
			name:   "for the first time since it was made",
			world:  kms(inventory.LastUsage{ReadAt: noon.Add(-time.Hour), TrackedSince: noon.Add(-99 * day)}),
			events: []object{record("Sign")}, want: []string{title},
			says: []string{"which was not used since its creation at 2026-10-11 12:00Z, 40 days before."},
		},
		{
			name: "by an allowed principal", world: usedAgo(31 * day), events: []object{record("Decrypt", by("pay-api"))},
			want: []string{title},
		},
		{
			name: "by rotd itself", world: func(w *world) {
				usedAgo(31 * day)(w)
				w.own = true
			},
			events: []object{record("ReEncrypt")},
			want:   []string{"INFORMATIONAL expected A key that nobody used any more was used"},
		},
		{name: "at its idle time", world: usedAgo(30 * day), events: []object{record("Decrypt")}, want: []string{title}},
		{
			name: "a day ago, which is all that its policy allows", world: func(w *world) {
				usedAgo(day)(w)
				w.policies[0].UnusedAfter = day
			},
			events: []object{record("Decrypt")}, want: []string{title},
		},
		{name: "within its idle time", world: usedAgo(29 * day), events: []object{record("Decrypt")}},
		{name: "an hour ago", world: careful(), events: []object{record("Decrypt")}},
		{
			name: "KMS knows of a later use than the events do", world: func(w *world) {
				usedAgo(31 * day)(w)
				w.keys[payARN].LastUsage = &inventory.LastUsage{At: &lately, ReadAt: noon.Add(-time.Minute)}
			},
			events: []object{record("Decrypt")},
		},
		{
			name:   "nothing is known of its use",
			world:  careful(func(w *world) { delete(w.uses, payARN) }),
			events: []object{record("Decrypt")},
		},
		{
			name:   "KMS has tracked its uses for a few days only",
			world:  kms(inventory.LastUsage{ReadAt: noon.Add(-time.Hour), TrackedSince: noon.Add(-5 * day)}),
			events: []object{record("Decrypt")},
		},
		{
			name: "an event from before the last use", world: usedAgo(-day), events: []object{record("Decrypt")},
		},
		{name: "a time nobody believes", world: func(w *world) {
			usedAgo(31 * day)(w)
			w.late = true
		}, events: []object{record("Decrypt")}},
		{name: "refused", world: usedAgo(31 * day), events: []object{record("Decrypt", failing("AccessDenied"))}},
		{name: "a reading", world: usedAgo(31 * day), events: []object{record("DescribeKey")}},
		{
			name: "a key that no policy matches", world: func(w *world) {
				usedAgo(31 * day)(w)
				w.keys[payARN].Aliases = nil
			},
			events: []object{record("Decrypt")},
		},
		{
			name: "a policy without idle time", world: func(w *world) { w.uses[payARN] = noon.Add(-99 * day) },
			events: []object{record("Decrypt")},
		},
	})
}
