package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestWhatAKeyIsUnderAControl(t *testing.T) {
	pay := func(change ...func(*inventory.Key)) *inventory.Key {
		change = append([]func(*inventory.Key){quarterly(20)}, change...)
		return key(1, prodAccount, "us-east-1", "alias/pay-cards", change...)
	}
	unmatched := func(change ...func(*inventory.Key)) *inventory.Key {
		return key(1, prodAccount, "us-east-1", "alias/x", change...)
	}
	aws := func(k *inventory.Key) { k.Manager = "AWS" }
	undescribed := func(k *inventory.Key) { k.Manager = "" }
	imported := func(k *inventory.Key) { k.Origin = "EXTERNAL" }
	for _, test := range []struct {
		framework, control string
		name               string
		key                *inventory.Key
		want               Outcome
	}{
		{"pci-dss-4.0.1", "3.7.4 (a)", "a policy with a cryptoperiod", pay(), InOrder},
		{"pci-dss-4.0.1", "3.7.4 (a)", "no policy", unmatched(), NoPolicy},
		{"pci-dss-4.0.1", "3.7.4 (a)", "no policy, tags denied", unmatched(denied("ListResourceTags")), Unverifiable},
		{"pci-dss-4.0.1", "3.7.4 (a)", "managed by AWS", pay(aws), NotJudged},
		{"pci-dss-4.0.1", "3.7.4 (a)", "not described", pay(undescribed), Unverifiable},
		{"pci-dss-4.0.1", "3.7.4 (a)", "scheduled for deletion", pay(in("PendingDeletion")), NotJudged},
		{"pci-dss-4.0.1", "3.7.4 (a)", "disabled", pay(in("Disabled")), InOrder},
		{"pci-dss-4.0.1", "3.7.4 (a)", "facts are old", pay(read(9 * day)), Unverifiable},

		{"pci-dss-4.0.1", "3.7.4 (b)", "changed in time", pay(), InOrder},
		{"pci-dss-4.0.1", "3.7.4 (b)", "too old", pay(quarterly(100)), Drift},
		{"pci-dss-4.0.1", "3.7.4 (b)", "young, but nothing will change it", pay(off), Drift},
		{"pci-dss-4.0.1", "3.7.4 (b)", "its policy asks for what it cannot do", pay(signing), Drift},
		{"pci-dss-4.0.1", "3.7.4 (b)", "imported, and too old", pay(quarterly(100), imported), Drift},
		{"pci-dss-4.0.1", "3.7.4 (b)", "disabled", pay(in("Disabled")), NotJudged},
		{"pci-dss-4.0.1", "3.7.4 (b)", "no policy", unmatched(), NotJudged},
		{"pci-dss-4.0.1", "3.7.4 (b)", "denied", pay(denied("ListKeyRotations")), Unverifiable},
		{"pci-dss-4.0.1", "3.7.4 (b)", "facts are old", pay(read(9 * day)), Unverifiable},

		{"pci-dss-4.0.1", "3.7.5", "in use", pay(), NotJudged},
		{"pci-dss-4.0.1", "3.7.5", "disabled", pay(in("Disabled")), InOrder},
		{"pci-dss-4.0.1", "3.7.5", "disabled, described no more", pay(in("Disabled"), denied("DescribeKey")), Unverifiable},
		{"pci-dss-4.0.1", "3.6.1", "nobody else is let in", pay(), InOrder},
		{"pci-dss-4.0.1", "3.6.1", "everybody is let in", pay(public), Drift},
		{"pci-dss-4.0.1", "3.6.1", "denied", pay(denied("GetKeyPolicy")), Unverifiable},

		{"cis-aws", "3.6", "on", pay(), InOrder},
		{"cis-aws", "3.6", "on, and no policy", unmatched(), InOrder},
		{"cis-aws", "3.6", "off, and no policy", unmatched(off), Drift},
		{"cis-aws", "3.6", "denied", unmatched(denied("GetKeyRotationStatus")), Unverifiable},
		{"cis-aws", "3.6", "asymmetric", pay(signing), NotJudged},
		{"cis-aws", "3.6", "imported material", pay(imported, off), NotJudged},
		{"cis-aws", "3.6", "disabled", pay(in("Disabled"), off), NotJudged},
		{"cis-aws", "3.6", "excepted", key(1, prodAccount, "us-east-1", "alias/pay-vendor", off), Excepted},
		{"cis-aws", "3.6", "on when it was read, long ago", pay(read(9 * day)), Unverifiable},
		{"cis-aws", "3.6", "on, and described to rotd no more", pay(denied("DescribeKey")), Unverifiable},

		{"security-hub", "KMS.1", "any key", pay(), Unverifiable},
		{"security-hub", "KMS.3", "in use", pay(), InOrder},
		{"security-hub", "KMS.3", "scheduled for deletion", pay(in("PendingDeletion")), Drift},
		{"security-hub", "KMS.3", "managed by AWS", pay(aws), NotJudged},
		{"security-hub", "KMS.4", "off", unmatched(off), Drift},
		{"security-hub", "KMS.5", "nobody else is let in", pay(), InOrder},
		{"security-hub", "KMS.5", "everybody is let in", pay(public), Drift},
		{"security-hub", "KMS.5", "everybody was kept out when it was read whole, long ago", pay(
			func(k *inventory.Key) { k.FullAt = before(9 * day) }), Unverifiable},

		{"nist-800-57", "5.3.6", "90 days", pay(), InOrder},
		{"nist-800-57", "5.3.6", "no policy", unmatched(), NotJudged},
		{"nist-800-57", "8.3", "without material", pay(in("PendingImport")), InOrder},
	} {
		t.Run(test.framework+" "+test.control+" "+test.name, func(t *testing.T) {
			r := rowOf(t, test.key)
			if got, why := control(t, test.framework, test.control).of(&r); got != test.want || why == "" {
				t.Errorf("%s: %s", got, why)
			}
		})
	}
}

func TestACheckThatIsNotLoadedKeepsAControlFromBeingMet(t *testing.T) {
	c := control(t, "security-hub", "KMS.5")
	r := rowOf(t, key(1, prodAccount, "us-east-1", "alias/pay-cards"))
	r.Checks = slices.DeleteFunc(r.Checks, func(v Verdict) bool { return v.Check == "key-policy-public" })
	a := answering{control: c}
	a.add(&r)
	got := a.done(0)
	if got.Answer != NotVerifiable || got.Why != "The check key-policy-public is not loaded." || len(got.Failing) > 0 {
		t.Errorf("got %+v", got)
	}
}

// An age that is not judged never passes for one that is in order.
func TestAKeyWithACryptoperiodWhoseAgeIsNotJudgedIsNotPassedOver(t *testing.T) {
	c := control(t, "pci-dss-4.0.1", "3.7.4 (b)")
	r := rowOf(t, key(1, prodAccount, "us-east-1", "alias/pay-cards", quarterly(20)))
	for i := range r.Checks {
		if v := &r.Checks[i]; strings.HasPrefix(v.Check, "rotation-") {
			v.Outcome, v.Reason = NotJudged, "no alias points to the key"
		}
	}
	if o, why := c.of(&r); o != Unverifiable || why != "no alias points to the key" {
		t.Errorf("%s: %s", o, why)
	}
}

func control(t *testing.T, framework, id string) *Control {
	t.Helper()
	f := FrameworkNamed(framework)
	for i := range f.Controls {
		if f.Controls[i].ID == id {
			return &f.Controls[i]
		}
	}
	t.Fatalf("no control %s", id)
	return nil
}

func TestWhatNISTAdvises(t *testing.T) {
	for _, test := range []struct {
		spec, usage string
		days        int
		want        Outcome
	}{
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", 730, InOrder},
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", 1000, Drift},
		{"RSA_2048", "ENCRYPT_DECRYPT", 1000, Drift},
		{"ECC_NIST_P256", "SIGN_VERIFY", 1000, InOrder},
		{"ECC_NIST_P256", "SIGN_VERIFY", 1200, Drift},
		{"HMAC_256", "GENERATE_VERIFY_MAC", 800, Drift},
		{"ECC_NIST_P256", "KEY_AGREEMENT", 365, InOrder},
		{"NEW", "SOMETHING_NEW", 365, NotJudged},
	} {
		r := Row{
			Manager: "CUSTOMER", State: "Enabled", Spec: test.spec, Usage: test.usage, Policy: "p",
			Cryptoperiod: &Cryptoperiod{MaxAgeDays: test.days},
		}
		if got, why := periodAdvised(control(t, "nist-800-57", "5.3.6"), &r); got != test.want {
			t.Errorf("%s %s %d days: %s, %s", test.spec, test.usage, test.days, got, why)
		}
	}
}

func TestKeysOutOfUseEncryptNothing(t *testing.T) {
	for state, want := range map[string]Outcome{
		"Disabled": InOrder, "PendingImport": InOrder, "Creating": InOrder, "Enabled": NotJudged,
		"Updating": NotJudged, "SomethingNew": Unverifiable,
	} {
		if got, why := retired(nil, &Row{Manager: "CUSTOMER", State: state}); got != want {
			t.Errorf("%s: %s, %s", state, got, why)
		}
	}
}

func TestAnswers(t *testing.T) {
	counts := func(inOrder, drift, noPolicy, unverifiable, excepted, notJudged int) Counts {
		c := Counts{
			InOrder: inOrder, Drift: drift, NoPolicy: noPolicy, Unverifiable: unverifiable, Excepted: excepted,
			NotJudged: notJudged,
		}
		c.Keys = inOrder + drift + noPolicy + unverifiable + excepted + notJudged
		return c
	}
	for name, test := range map[string]struct {
		counts     Counts
		incomplete int
		want       Answer
		why        string
	}{
		"all in order": {
			counts(5, 0, 0, 0, 0, 2), 0, Met, "So for all of the 5 keys that it concerns.",
		},
		"all in order, of what was read": {
			counts(5, 0, 0, 0, 0, 2), 1, NotVerifiable, "one account and Region could not be read",
		},
		"one is out of order": {
			counts(5, 1, 0, 3, 1, 2), 1, NotMet, "Not so for 1 of the 10 keys that it concerns.",
		},
		"one has no policy": {counts(5, 0, 1, 0, 0, 2), 0, NotMet, "Not so for 1 of the 6 keys"},
		"one cannot be verified": {
			counts(5, 0, 0, 1, 1, 2), 0, NotVerifiable, "For 1 of the 7 keys that it concerns it cannot be said.",
		},
		"one is excepted": {
			counts(5, 0, 0, 0, 1, 2), 0, MetWithExceptions, "So for 5 keys; somebody answers for 1 more",
		},
		"it concerns no key": {counts(0, 0, 0, 0, 0, 2), 0, NotApplicable, "It concerns no key"},
		"it concerns no key that was read": {
			counts(0, 0, 0, 0, 0, 2), 2, NotVerifiable, "2 accounts and Regions could not",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := answering{control: &Control{}, counts: test.counts}
			if got := a.done(test.incomplete); got.Answer != test.want || !strings.Contains(got.Why, test.why) {
				t.Errorf("%s: %s", got.Answer, got.Why)
			}
		})
	}
	a := answering{control: &Control{Never: "nobody asks IAM"}}
	if got := a.done(0); got.Answer != NotVerifiable || got.Why != "nobody asks IAM" {
		t.Errorf("never: got %+v", got)
	}
}

func TestAPlaceThatCannotBeSpokenForSaysWhy(t *testing.T) {
	for want, p := range map[string]Place{
		"": {Configured: true, LastComplete: before(day), LastSweep: before(day), Keys: 4, Denied: 4},
		"it is no longer configured, so nothing is read there any more": {
			LastComplete: before(day), LastSweep: before(day),
		},
		"it was never read": {Configured: true},
		"it was never read whole: access denied": {
			Configured: true, LastSweep: before(time.Hour), LastError: "access denied",
		},
		"it was last read whole at 2026-11-18 12:00Z, 10 days before this report: throttled": {
			Configured: true, LastSweep: before(time.Hour), LastComplete: before(10 * day), LastError: "throttled",
		},
		"3 of its 4 keys could not be read": {
			Configured: true, LastSweep: before(time.Hour), LastComplete: before(time.Hour), Keys: 4, Unread: 3,
		},
	} {
		if got := p.gap(noon, DefaultFresh); got != want {
			t.Errorf("%+v: %q, want %q", p, got, want)
		}
	}
}

func TestNoPlaceAtAllMeansThatNothingIsMet(t *testing.T) {
	s := source(fleet()[:1])
	s.Places = nil
	var b bytes.Buffer
	if err := Write(&b, Query{Format: "text", Framework: "cis-aws"}, s); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "No account and Region was read") ||
		!strings.Contains(text, "not verifiable") {
		t.Error(text)
	}
}

func TestManyOwnersAndFailuresAreBounded(t *testing.T) {
	var all []*inventory.Key
	for i := range 300 {
		all = append(all, key(i, prodAccount, "us-east-1", fmt.Sprintf("alias/pay-%d", i), off,
			tagged("owner", fmt.Sprintf("team-%d", i))))
	}
	s := source(all)
	var b bytes.Buffer
	if err := Write(&b, Query{Format: "json", Framework: "cis-aws"}, s); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Summary struct {
			ByOwner []struct {
				Keys   int  `json:"keys"`
				Others bool `json:"others"`
			} `json:"by_owner"`
		}
		Framework struct {
			Controls []struct {
				Failing []any
				More    int
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	owners := got.Summary.ByOwner
	if n := len(owners); n != maxShown || !owners[n-1].Others || owners[n-1].Keys != 300-maxShown+1 {
		t.Errorf("owners: %+v", owners)
	}
	if c := got.Framework.Controls[0]; len(c.Failing) != maxFailing || c.More != 300-maxFailing {
		t.Errorf("%d fail, %d more", len(c.Failing), c.More)
	}
}

func TestEveryControlIsInTheDocumentation(t *testing.T) {
	raw, err := os.ReadFile("../../docs/compliance.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, f := range Frameworks() {
		if !strings.Contains(text, "`"+f.ID+"`") {
			t.Errorf("docs/compliance.md does not mention %s", f.ID)
		}
		for i := range f.Controls {
			c := &f.Controls[i]
			if !strings.Contains(text, "| "+c.ID+" |") {
				t.Errorf("docs/compliance.md has no row for %s %s", f.ID, c.ID)
			}
			for _, id := range c.Checks {
				if !strings.Contains(text, "`"+id+"`") {
					t.Errorf("docs/compliance.md does not mention the check %s", id)
				}
			}
		}
	}
}
