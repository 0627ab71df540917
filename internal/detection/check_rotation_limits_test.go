package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func method(m policy.Method) func(c *KeyContext) {
	return func(c *KeyContext) { c.Policy.Rotation.Method = m }
}

func imported(c *KeyContext) { c.Key.Origin = externalOrigin }

func sourced(c *KeyContext) { c.Imports = true }

func all(changes ...func(c *KeyContext)) func(c *KeyContext) {
	return func(c *KeyContext) {
		for _, change := range changes {
			change(c)
		}
	}
}

func TestRotationImpossible(t *testing.T) {
	const title = "MEDIUM The policy asks for a rotation that this key cannot do"
	hmac := func(c *KeyContext) { c.Key.Spec, c.Key.Usage, c.Key.Rotation = "HMAC_256", "GENERATE_VERIFY_MAC", nil }
	store := func(origin string) func(c *KeyContext) {
		return func(c *KeyContext) { c.Key.Origin, c.Key.CustomKeyStore, c.Key.Rotation = origin, "cks-1", nil }
	}
	noPeriod := func(c *KeyContext) { c.Policy.Rotation.Automatic = 0 }
	testCheck(t, rotationImpossible(), append(notJudgedForRotation(), []checkTest{
		{
			name: "an asymmetric key under method auto", with: asymmetric, want: title,
			says: []string{
				"For alias/payments, policy payments asks for rotation every 90 days. This key is an asymmetric key " +
					"(RSA_2048)", "Left is method replace", "match: {specs: [RSA_2048], origins: [AWS_KMS]}",
			},
		},
		{
			name: "an HMAC key under method on-demand", with: all(hmac, method(policy.OnDemand)), want: title,
			says: []string{"policy payments asks for rotation on demand. This key is an HMAC key (HMAC_256)"},
		},
		{name: "a key in a CloudHSM key store", with: store("AWS_CLOUDHSM"), want: title},
		{name: "a key in an external key store", with: store("EXTERNAL_KEY_STORE"), want: title},
		{
			name: "an asymmetric key without a period", with: all(asymmetric, noPeriod), want: title,
			says: []string{"policy payments asks for rotation (method auto)"},
		},
		{
			name: "an asymmetric key under method replace", with: all(asymmetric, method(policy.Replace)),
			want: "IN ORDER policy payments asks for a new key, the only way for this one",
		},
		{
			name: "imported material under method automatic", with: all(imported, method(policy.Automatic)), want: title,
			says: []string{"Left is method on-demand, each time after somebody imported new material; or name a source"},
		},
		{
			name: "imported material under method automatic with a source of material",
			with: all(imported, sourced, method(policy.Automatic)), want: title,
			says: []string{"Left is method on-demand or auto: rotd imports new material, and rotates to it."},
		},
		{name: "imported material under method auto", with: imported, want: title},
		{
			name: "imported material under method auto with a source of material", with: all(imported, sourced),
			want: "IN ORDER policy payments asks for nothing that imported material rules out",
		},
		{
			name: "imported material under method auto without a period", with: all(imported, noPeriod),
			want: "IN ORDER policy payments asks for nothing that imported material rules out",
		},
		{
			name: "imported material under method on-demand", with: all(imported, method(policy.OnDemand)),
			want: "IN ORDER policy payments asks for nothing that imported material rules out",
		},
		{name: "a key that rotates", want: "IN ORDER KMS can rotate this key by its schedule and on demand"},
		{
			name: "a multi-Region primary", with: func(c *KeyContext) { c.Key.MultiRegion = "PRIMARY" },
			want: "IN ORDER KMS can rotate this key by its schedule and on demand",
		},
		{
			name: "a spec that rotd does not know", with: func(c *KeyContext) { c.Key.Spec = "QUANTUM_1" },
			want: `UNVERIFIABLE rotd does not know the key spec "QUANTUM_1", so it does not touch the key.`,
		},
		{
			name: "a usage that rotd does not know", with: func(c *KeyContext) { c.Key.Usage = "DREAM" },
			want: `UNVERIFIABLE rotd does not know the usage of a symmetric key "DREAM", so it does not touch the key.`,
		},
	}...))
}

func TestRotationBudgetLow(t *testing.T) {
	used := func(n int) func(c *KeyContext) {
		return func(c *KeyContext) {
			c.Reserve = 5
			c.Key.Rotation.History = []inventory.Rotated{{At: noon.AddDate(-1, 0, 0), Type: "AUTOMATIC"}}
			for i := range n {
				c.Key.Rotation.History = append(c.Key.Rotation.History,
					inventory.Rotated{At: noon.AddDate(0, 0, i-100), Type: "ON_DEMAND"})
			}
		}
	}
	testCheck(t, rotationBudgetLow(), append(notJudgedAnywhere(), []checkTest{
		{
			name: "at the reserve", with: used(20), want: "MEDIUM 5 of 25 rotations on demand are left",
			says: []string{
				"20 rotations on demand of alias/payments are used of the 25 of its whole life; the reserve is 5.",
			},
		},
		{
			name: "none left", with: used(25), want: "MEDIUM No rotation on demand is left",
			says: []string{"KMS refuses to rotate it on demand, in an emergency too"},
		},
		{name: "more than KMS allows", with: used(27), want: "MEDIUM No rotation on demand is left"},
		{
			name: "above the reserve", with: used(19),
			want: "IN ORDER 6 of 25 rotations on demand are left, and the reserve is 5",
		},
		{
			name: "no reserve", with: all(used(24), func(c *KeyContext) { c.Reserve = 0 }),
			want: "IN ORDER 1 of 25 rotations on demand are left, and the reserve is 0",
		},
		{name: "no policy", with: all(used(20), unmatched), want: "MEDIUM 5 of 25 rotations on demand are left"},
		{name: "imported material", with: all(used(20), imported), want: "MEDIUM 5 of 25 rotations on demand are left"},
		{
			name: "the rotations were read long ago, and the material is still the same",
			want: "MEDIUM 5 of 25 rotations on demand are left",
			with: all(used(20), func(c *KeyContext) {
				c.Key.Rotation.HistoryAt = noon.AddDate(0, -1, 0)
				c.Key.CurrentMaterial, c.Key.Rotation.HistoryMaterial = "m1", "m1"
			}),
		},
		{
			name: "the material changed since the rotations were read, few of which were left",
			want: "UNVERIFIABLE the key's rotations were not read since its material changed",
			with: all(used(20), func(c *KeyContext) {
				c.Key.Rotation.HistoryAt = noon.AddDate(0, -1, 0)
				c.Key.CurrentMaterial, c.Key.Rotation.HistoryMaterial = "m2", "m1"
			}),
		},
		{
			name: "the material changed since the rotations were read, enough of which were left",
			want: "UNVERIFIABLE the key's rotations were not read since its material changed",
			with: all(used(19), func(c *KeyContext) {
				c.Key.Rotation.HistoryAt = noon.AddDate(0, -1, 0)
				c.Key.CurrentMaterial, c.Key.Rotation.HistoryMaterial = "m2", "m1"
			}),
		},
		{
			name: "the rotations are denied", with: all(used(20), unread("ListKeyRotations")),
			want: "UNVERIFIABLE the key's rotations could not be read",
		},
		{
			name: "the rotations were never read", want: "UNVERIFIABLE the key's rotations could not be read",
			with: func(c *KeyContext) { c.Key.Rotation.HistoryAt = time.Time{} },
		},
	}...))
}
