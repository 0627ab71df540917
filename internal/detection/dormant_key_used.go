package detection

import (
	"fmt"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func dormantKeyUsed() Rule {
	return Rule{
		ID: "dormant-key-used", Title: "A key that nobody used any more was used",
		Severity: finding.Medium, Wants: wants(cryptographic()...), Remembers: true,
		Excused: Own, Judge: judgeDormantKeyUsed,
		Doc: Doc{
			Meaning: "A key was used for the first time after its policy's idle time. Forgotten keys have forgotten " +
				"permissions: who takes one up may have found what nobody looks at.",
			Condition: "A cryptographic call that succeeded on a key whose policy has `unused_after`, the last use before " +
				"it, by rotd's events and KMS's own word (GetKeyLastUsage), longer ago than that. A key that was never used " +
				"counts from its creation, when KMS has tracked its uses for so long. A key of whose use nothing is known is " +
				"not dormant.",
			Tuning:         "`unused_after` of the policy, at least a day; a policy without it knows no idle keys.",
			FalsePositives: "A backup that is restored; a job that runs once a year.",
			Response: "Find out who used it and for what. If it is in use again, so be it; if not, disable it, and see what " +
				"it let the caller read.",
		},
	}
}

func judgeDormantKeyUsed(c *Context, ev *events.Event) []Found {
	if ev.Failed() || c.Known == nil || !c.Policies.Any(knowsIdle) {
		return nil
	}
	var found []Found
	for _, ref := range keysOf(ev) {
		if used := c.Known.LastUse(ref.ARN); !used.IsZero() && ev.EventTime.Sub(used) < idleLeast {
			continue
		}
		key, p := c.known(ev, ref)
		if key == nil || p == nil || !knowsIdle(p) {
			continue
		}
		since, how := usedBefore(key, c.Known.LastUse(key.ARN), ev.EventTime)
		if since.IsZero() || ev.EventTime.Sub(since) < p.UnusedAfter {
			continue
		}
		t := c.targetOf(ev, events.KeyRef{ARN: key.ARN})
		found = append(found, Found{
			About: t,
			Description: fmt.Sprintf("%s, which %s %s, %s before. Policy %s calls a key unused after %s.",
				called(ev, &t), how, stamp(since), days(ev.EventTime.Sub(since)), shown(p.Name),
				days(p.UnusedAfter)),
			Remedy: []string{
				"Find out who uses it again, and for what:",
				"rotd keys usage " + argument(t.id),
				t.history(),
				"If nobody should, see what lets the caller in:",
				t.cli("get-key-policy", "policy-name", "default"),
				t.cli("list-grants"),
			},
		})
	}
	return found
}

func knowsIdle(p *policy.Policy) bool { return p.UnusedAfter > 0 }

// usedBefore is the last use before a time that events or KMS show, else the creation of a key that KMS surely never
// saw used; zero when nothing is known. What KMS tells of later uses says nothing about earlier ones.
func usedBefore(key *inventory.Key, seen, at time.Time) (since time.Time, how string) {
	u := key.LastUsage
	if u != nil && u.At != nil && u.At.After(seen) && u.At.Before(at) {
		seen = *u.At
	}
	switch {
	case !seen.IsZero():
		return seen, "was last used at"
	case u == nil || u.At != nil || u.TrackedSince.IsZero() || u.ReadAt.After(at):
		return time.Time{}, ""
	case u.TrackedSince.After(key.Created):
		return u.TrackedSince, "was not used since KMS began to track that at"
	}
	return key.Created, "was not used since its creation at"
}
