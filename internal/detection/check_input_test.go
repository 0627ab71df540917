package detection

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// judgedAll is what all checks say of a key, but for those that do not judge it or find it in order.
func judgedAll(t *testing.T, c *KeyContext) map[string]string {
	t.Helper()
	judged, panics := newJudge(nil, Checks(), Settings{}).Key(c, true)
	for _, p := range panics {
		t.Errorf("%v\n%s", p, p.Stack)
	}
	got := make(map[string]string)
	for i := range judged {
		v := judged[i].Verdict
		if v.Result == Drift {
			checkFinding(t, &v.Finding)
			checkHarmless(t, &v)
		}
		if v.Result == Drift || v.Result == Unverifiable {
			got[judged[i].Check.ID] = said(v)
		}
	}
	return got
}

// checkHarmless wants every text of a finding to be one line of printable characters.
func checkHarmless(t *testing.T, v *Verdict) {
	t.Helper()
	f := &v.Finding
	for _, text := range append([]string{v.Reason, f.Title, f.Description, f.Policy}, append(f.Remedy, f.Points...)...) {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '…' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s: character %q in %q", f.RuleID, text[i], text)
		}
	}
}

const hostile = "alias/\x1b[2Kpay\u202ements\n\r<script>'; rm -rf / #\x00"

// broken is a key that every check finds something about, so that every text is made.
func broken(c *KeyContext) {
	k := c.Key
	k.Created = noon.AddDate(-2, 0, 0)
	k.Rotation.Enabled = false
	k.Denied = []string{"ListResourceTags"}
	k.Policy = letting(unknown)
	c.Policy.UnusedAfter = 30 * 24 * time.Hour
	c.LastUse = noon.AddDate(-1, 0, 0)
	c.Reserve = 25
}

func TestHostileNamesAreShownHarmless(t *testing.T) {
	for name, tt := range map[string]struct {
		with func(c *KeyContext)
		want map[string]string
	}{
		"a symmetric key": {func(*KeyContext) {}, map[string]string{
			"rotation-disabled":           "HIGH Automatic rotation is off",
			"rotation-overdue":            "HIGH The key material is older than the policy allows",
			"rotation-budget-low":         "MEDIUM 25 of 25 rotations on demand are left",
			"key-unverifiable":            "LOW KMS does not let rotd read all of the key",
			"key-unused":                  "LOW Nothing uses the key",
			"key-policy-external-account": "HIGH The key policy lets the untrusted account 999988887777 in",
		}},
		"an asymmetric key with a public policy": {all(asymmetric, policyText(publicPolicy)), map[string]string{
			"rotation-impossible": "MEDIUM The policy asks for a rotation that this key cannot do",
			"key-unverifiable":    "LOW KMS does not let rotd read all of the key",
			"key-unused":          "LOW Nothing uses the key",
			"key-policy-public":   "CRITICAL The key policy lets every AWS account in",
		}},
		"a key that lost its material": {func(c *KeyContext) {
			imported(c)
			c.Key.State, c.Key.Rotation = "PendingImport", nil
			c.Key.Policy = ownPolicy
		}, map[string]string{
			"key-unverifiable": "LOW KMS does not let rotd read all of the key",
			"material-missing": "CRITICAL A key in use has lost its material",
		}},
		"a key that no policy matches": {func(c *KeyContext) {
			unmatched(c)
			c.Key.Denied = nil
			validFor(time.Hour)(c)
			at := noon.AddDate(0, 0, 1)
			c.Key.State, c.Key.DeletionDate, c.Key.Policy = "PendingDeletion", &at, ownPolicy
		}, map[string]string{
			"key-unmanaged":        "LOW No policy matches the key",
			"key-pending-deletion": "CRITICAL The key is scheduled for deletion",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := keyContext()
			broken(c)
			tt.with(c)
			c.Key.Aliases, c.Key.Tags = []string{hostile}, map[string]string{hostile: hostile}
			c.Key.Description = hostile
			if c.Policy != nil {
				c.Policy.Rotation.Rationale = hostile
			}
			if diff := cmp.Diff(tt.want, judgedAll(t, c)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostileStatementsAreShownHarmless(t *testing.T) {
	c := keyContext()
	c.Key.Policy = string(mustJSON(t, object{"Statement": []object{{
		"Sid": hostile, "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
		"Condition": object{"StringLike": object{"kms:EncryptionContext:" + hostile: hostile}},
	}}}))
	want := map[string]string{"key-policy-public": "CRITICAL The key policy lets every AWS account in"}
	if diff := cmp.Diff(want, judgedAll(t, c)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestAPolicyOf32KiBWithFiveHundredStatementsIsJudged(t *testing.T) {
	var statements []string
	for i := range 499 {
		statements = append(statements, fmt.Sprintf(`{"Effect":"Deny","Principal":"*","Action":"x:%d"}`, i))
	}
	const last = `{"Sid":"last","Effect":"Allow","Principal":"*","Action":"kms:*"}`
	text := `{"Statement":[` + strings.Join(append(statements, last), ",") + `]}`
	if len(text) > 32<<10 || len(text) < 24<<10 {
		t.Fatalf("%d bytes", len(text))
	}
	c := keyContext()
	c.Key.Policy = text + strings.Repeat(" ", 32<<10-len(text))
	start := time.Now()
	judged := judgeKeyPolicyPublic(c).Finding
	if !strings.Contains(judged.Description, `Statement 500 ("last") lets every AWS account`) {
		t.Errorf("found %q: %s", judged.Title, judged.Description)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

// What KMS may say tomorrow is not rotatable today, and never an error or a false verdict.
func TestUnknownWordsOfKMSAreNoVerdict(t *testing.T) {
	unknownSpec := `UNVERIFIABLE rotd does not know the %s "TOMORROW", so it does not touch the key.`
	rotation := func(what string) map[string]string {
		said := fmt.Sprintf(unknownSpec, what)
		return map[string]string{"rotation-stalled": said, "rotation-impossible": said, "rotation-budget-low": said}
	}
	for name, tt := range map[string]struct {
		with func(k *inventory.Key)
		want map[string]string
	}{
		"spec":         {func(k *inventory.Key) { k.Spec = "TOMORROW" }, rotation("key spec")},
		"usage":        {func(k *inventory.Key) { k.Usage = "TOMORROW" }, rotation("usage of a symmetric key")},
		"origin":       {func(k *inventory.Key) { k.Origin = "TOMORROW" }, rotation("origin")},
		"manager":      {func(k *inventory.Key) { k.Manager = "TOMORROW" }, rotation("key manager")},
		"multi-Region": {func(k *inventory.Key) { k.MultiRegion = "TOMORROW" }, rotation("multi-Region role")},
		"state":        {func(k *inventory.Key) { k.State = "TOMORROW" }, map[string]string{}},
		"rotation type": {func(k *inventory.Key) {
			k.Rotation.History = []inventory.Rotated{{At: noon, Type: "TOMORROW"}}
		}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			c := keyContext()
			c.Reserve = 5
			tt.with(c.Key)
			if diff := cmp.Diff(tt.want, judgedAll(t, c)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClocksThatDifferMakeNoFalseVerdict(t *testing.T) {
	future := noon.Add(3 * time.Hour)
	for name, tt := range map[string]struct {
		with func(c *KeyContext)
		want map[string]string
	}{
		"a key read in the future": {func(c *KeyContext) {
			c.Key.ReadAt, c.Key.FullAt, c.Key.Rotation.HistoryAt = future, future, future
		}, nil},
		"a key created in the future": {func(c *KeyContext) { c.Key.Created = future }, nil},
		"a key rotated in the future": {func(c *KeyContext) {
			c.Key.Rotation.History = []inventory.Rotated{{At: future, Type: "AUTOMATIC"}}
		}, nil},
		"a use in the future": {func(c *KeyContext) {
			c.LastUse, c.Key.Created = future, noon.AddDate(-1, 0, 0)
			c.Key.Rotation.History = []inventory.Rotated{{At: noon.AddDate(0, 0, -1), Type: "AUTOMATIC"}}
		}, nil},
		"KMS asked for the last use in the future": {func(c *KeyContext) {
			c.Key.Created = noon.AddDate(-1, 0, 0)
			c.Key.Rotation.History = []inventory.Rotated{{At: noon.AddDate(0, 0, -1), Type: "AUTOMATIC"}}
			c.Key.LastUsage = &inventory.LastUsage{ReadAt: future, TrackedSince: noon.Add(-30 * 24 * time.Hour)}
		}, map[string]string{"key-unused": "UNVERIFIABLE KMS tracks uses of the key only since 2026-10-21 12:00Z"}},
		"material that was to expire in the past": {validFor(-time.Hour), map[string]string{
			"material-expiring": "HIGH The imported key material expires at any moment",
		}},
		"a deletion date in the past": {func(c *KeyContext) {
			at := noon.Add(-time.Hour)
			c.Key.State, c.Key.DeletionDate = "PendingDeletion", &at
		}, map[string]string{"key-pending-deletion": "CRITICAL The key is scheduled for deletion"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := keyContext()
			c.Reserve, c.Policy.UnusedAfter = 5, 30*24*time.Hour
			c.Policy.Rotation.Automatic, c.Policy.Rotation.Method = 90*24*time.Hour, policy.OnDemand
			want := maps.Clone(tt.want)
			if want == nil {
				want = map[string]string{}
			}
			tt.with(c)
			got := judgedAll(t, c)
			if _, asked := want["key-unused"]; !asked {
				delete(got, "key-unused") // nothing tells of a use of this key
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// reads are the operations that KMS may refuse.
func reads() []string {
	return []string{
		"DescribeKey", "GetKeyLastUsage", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases", "ListKeyRotations",
		"ListResourceTags",
	}
}

// FuzzKeysAreJudgedWithoutHarm lets every check judge a key whose every word is somebody's choice.
func FuzzKeysAreJudgedWithoutHarm(f *testing.F) {
	f.Add("alias/payments", ownPolicy, "Enabled", "SYMMETRIC_DEFAULT", "AWS_KMS", "", uint8(1), int64(0), int64(0))
	f.Add(hostile, publicPolicy, "PendingImport", "RSA_2048", "EXTERNAL", "REPLICA", uint8(0), int64(-1), int64(1)<<40)
	f.Add("", letting(unknown), "PendingDeletion", "HMAC_256", "EXTERNAL", "PRIMARY", uint8(5), int64(1)<<62, int64(-1))
	f.Fuzz(func(
		t *testing.T, name, keyPolicy, state, spec, origin, region string, denied uint8, early, late int64,
	) {
		for _, whole := range []bool{true, false} {
			c := keyContext()
			k := c.Key
			k.Aliases, k.Tags = []string{name}, map[string]string{name: name}
			k.Policy, k.State, k.Spec, k.Origin, k.MultiRegion = keyPolicy, state, spec, origin, region
			k.PrimaryARN, k.CurrentMaterial = name, name
			if ops := reads(); int(denied) < len(ops) {
				k.Denied = ops[denied:]
			}
			a, b := noon.Add(time.Duration(early)), noon.Add(time.Duration(late))
			k.Created, k.ValidTo, k.DeletionDate = a, &b, &a
			k.Rotation.Next, k.Rotation.InProgress = &a, &b
			k.Rotation.History = []inventory.Rotated{{At: a, Type: name}, {At: b, Type: "ON_DEMAND"}}
			k.LastUsage = &inventory.LastUsage{ReadAt: a, TrackedSince: b}
			c.Policy.UnusedAfter, c.Reserve, c.Before = time.Hour, 24, otherKey()
			judged, panics := newJudge(nil, Checks(), Settings{}).Key(c, whole)
			for _, p := range panics {
				t.Errorf("%v\n%s", p, p.Stack)
			}
			for i := range judged {
				if v := &judged[i].Verdict; v.Result == Drift {
					checkFinding(t, &v.Finding)
					checkHarmless(t, v)
				}
			}
		}
	})
}
