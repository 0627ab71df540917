package detection

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDeniedBurst(t *testing.T) {
	const (
		burst   = "MEDIUM A principal was refused again and again"
		success = "HIGH A principal that was refused again and again has succeeded"
	)
	denied := func(n int, every time.Duration, given ...object) []object {
		return times(n, every, "Decrypt", append(given, failing("AccessDenied"))...)
	}
	five := denied(5, time.Minute)
	backwards := slices.Clone(five)
	slices.Reverse(backwards)
	testRule(t, deniedBurst(), []ruleTest{
		{
			name: "five in five minutes", events: five, want: []string{burst},
			says: []string{
				"KMS refused arn:aws:iam::111122223333:role/admin 5 calls within 5 min, lastly Decrypt on alias/payments.",
				"AttributeKey=AccessKeyId,AttributeValue=ASIAEXAMPLE",
			},
		},
		{name: "told in the reverse order", events: backwards, want: []string{burst}},
		{
			name: "the middle one told last", want: []string{burst},
			events: append(append(slices.Clone(five[:2]), five[3:]...), five[2]),
		},
		{
			name: "of two kinds of refusal, and of no key", want: []string{burst}, says: []string{"lastly Encrypt."},
			events: append(denied(2, time.Second), times(3, time.Second, "Encrypt", failing("AccessDeniedException"),
				object{"resources": nil, "requestParameters": nil})...),
		},
		{
			name:   "a success follows",
			events: append(slices.Clone(five), record("Decrypt", at(30*time.Minute))), want: []string{burst, success},
			says: []string{"role/admin called Decrypt on alias/payments, and KMS let it, after refusing"},
		},
		{
			name: "a change follows", events: append(slices.Clone(five), record("PutKeyPolicy", at(5*time.Minute))),
			want: []string{burst, success},
		},
		{name: "four", events: denied(4, time.Minute)},
		{name: "five in more than five minutes", events: denied(5, 75*time.Second)},
		{name: "one call told five times", events: slices.Repeat(five[:1], 5)},
		{
			name: "five principals once each", events: []object{
				record("Decrypt", failing("AccessDenied"), by("a"), id("1")),
				record("Decrypt", failing("AccessDenied"), by("b"), id("2")),
				record("Decrypt", failing("AccessDenied"), by("c"), id("3")),
				record("Decrypt", failing("AccessDenied"), by("d"), id("4")),
				record("Decrypt", failing("AccessDenied"), by("e"), id("5")),
			},
		},
		{name: "AWS Config's refused Decrypts", events: denied(9, time.Second, byConfig())},
		{name: "through a service", events: denied(9, time.Second, through("s3.amazonaws.com", by("admin")))},
		{name: "other errors", events: times(9, time.Second, "Decrypt", failing("DisabledException"))},
		{name: "rotd's own", world: func(w *world) { w.own = true }, events: denied(9, time.Second)},
		{name: "nobody is named", events: denied(9, time.Second, object{"userIdentity": nil})},
		{
			name:   "a success of another principal",
			events: append(slices.Clone(five), record("Decrypt", by("pay-api"), at(time.Hour/2))), want: []string{burst},
		},
		{
			name: "a success long after", events: append(slices.Clone(five), record("Decrypt", at(65*time.Minute))),
			want: []string{burst},
		},
		{
			name: "a reading follows", events: append(slices.Clone(five), record("ListKeys", at(6*time.Minute))),
			want: []string{burst},
		},
		{
			name: "a success in the second of the last refusal", want: []string{burst},
			events: append(slices.Clone(five), record("Decrypt", at(4*time.Minute))),
		},
		{name: "a success before", events: append(slices.Clone(five), record("Decrypt")), want: []string{burst}},
	})
}

func TestWhatAPrincipalDoesEveryDayIsItsWay(t *testing.T) {
	daily := func(call string, n int, every time.Duration, given ...object) (all []object) {
		for day := range 6 {
			for i, r := range times(n, every, call, given...) {
				r["eventTime"] = noon.Add(time.Duration(day)*aDay + time.Duration(i)*every).Format(time.RFC3339)
				r["eventID"] = fmt.Sprint("e-", day, "-", i)
				all = append(all, r)
			}
		}
		return all
	}
	for _, test := range []struct {
		rule   Rule
		events []object
	}{
		{deniedBurst(), daily("Decrypt", 5, time.Second, failing("AccessDenied"))},
		{grantBurst(), daily("CreateGrant", 50, time.Minute, asking(object{
			"keyId": payARN, "granteePrincipal": letARN, "operations": []string{"Decrypt"},
		}))},
	} {
		t.Run(test.rule.ID, func(t *testing.T) {
			judge, w := newJudge([]Rule{test.rule}, nil, Settings{}), newWorld()
			var got []string
			for _, r := range test.events {
				found, _ := judge.Event(w.context(), decode(t, r))
				for _, f := range found {
					got = append(got, f.Severity.String())
				}
			}
			want := []string{"MEDIUM", "MEDIUM", "MEDIUM", "LOW", "LOW", "LOW"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("severities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASuccessAfterABurstRaisesItsFinding(t *testing.T) {
	judge := newJudge([]Rule{deniedBurst()}, nil, Settings{})
	w := newWorld()
	seen := make(map[string]bool)
	burst := times(5, time.Second, "Decrypt", failing("AccessDenied"))
	for _, r := range append(burst, record("Decrypt", at(time.Minute))) {
		found, _ := judge.Event(w.context(), decode(t, r))
		for _, f := range found {
			seen[f.Fingerprint] = true
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d findings", len(seen))
	}
}

func TestALaterBurstOfAnotherKeepsSuccessesLookedAt(t *testing.T) {
	judge := newJudge([]Rule{deniedBurst()}, nil, Settings{})
	w := newWorld()
	all := times(5, time.Second, "Decrypt", failing("AccessDenied"))
	for i, r := range times(5, time.Second, "Encrypt", failing("AccessDenied"), by("other")) {
		r["eventTime"] = noon.Add(50*time.Minute + time.Duration(i)*time.Second).Format(time.RFC3339)
		all = append(all, r)
	}
	for _, r := range all {
		judge.Event(w.context(), decode(t, r))
	}
	found, _ := judge.Event(w.context(), decode(t, record("Decrypt", by("other"), at(100*time.Minute))))
	if len(found) != 1 {
		t.Errorf("found %d", len(found))
	}
}
