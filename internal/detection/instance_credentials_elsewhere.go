package detection

import (
	"fmt"
	"net/netip"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func instanceCredentialsElsewhere() Rule {
	return Rule{
		ID: "instance-credentials-elsewhere", Title: "An EC2 instance's credentials are used somewhere else",
		Severity: finding.High, Mitre: []string{"T1552.005", "T1078.004"}, Wants: wants(cryptographic()...),
		Remembers: true, Excused: Own, PerPrincipal: true, Judge: judgeInstanceCredentials,
		Doc: Doc{
			Meaning: "The credentials that EC2 gives to one instance were used from a network that is not the instance's. " +
				"They never leave it by themselves: somebody has taken them, mostly through the metadata service.",
			Condition: "A successful cryptographic call in a session that is named like an instance (i-…), from a " +
				"public address and not through a VPC endpoint, or through one that the record says is an " +
				"outsider's, in a network that no call of the role had come from: once the role's calls have been " +
				"learnt for the learning time, and it does not often call from new networks, as network-first-seen " +
				"has it; or when the same instance called from another network, or through a VPC endpoint, within " +
				"the last 14 days. Through an endpoint of which the record does not say whose it is, when the same " +
				"instance called through another within the last 14 days. Calls that a service makes for the instance " +
				"tell nothing of where it is.",
			Tuning:         "`detections.learning` is how long calls are learnt first (14d).",
			FalsePositives: "An instance got another Elastic IP address or NAT gateway, or its VPC another endpoint.",
			Response: "Revoke the role's sessions, isolate the instance, and see what the credentials did from there. Require " +
				"IMDSv2.",
		},
	}
}

func judgeInstanceCredentials(c *Context, ev *events.Event) []Found {
	o, instance := c.Observed, ev.UserIdentity.SessionName()
	if o == nil || !isInstance(instance) || byService(ev) {
		return nil
	}
	here, outsider := origin(ev), c.outsidersVPC(ev)
	switch {
	case outsider != "":
		here = "the VPC of account " + shown(outsider)
	case ev.VPCEndpointAccount != "":
		here = inVPC
	}
	if here == "" {
		return nil
	}
	name := "instance\x00" + instance + "\x00" + ev.UserIdentity.PrincipalARN()
	home := c.Memory.Noted(name, ev.EventTime)
	if home == "" {
		c.Memory.Note(name, here, ev.EventTime, instanceKnown)
	}
	moved := home != "" && home != here
	ordinary := here == inVPC || !o.NewNetwork || private(ev.SourceIPAddress)
	if strings.HasPrefix(here, behind) { // whose is not known: but no instance moves from one to another
		ordinary = !o.NewNetwork || !strings.HasPrefix(home, behind)
	}
	if outsider == "" && ordinary || !moved && (!newNetwork(c) || moves(o)) {
		return nil
	}
	t := c.target(ev)
	before := fmt.Sprintf("No call of its role had come from there; rotd has learnt its calls for %s.",
		days(o.PrincipalFor))
	if moved {
		before = fmt.Sprintf("The same instance has called from %s before.", home)
	}
	return one(Found{
		About: t, Discriminator: instance + " " + here,
		Description: sentences(
			fmt.Sprintf("The credentials of instance %s, as %s, called %s on %s from %s%s.", shown(instance), who(ev),
				shown(ev.EventName), t.name(), shown(ev.SourceIPAddress), throughVPC(outsider)),
			before,
			"An instance's credentials are of use to nobody else: somewhere else they are stolen ones."),
		Remedy: []string{
			"See whether the instance has this address; if not, revoke the role's sessions and isolate the instance:",
			awsCLI("ec2 describe-instances", t.region, "instance-ids", instance),
			"What was done with the key from there:",
			t.history(),
		},
	})
}

// inVPC is the origin of calls through a VPC endpoint that is no outsider's.
const inVPC = "inside its VPC"

// isInstance reports whether a session name is an instance's id, as EC2 names the sessions of instances.
func isInstance(session string) bool {
	id, ok := strings.CutPrefix(session, "i-")
	return ok && len(id) >= 8 && len(id) <= 17 && strings.Trim(id, "0123456789abcdef") == ""
}

// private reports whether an address is of no use outside its own network.
func private(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast())
}
