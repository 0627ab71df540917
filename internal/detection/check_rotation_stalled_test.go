package detection

import (
	"slices"
	"testing"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// notJudgedAnywhere are the keys that no check of a rotation's facts judges, whatever the policy.
func notJudgedAnywhere() []checkTest {
	var tests []checkTest
	for _, test := range notJudgedForRotation() {
		if test.name != "no policy" && test.name != "method none" {
			tests = append(tests, test)
		}
	}
	return append(tests, []checkTest{
		{
			name: "an asymmetric key", with: asymmetric,
			want: "NOT JUDGED This key is an asymmetric key (RSA_2048), and KMS rotates only symmetric encryption " +
				"keys whose material it made itself.",
		},
		{
			name: "a spec that rotd does not know", with: func(c *KeyContext) { c.Key.Spec = "QUANTUM_1" },
			want: `UNVERIFIABLE rotd does not know the key spec "QUANTUM_1", so it does not touch the key.`,
		},
		{
			name: "an origin that rotd does not know", with: func(c *KeyContext) { c.Key.Origin = "MOON" },
			want: `UNVERIFIABLE rotd does not know the origin "MOON", so it does not touch the key.`,
		},
		{
			name: "the status is denied", with: unread("GetKeyRotationStatus"),
			want: "UNVERIFIABLE the key's rotation status could not be read",
		},
		{
			name: "the status was not read", with: func(c *KeyContext) { c.Key.Rotation = nil },
			want: "UNVERIFIABLE the key's rotation status could not be read",
		},
	}...)
}

// due lets the schedule's date be so long ago; the rotations were read just now and show none since.
func due(ago time.Duration) func(c *KeyContext) {
	return func(c *KeyContext) {
		next := noon.Add(-ago)
		c.Key.Rotation.Next, c.Key.Rotation.HistoryAt, c.Key.ReadAt = &next, noon, noon
	}
}

func TestRotationStalled(t *testing.T) {
	testCheck(t, rotationStalled(), slices.Concat(notJudgedAnywhere(), stalledByItsSchedule(), stalledOnDemand()))
}

func stalledByItsSchedule() []checkTest {
	const (
		day   = 24 * time.Hour
		title = "HIGH The schedule's date passed without a rotation"
	)
	rotatedAt := func(c *KeyContext, ago time.Duration) {
		c.Key.Rotation.History = []inventory.Rotated{{At: noon.Add(-ago), Type: "AUTOMATIC"}}
	}
	return []checkTest{
		{
			name: "three days over its date", with: due(3 * day), want: title,
			says: []string{
				"KMS was to rotate alias/payments on 2026-11-17 12:00Z, 3 days ago, and shows no rotation since. " +
					"It was never rotated. Automatic rotation is on, every 90 days: whoever counts on it believes the key rotated.",
				"rotd rotate " + payARN + " --reason 'a rotation did not come'",
			},
		},
		{
			name: "of a key that no policy matches", with: func(c *KeyContext) { due(3 * day)(c); unmatched(c) },
			want: title,
		},
		{
			name: "rotated the period before", with: func(c *KeyContext) { due(3 * day)(c); rotatedAt(c, 93*day) },
			want: title, says: []string{"Its last rotation was at 2026-08-19 12:00Z."},
		},
		{
			name: "a day over its date", with: due(day),
			want: "IN ORDER the next rotation is due on 2026-11-19 12:00Z",
		},
		{name: "a second more than a day over its date", with: due(day + time.Second), want: title},
		{
			name: "rotated on its date, which the status still shows",
			with: func(c *KeyContext) { due(3 * day)(c); rotatedAt(c, 3*day+time.Hour) },
			want: "IN ORDER KMS rotated the key on the date that it still shows as the next",
		},
		{
			name: "the rotations were read before the date", want: "UNVERIFIABLE the key's rotations have not been " +
				"read since 2026-11-18 12:00Z",
			with: func(c *KeyContext) { due(3 * day)(c); c.Key.Rotation.HistoryAt = noon.Add(-4 * day) },
		},
		{
			name: "the rotations were read after the date, though not this time", want: title,
			with: func(c *KeyContext) { due(3 * day)(c); c.Key.Rotation.HistoryAt = noon.Add(-day) },
		},
		{
			name: "the rotations were read before the date, and their last material is the key's still", want: title,
			with: func(c *KeyContext) {
				due(3 * day)(c)
				rotatedAt(c, 93*day)
				c.Key.Rotation.HistoryAt = noon.Add(-4 * day)
				c.Key.CurrentMaterial, c.Key.Rotation.HistoryMaterial = "same", "same"
			},
		},
		{
			name: "never rotated, and the rotations, read before the date, name the material that the key has", want: title,
			with: func(c *KeyContext) {
				due(3 * day)(c)
				c.Key.Rotation.HistoryAt = noon.Add(-4 * day)
				c.Key.CurrentMaterial, c.Key.Rotation.HistoryMaterial = "first", "first"
			},
		},
		{
			name: "the rotations are denied", want: "UNVERIFIABLE the key's rotations could not be read",
			with: func(c *KeyContext) { due(3 * day)(c); unread("ListKeyRotations")(c) },
		},
		{
			name: "enabled a moment ago, after its date", want: "UNVERIFIABLE the key was enabled only now, and KMS " +
				"rotates it now that it is",
			with: func(c *KeyContext) {
				due(3 * day)(c)
				before := *c.Key
				before.State = "Disabled"
				c.Before = &before
			},
		},
		{
			name: "enabled when it was read before", with: func(c *KeyContext) { due(3 * day)(c); c.Before = payKey() },
			want: title,
		},
		{
			name: "off", with: func(c *KeyContext) { due(3 * day)(c); c.Key.Rotation.Enabled = false },
			want: "IN ORDER no rotation was asked for that KMS does not show",
		},
		{name: "no date", want: "IN ORDER no rotation was asked for that KMS does not show"},
	}
}

func stalledOnDemand() []checkTest {
	since := func(ago time.Duration) func(c *KeyContext) {
		return func(c *KeyContext) {
			at := noon.Add(-ago)
			c.Key.Rotation.InProgress = &at
		}
	}
	missed := func(ago time.Duration) func(c *KeyContext) {
		return func(c *KeyContext) {
			c.Key.Rotation.HistoryAt = noon
			c.Missed = &remediation.Action{ID: "act_1", CalledAt: noon.Add(-ago), Method: remediation.NewMaterial}
		}
	}
	return []checkTest{
		{
			name: "in progress for two hours", with: since(2 * time.Hour), want: "HIGH A rotation on demand does not end",
			says: []string{"in progress since 2026-11-20 10:00Z, for 2 h; that takes seconds, sometimes minutes."},
		},
		{
			name: "of imported material", want: "HIGH A rotation on demand does not end",
			with: func(c *KeyContext) { since(2 * time.Hour)(c); c.Key.Origin = externalOrigin },
		},
		{
			name: "in progress for minutes", with: since(10 * time.Minute),
			want: "IN ORDER a rotation on demand is in progress since 2026-11-20 11:50Z",
		},
		{
			name: "in progress for an hour", with: since(time.Hour), want: "HIGH A rotation on demand does not end",
		},
		{
			name: "begun in the future, by another clock", with: since(-time.Hour),
			want: "IN ORDER a rotation on demand is in progress since 2026-11-20 13:00Z",
		},
		{
			name: "asked for by rotd and never seen", with: missed(5 * time.Hour),
			want: "HIGH A rotation that rotd asked for did not come",
			says: []string{
				"rotd asked KMS for new material of alias/payments at 2026-11-20 07:00Z (action act_1), and KMS shows no " +
					"rotation since.", "rotd actions show act_1",
			},
		},
		{
			name: "asked for by rotd, and seen later", want: "IN ORDER no rotation was asked for that KMS does not show",
			with: func(c *KeyContext) {
				missed(5 * time.Hour)(c)
				c.Key.Rotation.History = []inventory.Rotated{{At: noon.Add(-4 * time.Hour), Type: "ON_DEMAND"}}
			},
		},
		{
			name: "asked for by rotd, and counted by KMS at a time before", with: func(c *KeyContext) {
				missed(5 * time.Hour)(c)
				c.Key.Rotation.History = []inventory.Rotated{{At: noon.Add(-6 * time.Hour), Type: "ON_DEMAND"}}
			},
			want: "IN ORDER no rotation was asked for that KMS does not show",
		},
		{
			name: "asked for by rotd, the rotations not read since",
			with: func(c *KeyContext) { missed(5 * time.Hour)(c); c.Key.Rotation.HistoryAt = noon.Add(-6 * time.Hour) },
			want: "UNVERIFIABLE the key's rotations have not been read since 2026-11-20 07:15Z",
		},
		{
			name: "asked for by rotd, the rotations denied",
			with: func(c *KeyContext) { missed(5 * time.Hour)(c); unread("ListKeyRotations")(c) },
			want: "UNVERIFIABLE the key's rotations could not be read",
		},
	}
}

func TestAMissedRotationIsToldByTheActionThatMissedIt(t *testing.T) {
	for _, method := range []remediation.Method{remediation.NewMaterial, remediation.ImportedMaterial} {
		c := keyContext()
		c.Key.Rotation.HistoryAt = noon
		c.Missed = &remediation.Action{
			ID: "act_1", KeyARN: c.Key.ARN, CalledAt: noon.Add(-5 * time.Hour), Method: method, Attempts: 1,
		}
		failed := RotationFailed("default", c.Missed, noon)
		if told := judgeRotationStalled(c).Told[""]; !slices.Contains(told, failed.Fingerprint) {
			t.Errorf("%s: told by %v, not by %s", method, told, failed.Fingerprint)
		}
	}
}
