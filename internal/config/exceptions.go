package config

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/policy"
	"rotd/internal/span"
	"rotd/internal/suggest"
)

// farAhead is how far an exception's end may be away before it looks like one that nobody will look at again.
const farAhead = 400 * day

func exceptions(to *policy.Exceptions, checkIDs []string) shape {
	return list[policy.Exception]{
		fresh: func() policy.Exception { return policy.Exception{} },
		shape: func(x *policy.Exception) shape { return exception(x, checkIDs) },
		keep:  func(x policy.Exception) { *to = append(*to, x) },
		id:    func(x policy.Exception) string { return x.Name },
	}
}

func exception(x *policy.Exception, checkIDs []string) shape {
	return object{fields: []field{
		{
			key: "name", doc: "Shown with every key that it lets off.", need: "name: legacy-hsm",
			value: text(&x.Name, "a name", checkPolicyName),
		},
		{
			key: "keys", doc: "Ids, ARNs, aliases and alias ARNs, with * and ? as wildcards.",
			need:  `keys: ["alias/legacy-*"]`,
			value: atLeast(1, &x.Keys, "a pattern over keys", checkKeyPattern),
		},
		{
			key: "checks", doc: "Ids of the checks that the keys are let off; none: every rotation-* check.",
			value: texts(&x.Checks, "the id of a check", checkCheck(checkIDs, ", and exceptions are from checks")),
		},
		{
			key: "author", doc: "Who asked for it.", need: "author: jane@example.com",
			value: text(&x.Author, "who asked for it", checkSaid),
		},
		{
			key: "approver", doc: "Who allowed it.",
			value: text(&x.Approver, "who allowed it", checkSaid),
		},
		{
			key: "reason", doc: "Why, for auditors.", need: "reason: the vendor's device cannot take a new key",
			value: text(&x.Reason, "a line of text", checkSaid),
		},
		{
			key: "expires", doc: "From then on it counts for nothing and is a finding: a day (its 00:00 UTC) or RFC 3339.",
			need: "expires: 2027-03-31", value: moment(&x.Expires),
		},
	}}
}

// moment is a day or a time.
func moment(to *time.Time) shape {
	return scalar{
		want: "a day such as 2027-03-31, or a time such as 2027-03-31T18:00:00Z", text: stringText,
		about: map[string]any{"type": "string", "pattern": `^\d{4}-\d{2}-\d{2}(T.+)?$`},
		set: func(value string) error {
			for _, layout := range []string{time.DateOnly, time.RFC3339} {
				if at, err := time.Parse(layout, value); err == nil {
					*to = at.UTC()
					return nil
				}
			}
			return fmt.Errorf("%q is not a day or a time: write 2027-03-31 or 2027-03-31T18:00:00Z", shorten(value))
		},
	}
}

// checkCheck wants the id of a check: rules judge events, and an exception from one would let nobody off anything.
func checkCheck(known []string, why string) func(string) error {
	if len(known) == 0 {
		return matching(ruleName, "the id of a check, such as rotation-overdue")
	}
	return func(s string) error {
		if slices.Contains(known, s) {
			return nil
		}
		return fmt.Errorf("%q is not a check of this version%s%s", shorten(s), why, suggest.DidYouMean(s, known))
	}
}

// warnExceptions tells of exceptions that count for nothing any more, and of those that nobody will look at again.
func warnExceptions(r *reader, c *Config, now time.Time) {
	for i := range c.Exceptions {
		x, path := &c.Exceptions[i], fmt.Sprintf("exceptions[%d].expires", i)
		switch {
		case x.Expired(now):
			r.warn(path, "the exception has expired and counts for nothing: renew it or remove it")
		case x.Expires.Sub(now) > farAhead:
			r.warn(path, "is more than %s ahead: an exception that is never looked at again is a policy",
				span.Format(farAhead))
		}
	}
}
