package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The values are fixed for ever: state files and receivers of alerts hold on to them.
func TestFingerprint(t *testing.T) {
	key := Subject{Key, "arn:aws:kms:eu-west-1:111122223333:key/1"}
	for name, tc := range map[string]struct{ got, of string }{
		"of rule, typed subject, principal and discriminator": {
			Fingerprint("r", key, "arn:aws:iam::1:role/x", "eu-west-1"),
			"r\x00key\x00arn:aws:kms:eu-west-1:111122223333:key/1\x00arn:aws:iam::1:role/x\x00eu-west-1",
		},
		"without principal and discriminator their places stay": {
			Fingerprint("r", key, "", ""), "r\x00key\x00arn:aws:kms:eu-west-1:111122223333:key/1\x00\x00",
		},
		"the same id as another kind of thing is another subject": {
			Fingerprint("r", Subject{Alias, key.ID}, "", ""), "r\x00alias\x00arn:aws:kms:eu-west-1:111122223333:key/1\x00\x00",
		},
		"of an alert: shard, fingerprint, episode and transition": {
			AlertID("default", "v1:f", 12, string(Raised(Critical))), "default\x00v1:f\x0012\x00raised:CRITICAL",
		},
	} {
		t.Run(name, func(t *testing.T) {
			sum := sha256.Sum256([]byte(tc.of))
			if want := "v1:" + hex.EncodeToString(sum[:]); tc.got != want {
				t.Errorf("got %s, want %s", tc.got, want)
			}
		})
	}
	const golden = "v1:cbba15974598537503cfc72d979b65f3da74aded5577663698d050f346d7f95f"
	if got := Fingerprint("key-disabled", Subject{Key, "k"}, "p", "d"); got != golden {
		t.Errorf("a fingerprint is %s, it was %s", got, golden)
	}
	const goldenAlert = "v1:b853ba1f3934077b6fed3a31b24a0b408e09e5a36b77dd3a7ca38ea4f0d44f35"
	if got := AlertID("default", "v1:f", 1, string(Opened)); got != goldenAlert {
		t.Errorf("an alert_id is %s, it was %s", got, goldenAlert)
	}
}

func TestIdentitiesDifferInEveryPart(t *testing.T) {
	all := map[string]string{}
	for name, id := range map[string]string{
		"base":                Fingerprint("r", Subject{Key, "s"}, "p", "d"),
		"rule":                Fingerprint("R", Subject{Key, "s"}, "p", "d"),
		"type":                Fingerprint("r", Subject{Trail, "s"}, "p", "d"),
		"subject":             Fingerprint("r", Subject{Key, "S"}, "p", "d"),
		"principal":           Fingerprint("r", Subject{Key, "s"}, "P", "d"),
		"discriminator":       Fingerprint("r", Subject{Key, "s"}, "p", "D"),
		"parts run together":  Fingerprint("r", Subject{Key, "sp"}, "", "d"),
		"parts in each other": Fingerprint("r", Subject{Key, "s"}, "pd", ""),
		"alert":               AlertID("s", "f", 1, "opened"),
		"alert's shard":       AlertID("S", "f", 1, "opened"),
		"alert's finding":     AlertID("s", "F", 1, "opened"),
		"alert's episode":     AlertID("s", "f", 11, "opened"),
		"alert's transition":  AlertID("s", "f", 1, "resolved"),
	} {
		if other, taken := all[id]; taken {
			t.Errorf("%s and %s have one identity", name, other)
		}
		all[id] = name
	}
}
