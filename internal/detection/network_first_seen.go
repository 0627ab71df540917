package detection

import (
	"fmt"
	"strings"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/finding"
)

func networkFirstSeen() Rule {
	return Rule{
		ID: "network-first-seen", Title: "A key is used from a network that is new to the caller",
		Severity: finding.Medium, Mitre: []string{"T1078.004"}, Wants: wants(), Remembers: true,
		Excused: Own, PerPrincipal: true, Judge: judgeNetworkFirstSeen,
		Doc: Doc{
			Meaning: "A principal used a key from a network that none of its calls had come from. Credentials that were " +
				"copied are used from somewhere else than where they belong: this is how that looks first.",
			Condition: "A successful call of KMS from an IPv4 /24 or IPv6 /48, or through a VPC endpoint, that the principal " +
				"has not called from in the last 400 days, as far as rotd has seen, once rotd has learnt the principal's calls " +
				"for the learning time and knows a network of it. A VPC endpoint is one network, whatever addresses are behind " +
				"it: its owner chooses them. Names of services and `AWS Internal` are no networks. Not of principals that got " +
				"another new network within four weeks, or call from more than eight: for them moving is ordinary. LOW of roles " +
				"of IAM Identity Center: people move; and from private addresses, which only a VPC's own hosts have; but not " +
				"through a VPC endpoint that the record says is another account's, neither yours nor trusted: anybody has " +
				"private addresses there.",
			Tuning: "`detections.learning` is how long calls are learnt first (14d). One finding per principal, key and " +
				"network.",
			FalsePositives: "Somebody travels, an office or NAT gateway got another address, a job moved to another subnet, a " +
				"VPC got an endpoint.",
			Response: "Ask whoever holds the credentials whether it was them. If not, revoke the sessions of the role or the " +
				"user's access keys, and see what else was done from there.",
		},
	}
}

func judgeNetworkFirstSeen(c *Context, ev *events.Event) []Found {
	o := c.Observed
	if o == nil || !newNetwork(c) || moves(o) {
		return nil
	}
	t, milder, outsider := c.target(ev), finding.Informational, c.outsidersVPC(ev)
	if outsider == "" && (ofPeople(ev) || private(ev.SourceIPAddress)) {
		milder = finding.Low
	}
	here := origin(ev)
	return one(Found{
		About: t, Milder: milder, Discriminator: here,
		Description: sentences(
			fmt.Sprintf("%s called %s on %s from %s%s.", who(ev), shown(ev.EventName), t.name(), shown(ev.SourceIPAddress),
				throughVPC(outsider)),
			fmt.Sprintf("No call of it had come from %s; rotd has learnt its calls for %s, from %s.", here,
				days(o.PrincipalFor), networks(o.OtherNetworks))),
		Remedy: []string{
			"Ask whoever holds these credentials whether they called from there.",
			"If not, revoke the role's sessions or the user's access keys, and see what else was done:",
			t.history(),
		},
	})
}

// ofPerson reports whether a person calls, as far as the identity tells: a role of Identity Center, an IAM user, root.
func ofPerson(ev *events.Event) bool {
	return ofPeople(ev) || ev.UserIdentity.Type == events.IAMUser || ev.UserIdentity.Type == events.Root
}

// ofPeople reports whether the principal is a role that IAM Identity Center gives to people: they move.
func ofPeople(ev *events.Event) bool {
	return strings.Contains(ev.UserIdentity.SessionIssuer.ARN, ":role/aws-reserved/sso.amazonaws.com/")
}

// moves reports whether new networks are nothing unusual of a principal.
func moves(o *baseline.Observed) bool { return o.NewNetworks > 0 || o.OtherNetworks > settledNetworks }

// newNetwork reports whether the call comes from a network that is new to a principal whose networks are known.
func newNetwork(c *Context) bool {
	o := c.Observed
	return o != nil && o.NewNetwork && o.OtherNetworks > 0 && o.PrincipalFor >= c.learning
}

func networks(n int) string {
	if n == 1 {
		return "one network"
	}
	return fmt.Sprintf("%d networks", n)
}
