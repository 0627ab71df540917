package remediation

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

const (
	twinARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	farARN  = "arn:aws:kms:ap-south-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

func importedKey(change ...func(*inventory.Key)) *inventory.Key {
	return testKey(append([]func(*inventory.Key){func(k *inventory.Key) { k.Origin = "EXTERNAL" }}, change...)...)
}

func replicas(arns ...string) func(*inventory.Key) {
	return func(k *inventory.Key) { k.MultiRegion, k.ReplicaARNs = "PRIMARY", arns }
}

func waiting(state, imported string) func(*inventory.Key) {
	return func(k *inventory.Key) {
		k.Rotation.Pending = &inventory.Pending{Material: material(9), State: state, Import: imported}
	}
}

func importing() Guardrails {
	g := testGuardrails()
	g.Imports = Imports{Source: "command /bin/new", Obstacle: func(arn string) string {
		if arn == farARN {
			return "it is on the moon"
		}
		return ""
	}}
	return g
}

func TestPlanOfAnImport(t *testing.T) {
	tests := []struct {
		name   string
		key    *inventory.Key
		change func(*Imports)
		want   []string // the calls
		reason string
	}{
		{
			name: "a single-Region key", key: importedKey(),
			want: []string{"ImportKeyMaterial NEW_KEY_MATERIAL eu-west-1", "RotateKeyOnDemand  eu-west-1"},
		},
		{
			name: "a key with replicas", key: importedKey(replicas(twinARN)),
			want: []string{
				"ImportKeyMaterial NEW_KEY_MATERIAL eu-west-1", "ImportKeyMaterial EXISTING_KEY_MATERIAL us-east-1",
				"RotateKeyOnDemand  eu-west-1",
			},
		},
		{
			name: "a key whose replicas lack what the primary has",
			key:  importedKey(replicas(twinARN), waiting(pendingMultiRegion, "IMPORTED")),
			want: []string{
				"ImportKeyMaterial EXISTING_KEY_MATERIAL eu-west-1", "ImportKeyMaterial EXISTING_KEY_MATERIAL us-east-1",
				"RotateKeyOnDemand  eu-west-1",
			},
		},
		{
			name: "material that waits for its rotation already", key: importedKey(waiting(pendingRotation, "IMPORTED")),
			want: []string{},
		},
		{
			name: "material that waits already, without a source", key: importedKey(waiting(pendingRotation, "IMPORTED")),
			change: func(i *Imports) { i.Source = "" }, want: []string{},
		},
		{
			name: "waiting material that was deleted again", key: importedKey(waiting(pendingRotation, "PENDING_IMPORT")),
			want: []string{"ImportKeyMaterial EXISTING_KEY_MATERIAL eu-west-1", "RotateKeyOnDemand  eu-west-1"},
		},
		{
			name: "no source", key: importedKey(), change: func(i *Imports) { i.Source = "" },
			reason: "The key's material is imported, and rotd.yaml names no source of new material (imported_material). " +
				"Name one, or import material by hand and ask again: rotd then rotates to it. By hand, each after aws kms " +
				"get-parameters-for-import: aws kms import-key-material --region eu-west-1 --key-id " + testARN +
				" --import-type NEW_KEY_MATERIAL ….",
		},
		{
			name: "a replica that material cannot be imported into", key: importedKey(replicas(twinARN, farARN)),
			reason: "The key can rotate only when all its replicas have the new material, and rotd cannot import it into " +
				farARN + ": it is on the moon. Change that, or import material by hand and ask again: " +
				"rotd then rotates to it. By hand, each after aws kms get-parameters-for-import: aws kms " +
				"import-key-material --region eu-west-1 --key-id " + testARN + " --import-type NEW_KEY_MATERIAL …; aws kms " +
				"import-key-material --region us-east-1 --key-id " + twinARN + " --import-type EXISTING_KEY_MATERIAL …; " +
				"aws kms import-key-material --region ap-south-1 --key-id " + farARN +
				" --import-type EXISTING_KEY_MATERIAL ….",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := importing()
			if tt.change != nil {
				tt.change(&g.Imports)
			}
			a, ok, reason := g.Plan(tt.key, nil, Why{Want: WantMaterial, Requester: kim()}, testNow())
			if ok != (tt.want != nil) || !ok && reason != tt.reason {
				t.Fatalf("planned: %t, reason %q", ok, reason)
			}
			if !ok {
				return
			}
			calls := []string{}
			for i := range a.Calls {
				c := &a.Calls[i]
				calls = append(calls, string(c.Operation)+" "+string(c.Material)+" "+arnRegion(c.KeyARN))
			}
			if diff := cmp.Diff(tt.want, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if method := a.Method; (method == ImportedMaterial) != (len(calls) > 0) || !a.GivesMaterial() {
				t.Errorf("method %s", method)
			}
		})
	}
}

func TestImportedMaterialExpiresWhenAllOfItDoes(t *testing.T) {
	for validFor, want := range map[time.Duration]time.Time{
		0:         {},
		30 * day:  testNow().Add(30 * day),
		365 * day: testNow().Add(365*day - 10*time.Minute),
	} {
		g := importing()
		g.Imports.ValidFor = validFor
		a, ok, reason := g.Plan(importedKey(replicas(twinARN)), nil, Why{Want: WantMaterial}, testNow())
		if !ok {
			t.Fatal(reason)
		}
		for i := range a.Calls {
			c := &a.Calls[i]
			imports := c.Operation == ImportKeyMaterial && !want.IsZero()
			if imports != (c.ValidTo != nil) || imports && !c.ValidTo.Equal(want) {
				t.Errorf("valid for %s: %s has %v", validFor, c.Operation, c.ValidTo)
			}
		}
	}
}

func TestAPolicyAsksImportedMaterialForNoSchedule(t *testing.T) {
	old := importedKey(func(k *inventory.Key) { k.Created = testNow().Add(-400 * day) })
	for method, want := range map[policy.Method]string{
		policy.Auto: "", policy.OnDemand: "", policy.Automatic: "method automatic leaves it as it is",
	} {
		p := &policy.Policy{Name: "p", Rotation: policy.Rotation{Method: method, Automatic: 90 * day, MaxAge: 365 * day}}
		a, ok, reason := importing().Plan(old, p, Why{Want: WantPolicy, Automatic: true}, testNow())
		if ok != (want == "") || !strings.Contains(reason, want) || ok && a.Method != ImportedMaterial {
			t.Errorf("%s: %t, %s, %q", method, ok, a.Method, reason)
		}
	}
}

func TestGuardrailsAreJudgedBeforeAnImportThatNeedsNotBeMade(t *testing.T) {
	key := importedKey()
	g := importing()
	a, ok, reason := g.Plan(key, nil, Why{Want: WantMaterial, Requester: kim()}, testNow())
	if !ok {
		t.Fatal(reason)
	}
	a.ID = "act_1"
	waiting(pendingRotation, "IMPORTED")(key)
	facts := testFacts(key)
	facts.Mode = policy.Observe
	next, do := Step(a, Observation{Facts: facts}, g, testNow())
	if do.What != End || next.State != Cancelled || next.Guardrail != GuardMode {
		t.Errorf("under mode observe: %s, %s (%s): %s", do.What, next.State, next.Guardrail, next.Outcome)
	}
	next, do = Step(a, Observation{Facts: testFacts(key)}, g, testNow())
	if do.What != Read || next.At != 1 || next.Calls[0].Skipped == "" {
		t.Errorf("under mode enforce: %s, %+v", do.What, next)
	}
}

func TestAnImportWithoutMaterialIsTriedAgain(t *testing.T) {
	a, ok, reason := importing().Plan(importedKey(), nil, Why{Want: WantMaterial, Requester: kim()}, testNow())
	if !ok {
		t.Fatal(reason)
	}
	a.State, a.Attempts, a.CalledAt = Running, 1, testNow()
	answer := &Answer{Kind: Rejected, Code: CodeNoMaterial, Message: "command /bin/new failed: exit status 1"}
	next, do := Step(a, Observation{Answer: answer}, importing(), testNow())
	if do.What != Nothing || next.State != Planned || next.At != 0 ||
		next.Waiting != "There was no key material to import; rotd tries again." {
		t.Errorf("%s, %s: %s", do.What, next.State, next.Waiting)
	}
}

func TestAnImportIsNotMadeIntoAKeyThatGotOtherMaterial(t *testing.T) {
	key := importedKey()
	a, ok, reason := importing().Plan(key, nil, Why{Want: WantMaterial, Requester: kim()}, testNow())
	if !ok {
		t.Fatal(reason)
	}
	rotated("ON_DEMAND", testNow().Add(-time.Minute))(key)
	next, do := Step(a, Observation{Facts: testFacts(key)}, importing(), testNow())
	if do.What != End || next.State != Cancelled ||
		next.Outcome != "Superseded. The key got new material after this was planned. Nothing was changed." {
		t.Errorf("%s, %s: %s", do.What, next.State, next.Outcome)
	}
}
