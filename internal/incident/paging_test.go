package incident

import (
	"fmt"
	"testing"

	"rotd/internal/finding"
)

func TestWhatWakesPeopleAgain(t *testing.T) {
	const decoy = "arn:aws:kms:eu-west-1:111122223333:key/decoy"
	critical := func(rule string) func(*finding.Finding) { return by(rule, finding.Critical) }
	high := func(rule string) func(*finding.Finding) { return by(rule, finding.High) }
	public := func() *finding.Finding { return found(decoy, boss, 0, critical("key-policy-made-public")) }
	for name, test := range map[string]struct {
		told []*finding.Finding // one by one, or by the incident
		over int                // of them
		now  *finding.Finding
		want bool
	}{
		"what is graver than all that was told": {
			[]*finding.Finding{found(pay, boss, 0)}, 0, found(pay, boss, 1, high("key-disabled")), true,
		},
		"not what is as grave, below CRITICAL": {
			[]*finding.Finding{found(pay, boss, 0, high("key-replicated"))}, 0, found(pay, boss, 1, high("key-disabled")), false,
		},
		"another CRITICAL thing": {
			[]*finding.Finding{public()}, 0, found(pay, boss, 1, critical("key-deletion-scheduled")), true,
		},
		"not the same CRITICAL thing on another key": {
			[]*finding.Finding{public()}, 0, found(pay, boss, 1, critical("key-policy-made-public")), false,
		},
		"not what a check reads of what was told": {
			[]*finding.Finding{public()}, 0, found(decoy, "", 1, critical("key-policy-public")), false,
		},
		"not something milder": {[]*finding.Finding{public()}, 0, found(pay, boss, 1, high("key-disabled")), false},
		"destruction after a trail was blinded, which was CRITICAL": {
			[]*finding.Finding{found(pay, boss, 0, critical("trail-blinded"))},
			0,
			found(pay, boss, 1, high("key-disabled")), true,
		},
		"not more destruction, once that was told": {
			[]*finding.Finding{
				found(pay, boss, 0, critical("trail-blinded")), found(pay, boss, 1, high("key-disabled")),
			}, 0, found(other, boss, 2, critical("key-deletion-scheduled")), false,
		},
		"destruction after theft": {
			[]*finding.Finding{
				found(pay, boss, 0, critical("root-used-key")), found(pay, boss, 1, high("decrypt-spike")),
			}, 0, found(other, boss, 2, high("key-disabled")), true,
		},
		"what comes when all that was told is over": {
			[]*finding.Finding{public(), found(decoy, boss, 1)}, 2, found(pay, boss, 2), true,
		},
		"what is graver than what is not over yet": {
			[]*finding.Finding{public(), found(decoy, boss, 1)}, 1, found(pay, boss, 2, high("key-disabled")), true,
		},
		"not what is as grave as what is not over yet": {
			[]*finding.Finding{public(), found(decoy, boss, 1)}, 1, found(pay, boss, 2), false,
		},
		"not what is LOW, whatever is over": {
			[]*finding.Finding{public()}, 1, found(pay, boss, 2, by("key-tags-changed", finding.Low)), false,
		},
	} {
		i := Begin("inc_1", at(12), test.told[:1])
		for _, f := range test.told[1:] {
			i.Open(f, at(12))
		}
		i.SetTold()
		for _, f := range test.told[:test.over] {
			i.Ends(f.ID, false)
		}
		i.Add(test.now, at(13))
		if got := i.Pages(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
		i.SetTold()
		if i.Pages() {
			t.Errorf("%s: pages twice", name)
		}
	}
}

func TestNobodyFillsAnIncidentToHideTheNextFinding(t *testing.T) {
	full := func(severity finding.Severity) *Incident {
		i := begun()
		for n := range MaxMembers {
			i.Add(found(fmt.Sprintf("key/%d", n), boss, 20, by("key-tags-changed", severity)), at(13))
		}
		return i
	}
	deleted := found(pay, boss, 30, by("key-deletion-scheduled", finding.High))
	for name, test := range map[string]struct {
		i    *Incident
		told bool
		want bool
	}{
		"milder ones that were told":                          {full(finding.Low), true, true},
		"milder ones that were not told":                      {full(finding.Low), false, true},
		"as grave ones that were told":                        {full(finding.High), true, true},
		"as many as grave ones that are new leave it counted": {full(finding.High), false, false},
	} {
		if test.told {
			test.i.SetTold()
		}
		before := test.i.Automatic.Findings()
		test.i.Add(deleted, at(14))
		a := test.i.Automatic
		if named := test.i.member(deleted.ID) >= 0; named != test.want || len(a.Members) != MaxMembers ||
			a.Findings() != before+1 || !test.i.ToldAlone("fnd_pay-boss-0") {
			t.Errorf("%s: named %t, %d findings, %d by name", name, named, a.Findings(), len(a.Members))
		}
	}
}
