package config

import (
	"slices"

	"rotd/internal/detection"
	"rotd/internal/policy"
)

// Trial is what came of a case.
type Trial struct {
	Case       string         `json:"case"`
	File       string         `json:"file"`
	Line       int            `json:"line"`
	Passed     bool           `json:"passed"`
	Policy     string         `json:"policy,omitempty"` // that matched; empty: none
	WantPolicy string         `json:"want_policy,omitempty"`
	Tried      []policy.Tried `json:"tried,omitempty"`      // when another policy was wanted: why each did not match
	Missing    []Said         `json:"missing,omitempty"`    // findings that were wanted, and what their checks say
	Unexpected []Said         `json:"unexpected,omitempty"` // findings that were not
}

// Said is what a check says of a case's key.
type Said struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
}

// Try judges a case with the policies, exceptions and checks of the configuration.
func (c *Config) Try(one *Case) Trial {
	t := Trial{Case: one.Name, File: one.File, Line: one.Line, WantPolicy: one.Policy}
	p := c.Policies.For(one.Key)
	if p != nil {
		t.Policy = p.Name
	}
	if t.Policy != t.WantPolicy {
		t.Tried = c.Policies.Explain(one.Key, nil, nil, policy.Source{Lines: c.Origins}, one.Now).Tried
	}
	found := map[string]bool{}
	said := map[string]string{}
	verdicts, panics := c.judge(one, p)
	for _, panicked := range panics {
		t.Unexpected = append(t.Unexpected, Said{panicked.RuleID, panicked.Error()})
	}
	for _, judged := range verdicts {
		id, v := judged.Check.ID, judged.Verdict
		said[id] = v.Reason
		if x := c.Exceptions.For(one.Key, id, one.Now); v.Result == detection.Drift && x != nil {
			said[id] = "excepted by " + x.Name + " until " + x.Until()
		} else if v.Result == detection.Drift {
			found[id] = true
			if !slices.Contains(one.Findings, id) {
				t.Unexpected = append(t.Unexpected, Said{id, v.Reason})
			}
		}
	}
	for _, id := range one.Findings {
		if !found[id] {
			t.Missing = append(t.Missing, Said{id, orElse(said[id], "the check is disabled")})
		}
	}
	t.Passed = t.Policy == t.WantPolicy && len(t.Missing)+len(t.Unexpected) == 0
	return t
}

// judge lets the checks judge the case's key as read whole.
func (c *Config) judge(one *Case, p *policy.Policy) ([]detection.Judged, []*detection.Panic) {
	return detection.NewJudge(c.Detections.Judging()).Key(&detection.KeyContext{
		Key: one.Key, Primary: one.Primary, Policy: p, Now: one.Now, LastUse: one.LastUse,
		Grace: c.Guardrails.OverdueGrace, Drain: c.Guardrails.Drain, Reserve: c.Guardrails.OnDemandReserve,
		Imports: c.ImportedMaterial.Configured(), Trusted: c.trusts(one.Key.Account),
	}, true)
}

// trusts says which accounts are no outsiders. Without accounts the case's own stands for the caller's.
func (c *Config) trusts(own string) func(string) bool {
	return func(id string) bool {
		return slices.Contains(c.TrustedAccounts, id) ||
			slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.ID == id }) ||
			len(c.Accounts) == 0 && id == own
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
