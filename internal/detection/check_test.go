package detection

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// checkTest is a key and what a check says: `RESULT reason`, or for drift `SEVERITY title`.
type checkTest struct {
	name string
	with func(c *KeyContext)
	want string
	says []string // a drift's description or remedy have these
}

func testCheck(t *testing.T, check Check, tests []checkTest) {
	t.Helper()
	judge := newJudge(nil, []Check{check}, Settings{})
	golden := true
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := keyContext()
			if test.with != nil {
				test.with(c)
			}
			judged, panics := judge.Key(c, true)
			for _, p := range panics {
				t.Fatalf("%v\n%s", p, p.Stack)
			}
			v := judged[0].Verdict
			f := v.Finding
			if diff := cmp.Diff(test.want, said(v)); diff != "" {
				t.Fatalf("verdict (-want +got):\n%s", diff)
			}
			if v.Result != Drift {
				return
			}
			checkFinding(t, &f)
			text := f.Description + "\n" + strings.Join(f.Remedy, "\n")
			for _, s := range test.says {
				if !strings.Contains(text, s) {
					t.Errorf("%q is not in:\n%s", s, text)
				}
			}
			if golden {
				golden = false
				checkGolden(t, &f)
			}
		})
	}
}

func said(v Verdict) string {
	switch v.Result {
	case NotJudged:
		return "NOT JUDGED " + v.Reason
	case InOrder:
		return "IN ORDER " + v.Reason
	case Unverifiable:
		return "UNVERIFIABLE " + v.Reason
	case Drift:
	}
	return v.Finding.Severity.String() + " " + v.Finding.Title
}

// keyContext is the payments key, in order, under its policy of 90 days.
func keyContext() *KeyContext {
	return &KeyContext{
		Key: payKey(), Policy: &newWorld().policies[0], Now: noon, Grace: 10 * time.Minute,
		Trusted: func(string) bool { return false },
	}
}

func managedByAWS(c *KeyContext) { c.Key.Manager = "AWS" }
func gone(c *KeyContext)         { c.Key.GoneAt = &c.Now }
func notDescribed(c *KeyContext) { c.Key.Manager = ""; c.Key.Denied = []string{"DescribeKey"} }
func unmatched(c *KeyContext)    { c.Policy = nil }
func disabledKey(c *KeyContext)  { c.Key.State = "Disabled" }
func watchedOnly(c *KeyContext)  { c.Policy.Rotation.Method = policy.None }
func replica(c *KeyContext)      { c.Key.MultiRegion, c.Key.PrimaryARN = "REPLICA", otherARN }
func asymmetric(c *KeyContext) {
	c.Key.Spec, c.Key.Usage, c.Key.Rotation = "RSA_2048", "SIGN_VERIFY", nil
}
func replicaInView(c *KeyContext) { replica(c); c.Primary = otherKey() }
func unread(ops ...string) func(*KeyContext) {
	return func(c *KeyContext) { c.Key.Denied = ops }
}

// notJudgedForRotation are the keys that no rotation check judges.
func notJudgedForRotation() []checkTest {
	return []checkTest{
		{name: "an AWS managed key", with: managedByAWS, want: "NOT JUDGED AWS manages this key and rotates it itself"},
		{name: "a key that is gone", with: gone, want: "NOT JUDGED KMS no longer knows the key"},
		{
			name: "a key that is not described", with: notDescribed,
			want: "UNVERIFIABLE KMS did not describe the key to rotd",
		},
		{name: "no policy", with: unmatched, want: "NOT JUDGED no policy matches the key"},
		{
			name: "method none", with: watchedOnly,
			want: "NOT JUDGED policy payments only watches its keys (method none)",
		},
		{
			name: "a disabled key", with: disabledKey,
			want: "NOT JUDGED the key is Disabled, and KMS rotates enabled keys only",
		},
		{
			name: "a replica", with: replicaInView,
			want: "NOT JUDGED a replica is judged at its primary, " + otherARN,
		},
		{
			name: "a replica whose primary is out of view", with: replica,
			want: "NOT JUDGED a replica is judged at its primary, which is out of rotd's view",
		},
	}
}

func TestRotationDisabled(t *testing.T) {
	off := func(c *KeyContext) { c.Key.Rotation.Enabled, c.Key.Rotation.PeriodDays = false, 0 }
	testCheck(t, rotationDisabled(), append(notJudgedForRotation(), []checkTest{
		{
			name: "off", with: off, want: "HIGH Automatic rotation is off",
			says: []string{
				"KMS shows automatic rotation of alias/payments off; policy payments asks for rotation every 90 days.",
				"aws kms enable-key-rotation --key-id " + payARN + " --rotation-period-in-days 90 --region eu-west-1",
			},
		},
		{
			name: "off, with the policy's reason",
			with: func(c *KeyContext) {
				off(c)
				c.Policy.Rotation.Rationale = "PCI DSS 4.0.1 3.7.4"
			},
			want: "HIGH Automatic rotation is off", says: []string{`("PCI DSS 4.0.1 3.7.4")`},
		},
		{name: "on", want: "IN ORDER automatic rotation is on, every 90 days"},
		{
			name: "the status is denied", with: unread("GetKeyRotationStatus"),
			want: "UNVERIFIABLE the key's rotation status could not be read",
		},
		{
			name: "the status was not read", with: func(c *KeyContext) { c.Key.Rotation = nil },
			want: "UNVERIFIABLE the key's rotation status could not be read",
		},
		{
			name: "an asymmetric key", with: asymmetric,
			want: "NOT JUDGED This key is an asymmetric key (RSA_2048), and KMS rotates only symmetric encryption " +
				"keys whose material it made itself.",
		},
		{
			name: "a spec that rotd does not know", with: func(c *KeyContext) { c.Key.Spec = "QUANTUM_1" },
			want: `NOT JUDGED rotd does not know the key spec "QUANTUM_1", so it does not touch the key.`,
		},
		{
			name: "the policy rotates on demand",
			with: func(c *KeyContext) { off(c); c.Policy.Rotation.Method = policy.OnDemand },
			want: "NOT JUDGED policy payments does not ask for automatic rotation",
		},
		{
			name: "the policy has no period", with: func(c *KeyContext) { off(c); c.Policy.Rotation.Automatic = 0 },
			want: "NOT JUDGED policy payments does not ask for automatic rotation",
		},
	}...))
}

func TestRotationPeriodTooLong(t *testing.T) {
	period := func(days int) func(*KeyContext) {
		return func(c *KeyContext) { c.Key.Rotation.PeriodDays = days }
	}
	testCheck(t, rotationPeriodTooLong(), append(notJudgedForRotation(), []checkTest{
		{
			name: "a year", with: period(365), want: "MEDIUM The rotation period is longer than the policy's",
			says: []string{
				"KMS rotates alias/payments every 365 days; policy payments asks for 90 at most.",
				"rotd rotate " + payARN + " --automatic 90d --reason 'the period was too long'",
			},
		},
		{
			name: "as long as the policy's", with: period(90),
			want: "IN ORDER the period is 90 days, and the policy asks for 90 at most",
		},
		{name: "not told", with: period(0), want: "UNVERIFIABLE KMS did not say the rotation period"},
		{
			name: "off", with: func(c *KeyContext) { c.Key.Rotation.Enabled = false },
			want: "NOT JUDGED automatic rotation is off, which rotation-disabled tells",
		},
		{
			name: "the status is denied", with: unread("GetKeyRotationStatus"),
			want: "UNVERIFIABLE the key's rotation status could not be read",
		},
	}...))
}

func TestRotationOverdue(t *testing.T) {
	const title = "HIGH The key material is older than the policy allows"
	created := func(days int) func(*KeyContext) {
		return func(c *KeyContext) { c.Key.Created = noon.AddDate(0, 0, -days) }
	}
	rotated := func(age time.Duration) func(*KeyContext) {
		return func(c *KeyContext) {
			created(400)(c)
			c.Key.Rotation.History = []inventory.Rotated{
				{At: noon.AddDate(0, 0, -300), Type: "AUTOMATIC"}, {At: noon.Add(-age), Type: "ON_DEMAND"},
			}
		}
	}
	const day = 24 * time.Hour
	replaced := func(c *KeyContext) {
		asymmetric(c)
		created(100)(c)
		c.Policy.Rotation.Method = policy.Replace
	}
	testCheck(t, rotationOverdue(), append(notJudgedForRotation(), []checkTest{
		{
			name: "never rotated", with: created(100), want: title,
			says: []string{
				"The material of alias/payments is 100 days old; policy payments asks for new material within 90 days.",
				"It was never rotated since its creation at 2026-08-12 12:00Z.",
				"aws kms rotate-key-on-demand --key-id " + payARN,
			},
		},
		{
			name: "rotated long ago", with: rotated(120 * day), want: title,
			says: []string{"It was last rotated at 2026-07-23 12:00Z."},
		},
		{
			name: "rotated lately", with: rotated(time.Hour),
			want: "IN ORDER the material is 60 min old, and the policy allows 90 days",
		},
		{
			name: "old by less than the grace", with: rotated(90*day + 10*time.Minute),
			want: "IN ORDER the material is 90 days old, and the policy allows 90 days",
		},
		{
			name: "old by a second more than the grace", with: rotated(90*day + 10*time.Minute + time.Second),
			want: title,
		},
		{
			name: "an automatic rotation is near",
			with: func(c *KeyContext) {
				created(100)(c)
				next := noon.AddDate(0, 0, 3)
				c.Key.Rotation.Next = &next
			},
			want: title, says: []string{"The next automatic rotation is on 2026-11-23."},
		},
		{
			name: "imported material", with: func(c *KeyContext) { created(100)(c); c.Key.Origin = "EXTERNAL" },
			want: title, says: []string{"--import-type NEW_KEY_MATERIAL"},
		},
		{
			name: "imported material from a source", with: all(created(100), imported, sourced),
			want: title, says: []string{"Rotate it now, to material that is imported for it"},
		},
		{
			name: "imported material that waits for its rotation",
			with: all(created(100), imported, func(c *KeyContext) {
				c.Key.Rotation.Pending = &inventory.Pending{Import: "IMPORTED"}
			}),
			want: title, says: []string{"Rotate it now, to material that is imported for it"},
		},
		{name: "an asymmetric key to be replaced", with: replaced, want: title, says: []string{"rotd replace makes"}},
		{
			name: "a replaced key that is kept", with: func(c *KeyContext) { replaced(c); c.Key.Aliases = nil },
			want: "NOT JUDGED no alias points to the key: it is kept for what it has encrypted or signed",
		},
		{
			name: "an asymmetric key to be replaced, of unknown aliases",
			with: func(c *KeyContext) { replaced(c); c.Key.Denied = []string{"ListAliases"} },
			want: "UNVERIFIABLE whether an alias points to the key could not be read",
		},
		{
			name: "an asymmetric key under method auto", with: asymmetric,
			want: "NOT JUDGED This key is an asymmetric key (RSA_2048), and KMS rotates only symmetric encryption " +
				"keys whose material it made itself.",
		},
		{
			name: "the history is denied",
			with: func(c *KeyContext) { created(100)(c); c.Key.Denied = []string{"ListKeyRotations"} },
			want: "UNVERIFIABLE the key's rotations could not be read",
		},
		{
			name: "the history was not read",
			with: func(c *KeyContext) { created(100)(c); c.Key.Rotation.HistoryAt = time.Time{} },
			want: "UNVERIFIABLE the key's rotations could not be read",
		},
		{
			name: "the history was read before, but not with the rest",
			with: func(c *KeyContext) { created(100)(c); c.Key.Rotation.HistoryAt = c.Key.ReadAt.Add(-time.Hour) },
			want: "UNVERIFIABLE the key's rotations were not read since its material changed",
		},
		{
			name: "the history was read before, and the material changed since",
			with: func(c *KeyContext) {
				created(100)(c)
				c.Key.CurrentMaterial = "new"
				c.Key.Rotation.HistoryAt, c.Key.Rotation.HistoryMaterial = c.Key.ReadAt.Add(-time.Hour), "old"
			},
			want: "UNVERIFIABLE the key's rotations were not read since its material changed",
		},
		{
			name: "the history was read before, and names the material that is still current",
			with: func(c *KeyContext) {
				created(10)(c)
				c.Key.CurrentMaterial = "same"
				c.Key.Rotation.HistoryAt, c.Key.Rotation.HistoryMaterial = c.Key.ReadAt.Add(-time.Hour), "same"
			},
			want: "IN ORDER the material is 10 days old, and the policy allows 90 days",
		},
		{
			name: "never rotated, of unknown creation", with: func(c *KeyContext) { c.Key.Created = time.Time{} },
			want: "UNVERIFIABLE KMS did not say when the key was created",
		},
		{
			name: "a rotation is in progress",
			with: func(c *KeyContext) {
				created(100)(c)
				since := noon.Add(-time.Minute)
				c.Key.Rotation.InProgress = &since
			},
			want: "UNVERIFIABLE a rotation on demand is in progress",
		},
		{
			name: "a rotation has been in progress for an hour, which is no excuse",
			with: func(c *KeyContext) {
				created(100)(c)
				since := noon.Add(-time.Hour)
				c.Key.Rotation.InProgress = &since
			},
			want: title,
		},
		{
			name: "no max_age", with: func(c *KeyContext) { created(100)(c); c.Policy.Rotation.MaxAge = 0 },
			want: "NOT JUDGED policy payments has no max_age",
		},
	}...))
}

func TestKeyPendingDeletion(t *testing.T) {
	const title = "CRITICAL The key is scheduled for deletion"
	pending := func(after time.Duration) func(*KeyContext) {
		return func(c *KeyContext) {
			date := noon.Add(after)
			c.Key.State, c.Key.DeletionDate = "PendingDeletion", &date
		}
	}
	testCheck(t, keyPendingDeletion(), []checkTest{
		{
			name: "in ten days",
			with: func(c *KeyContext) {
				pending(240 * time.Hour)(c)
				c.LastUse = noon.AddDate(0, 0, -1)
			},
			want: title,
			says: []string{
				"It is deleted at 2026-11-30 12:00Z, in 10 days.", "last seen used at 2026-11-19 12:00Z",
				"aws kms cancel-key-deletion --key-id " + payARN + " --region eu-west-1",
				"aws kms enable-key --key-id " + payARN + " --region eu-west-1",
			},
		},
		{
			name: "last used as KMS itself says",
			with: func(c *KeyContext) {
				pending(240 * time.Hour)(c)
				used := noon.Add(-time.Hour)
				c.LastUse, c.Key.LastUsage = noon.AddDate(0, 0, -1), &inventory.LastUsage{At: &used, ReadAt: noon}
			},
			want: title, says: []string{"last seen used at 2026-11-20 11:00Z"},
		},
		{name: "in hours", with: pending(5 * time.Hour), want: title, says: []string{"in 5 h.", "that proves none"}},
		{
			name: "at any moment", with: pending(-time.Minute), want: title,
			says: []string{"it is deleted at any moment"},
		},
		{
			name: "at a date KMS does not say", with: func(c *KeyContext) { c.Key.State = "PendingDeletion" },
			want: title,
			says: []string{"KMS did not say when."},
		},
		{
			name: "after its replicas", with: func(c *KeyContext) { c.Key.State = "PendingReplicaDeletion" },
			want: title,
			says: []string{"when the last of its replicas is deleted"},
		},
		{
			name: "a replica without a policy",
			with: func(c *KeyContext) { replica(c); unmatched(c); pending(time.Hour)(c) }, want: title,
		},
		{name: "enabled", want: "IN ORDER the key is not scheduled for deletion; it is Enabled"},
		{name: "disabled", with: disabledKey, want: "IN ORDER the key is not scheduled for deletion; it is Disabled"},
		{name: "an AWS managed key", with: managedByAWS, want: "NOT JUDGED AWS manages this key"},
		{name: "not described", with: notDescribed, want: "UNVERIFIABLE KMS did not describe the key to rotd"},
		{name: "gone", with: gone, want: "NOT JUDGED KMS no longer knows the key"},
	})
}

func TestKeyUnverifiable(t *testing.T) {
	testCheck(t, keyUnverifiable(), []checkTest{
		{
			name: "reads denied", with: unread("GetKeyPolicy", "GetKeyRotationStatus"),
			want: "LOW KMS does not let rotd read all of the key",
			says: []string{
				"KMS refused GetKeyPolicy, GetKeyRotationStatus on alias/payments.",
				"kms:GetKeyPolicy, kms:GetKey",
			},
		},
		{
			name: "malformed policy JSON", with: policyText(`{"Statement":[{"Effect":"Allow","Principal":"*"`),
			want: "LOW The key policy cannot be understood",
			says: []string{
				"The key policy of alias/payments cannot be judged: line 1, column 48: Statement[0] is not valid JSON: it " +
					"ends too early. Whom it lets in is unknown.",
			},
		},
		{
			name: "malformed policy JSON, and a read denied",
			with: all(policyText("{"), unread("ListResourceTags")),
			want: "LOW KMS does not let rotd read all of the key", says: []string{"Whom it lets in is unknown."},
		},
		{
			name: "a malformed policy from before it was denied", with: all(policyText("{"), unread("GetKeyPolicy")),
			want: "LOW KMS does not let rotd read all of the key",
		},
		{
			name: "a key policy that was not read yet", with: policyText(""),
			want: "IN ORDER everything about the key could be read",
		},
		{name: "nothing is described", with: notDescribed, want: "LOW KMS does not let rotd read all of the key"},
		{
			name: "a replica whose primary is out of view", with: replica,
			want: "LOW The replica's primary is out of view",
			says: []string{otherARN, "aws kms get-key-rotation-status --key-id " + otherARN + " --region eu-west-1"},
		},
		{
			name: "a replica whose primary is in a place that rotd reads, and was not read yet",
			with: func(c *KeyContext) { replica(c); c.Reads = func(arn string) bool { return arn == otherARN } },
			want: "UNVERIFIABLE the replica's primary has not been read yet",
		},
		{name: "a replica in view", with: replicaInView, want: "IN ORDER everything about the key could be read"},
		{
			name: "a replica that no policy matches", with: func(c *KeyContext) { replica(c); unmatched(c) },
			want: "IN ORDER everything about the key could be read",
		},
		{
			name: "a replica that is only watched", with: func(c *KeyContext) { replica(c); watchedOnly(c) },
			want: "IN ORDER everything about the key could be read",
		},
		{
			name: "an AWS managed key",
			with: func(c *KeyContext) { managedByAWS(c); unread("GetKeyRotationStatus")(c) },
			want: "NOT JUDGED AWS manages this key and does not tell its status",
		},
		{name: "gone", with: gone, want: "NOT JUDGED KMS no longer knows the key"},
	})
}

func TestKeyUnmanaged(t *testing.T) {
	testCheck(t, keyUnmanaged(), []checkTest{
		{
			name: "no policy matches", with: unmatched, want: "LOW No policy matches the key",
			says: []string{
				"alias/payments (SYMMETRIC_DEFAULT, AWS_KMS) matches no policy of rotd.yaml",
				"rotd keys show " + payARN,
			},
		},
		{name: "a policy matches", want: "IN ORDER policy payments matches the key"},
		{
			name: "a policy that only watches matches", with: watchedOnly,
			want: "IN ORDER policy payments matches the key",
		},
		{
			name: "an AWS managed key", with: func(c *KeyContext) { managedByAWS(c); unmatched(c) },
			want: "NOT JUDGED AWS manages this key",
		},
		{
			name: "tags are denied", with: func(c *KeyContext) { unmatched(c); unread("ListResourceTags")(c) },
			want: "UNVERIFIABLE the key's tags or aliases, by which policies match, could not be read",
		},
		{
			name: "not described", with: func(c *KeyContext) { unmatched(c); notDescribed(c) },
			want: "UNVERIFIABLE KMS did not describe the key to rotd",
		},
		{
			name: "not described yet", with: func(c *KeyContext) { unmatched(c); c.Key.Manager = "" },
			want: "UNVERIFIABLE KMS did not describe the key to rotd",
		},
		{
			name: "not described any more", with: func(c *KeyContext) { unmatched(c); unread("DescribeKey")(c) },
			want: "UNVERIFIABLE KMS did not describe the key to rotd",
		},
		{
			name: "gone", with: func(c *KeyContext) { unmatched(c); gone(c) },
			want: "NOT JUDGED KMS no longer knows the key",
		},
	})
}

func TestConfigurationChangesAChecksSeverity(t *testing.T) {
	judge := newJudge(nil, []Check{keyUnmanaged()}, Settings{
		Severities: map[string]finding.Severity{"key-unmanaged": finding.Informational},
	})
	c := keyContext()
	c.Policy = nil
	judged, _ := judge.Key(c, true)
	if got := said(judged[0].Verdict); got != "INFORMATIONAL No policy matches the key" {
		t.Error(got)
	}
}

func TestPolicyAssignmentChanged(t *testing.T) {
	moved := func(to string, change ...func(*policy.Pending)) func(*KeyContext) {
		return func(c *KeyContext) {
			c.Moved = &policy.Pending{
				Policy: to, Since: noon.Add(-time.Hour), Changed: []string{"tag team=payments removed"},
				Laxer: []string{"max_age 365d instead of 90d", "mode observe instead of enforce"},
			}
			for _, fn := range change {
				fn(c.Moved)
			}
		}
	}
	testCheck(t, keyPolicyAssignmentChanged(), []checkTest{
		{
			name: "to a laxer policy", with: moved("everything-else"),
			want: "HIGH A tag or alias change moved the key to a laxer policy",
			says: []string{
				`changed, seen 2026-11-20 11:00Z ("tag team=payments removed"), which moved the key from policy payments to ` +
					`policy everything-else. That is laxer: max_age 365d instead of 90d; mode observe instead of enforce.`,
				"Until somebody acknowledges it rotd goes on by what was before.", "rotd config explain " + payARN,
			},
		},
		{
			name: "to no policy", with: moved(""),
			want: "HIGH A tag or alias change moved the key to a laxer policy",
		},
		{
			name: "under an exception",
			with: moved("payments", func(p *policy.Pending) {
				p.Changed = []string{"alias/pay-reader-x\nHIGH added"}
				p.Laxer = []string{"exception readers lets it off rotation-overdue"}
			}),
			want: "HIGH A tag or alias change brought the key under an exception",
			says: []string{`("alias/pay-reader-x\nHIGH added"), which left it under policy payments.`},
		},
		{name: "not moved", want: "IN ORDER the key is under the policy that its tags and aliases give it"},
		{name: "an AWS managed key", with: managedByAWS, want: "NOT JUDGED AWS manages this key"},
		{name: "a key that is gone", with: gone, want: "NOT JUDGED KMS no longer knows the key"},
	})
}
