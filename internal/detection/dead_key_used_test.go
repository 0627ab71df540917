package detection

import (
	"testing"
	"time"
)

func TestDeadKeyUsed(t *testing.T) {
	const title = "HIGH Somebody needs a key that does not work"
	state := func(s string) func(*world) {
		return func(w *world) { w.keys[payARN].State = s }
	}
	testRule(t, deadKeyUsed(), []ruleTest{
		{
			name: "a disabled key", world: state("Disabled"),
			events: []object{record("Decrypt", by("pay-api"), failing("DisabledException"))}, want: []string{title},
			says: []string{
				letARN + " called Decrypt on alias/payments, and KMS answered DisabledException: the key is disabled.",
				"aws kms enable-key --key-id " + payARN,
			},
		},
		{
			name: "a key to be deleted",
			world: func(w *world) {
				date := noon.AddDate(0, 0, 5)
				w.keys[payARN].State, w.keys[payARN].DeletionDate = "PendingDeletion", &date
			},
			events: []object{record("GenerateDataKey", failing("KMSInvalidStateException"))}, want: []string{title},
			says: []string{"It is to be deleted at 2026-11-25 12:00Z: it must not be"},
		},
		{
			name: "a key that is gone",
			world: func(w *world) {
				gone := noon.Add(-time.Hour)
				w.keys[payARN].GoneAt = &gone
			},
			events: []object{record("Decrypt", failing("NotFoundException"))}, want: []string{title},
			says: []string{"no longer knows the key since 2026-11-20 11:00Z"},
		},
		{
			name:   "a key known from events alone, as in a replay",
			world:  func(w *world) { w.keys[payARN].State, w.keys[payARN].ReadAt = "", time.Time{} },
			events: []object{record("Decrypt", failing("DisabledException"))}, want: []string{title},
			says: []string{"the key is disabled. Whoever called needs the key and is failing now."},
		},
		{
			name:   "a key that was never described",
			world:  state(""),
			events: []object{record("Decrypt", failing("DisabledException"))}, want: []string{title},
			says: []string{"the key is disabled. Whoever called needs the key and is failing now."},
		},
		{
			name: "a primary that waits for its replicas' end, which has no date yet", world: state("PendingReplicaDeletion"),
			events: []object{record("Decrypt", failing("KMSInvalidStateException"))}, want: []string{title},
			says: []string{"When last read, at 2026-11-20 11:00Z, it was PendingReplicaDeletion."},
		},
		{
			name: "a key disabled a minute after it was made",
			world: func(w *world) {
				w.keys[payARN].State, w.keys[payARN].Created = "Disabled", noon.Add(-time.Minute)
			},
			events: []object{record("Decrypt", failing("DisabledException"))}, want: []string{title},
		},
		{
			name:   "the inventory has not heard of it yet",
			events: []object{record("Sign", failing("DisabledException"))},
			want:   []string{title},
		},
		{
			name:   "a disabled key of the account that the inventory does not know",
			world:  func(w *world) { w.keys = nil },
			events: []object{record("Decrypt", failing("DisabledException"))}, want: []string{title},
		},
		{name: "a refusal", world: state("Disabled"), events: []object{record("Decrypt", failing("AccessDenied"))}},
		{
			name: "a key nobody knows", world: func(w *world) { w.keys = nil },
			events: []object{record("Decrypt", failing("NotFoundException"))},
		},
		{
			name: "another account's key that is not known", world: func(w *world) { w.keys = nil },
			events: []object{record("Decrypt", failing("DisabledException"),
				object{"recipientAccountId": "444455556666"})},
		},
		{
			name: "a key just made", world: func(w *world) { w.keys[payARN].Created = noon.Add(-time.Minute) },
			events: []object{record("Encrypt", failing("NotFoundException"))},
		},
		{
			name:   "a key made a quarter of an hour ago",
			world:  func(w *world) { w.keys[payARN].Created = noon.Add(-15 * time.Minute) },
			events: []object{record("Encrypt", failing("NotFoundException"))},
		},
		{
			name:   "a key made a second more than a quarter of an hour ago",
			world:  func(w *world) { w.keys[payARN].Created = noon.Add(-15*time.Minute - time.Second) },
			events: []object{record("Encrypt", failing("NotFoundException"))}, want: []string{title},
		},
		{
			name: "bad ciphertext in an external key store",
			events: []object{record("Decrypt", failing("KMSInvalidStateException"),
				object{"additionalEventData": object{"xksKeyId": "abc01234567890fe"}})},
		},
		{
			name: "administration", world: state("PendingDeletion"),
			events: []object{record("EnableKeyRotation", failing("KMSInvalidStateException"))},
		},
		{name: "success", events: []object{record("Decrypt")}},
		{name: "the wrong key", events: []object{record("Decrypt", failing("IncorrectKeyException"))}},
	})
}

func TestDeadKeyUsedIsOver(t *testing.T) {
	testOver(t, deadKeyUsed(), record("Decrypt", failing("DisabledException")), []overTest{
		{"enabled", inState("Enabled", time.Minute), "KMS shows the key enabled"},
		{"disabled", inState("Disabled", time.Minute), ""},
		{"read before", inState("Enabled", -time.Minute), ""},
	})
}
