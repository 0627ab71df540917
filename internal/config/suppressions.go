package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/detection"
	"rotd/internal/suppression"
)

func suppressions(to *[]suppression.Suppression, known Known) shape {
	return list[suppression.Suppression]{
		fresh: func() suppression.Suppression { return suppression.Suppression{} },
		shape: func(s *suppression.Suppression) shape { return oneSuppression(s, known) },
		keep:  func(s suppression.Suppression) { *to = append(*to, s) },
		id:    func(s suppression.Suppression) string { return s.Name },
	}
}

func oneSuppression(s *suppression.Suppression, known Known) shape {
	some := func(to *[]string, want string, check func(string) error) shape { return atLeast(1, to, want, check) }
	maySuppress := func(id string) error { return detection.MaySuppress(id, known.Users) }
	return object{
		fields: []field{
			{
				key: "name", doc: "Shown with everything that it hides.", need: "name: yearly-scan",
				value: text(&s.Name, "a name", checkSuppressionName),
			},
			{
				key: "rules", doc: "Ids of the rules and checks whose findings it hides.", need: "rules: [denied-burst]",
				value: some(&s.Rules, "the id of a rule or check", maySuppress),
			},
			{
				key: "keys", doc: "Ids, ARNs, and alias ARNs, which stand for the key that they first name.",
				value: some(&s.Keys, "a key", suppression.CheckKey),
			},
			{
				key: "principals", doc: "Principals as findings name them, with * and ? as wildcards in the name.",
				value: some(&s.Principals, "a principal", suppression.CheckPrincipal),
			},
			{key: "networks", doc: "Networks and VPC endpoints.", value: sources(s)},
			{key: "accounts", doc: "Accounts.", value: some(&s.Accounts, "an account id", suppression.CheckAccount)},
			{key: "regions", doc: "Regions.", value: some(&s.Regions, "a Region", suppression.CheckRegion)},
			{
				key: "user_agents", doc: "User agents, exactly; beside principals or keys.",
				value: some(&s.UserAgents, "a user agent", suppression.CheckWords),
			},
			{
				key: "session_names", doc: "Names of sessions, exactly; beside principals or keys.",
				value: some(&s.SessionNames, "a session's name", suppression.CheckWords),
			},
			{
				key: "author", doc: "Who answers for it.", need: "author: jane@example.com",
				value: text(&s.Author, "who answers for it", checkSaid),
			},
			{
				key: "reason", doc: "Why nobody needs to be told.", need: "reason: the auditors' yearly scan, CHG-7",
				value: text(&s.Reason, "a line of text", checkSaid),
			},
			{
				key: "expires", doc: "From then on it hides nothing and is a finding: a day (its 00:00 UTC) or RFC 3339; " +
					"at most a year ahead.",
				need: "expires: 2027-03-31", value: moment(&s.Expires),
			},
		},
		check: func(o *seen) {
			for _, fault := range s.Together(time.Now()) {
				if o.has(fault.Field) && (fault.Field == "expires" || !misnarrowed(o)) {
					o.fail(fault.Field, "%s", fault.What)
				}
			}
		},
	}
}

// misnarrowed reports whether something is wrong with what narrows a suppression: that is told already.
func misnarrowed(o *seen) bool {
	return slices.ContainsFunc([]string{
		"keys", "principals", "networks", "accounts", "regions", "user_agents", "session_names",
	}, func(key string) bool { return o.bad[key] })
}

func checkSuppressionName(s string) error {
	if strings.HasPrefix(s, suppression.Prefix) {
		return fmt.Errorf("%q begins as those do that people make with rotd findings suppress: write another name",
			shorten(s))
	}
	return checkPolicyName(s)
}

// sources are the networks and VPC endpoints that calls come from.
func sources(s *suppression.Suppression) shape {
	return list[string]{
		least: 1,
		fresh: func() string { return "" },
		shape: func(to *string) shape { return text(to, "a network or VPC endpoint", suppression.CheckNetwork) },
		keep:  s.From,
		id:    func(s string) string { return s },
	}
}

// warnSuppressions tells of those that hide nothing any more.
func warnSuppressions(r *reader, c *Config, now time.Time) {
	for i := range c.Suppressions {
		if c.Suppressions[i].Expired(now) {
			r.warn(fmt.Sprintf("suppressions[%d].expires", i), "the suppression has expired and hides nothing: renew it or "+
				"remove it")
		}
	}
}
