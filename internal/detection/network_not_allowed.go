package detection

import (
	"fmt"
	"net/netip"
	"slices"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/policy"
)

func networkNotAllowed() Rule {
	return Rule{
		ID: "network-not-allowed", Title: "A key was used from a network that its policy does not allow",
		Severity: finding.High, Mitre: []string{"T1078.004"}, Wants: wants(),
		Excused: Own, PerPrincipal: true, Judge: judgeNetworkNotAllowed,
		Doc: Doc{
			Meaning: "rotd's policy of a key lists the networks it is used from, and a call came from elsewhere. " +
				"Credentials that left the place they belong to look exactly so.",
			Condition: "A KMS call that succeeded and uses or changes a key whose policy has `networks.allow`, from an " +
				"address in none of its networks and through none of its VPC endpoints. Addresses are compared as CloudTrail " +
				"tells them; the address behind another account's VPC endpoint, which that account chooses, is in no " +
				"network. Not: readings, and calls that an AWS service makes, whose address tells nothing. One finding " +
				"for each key, principal and network (IPv4 /24, IPv6 /48).",
			Tuning: "`networks.allow` of the policy: CIDRs and ids of VPC endpoints. A policy without it allows every " +
				"network. `principals.allow` does not excuse it.",
			FalsePositives: "A new office, VPN or VPC endpoint; an engineer who is travelling.",
			Response: "Ask whose address it is. If nobody knows it, take the credentials away: end the role's sessions, or " +
				"delete the user's access key.",
		},
	}
}

func judgeNetworkNotAllowed(c *Context, ev *events.Event) []Found {
	if ev.Failed() || isReading(ev.EventName) || !c.Policies.Any(namesNetworks) || byService(ev) {
		return nil
	}
	addr, ok := address(ev)
	if !ok {
		return nil
	}
	outsider := c.outsidersVPC(ev)
	var found []Found
	for _, ref := range keysOf(ev) {
		key, p := c.known(ev, ref)
		if key == nil || p == nil || !namesNetworks(p) || allowsSource(p, addr, ev.VPCEndpointID, outsider != "") {
			continue
		}
		t := c.targetOf(ev, events.KeyRef{ARN: key.ARN})
		through := throughVPC(outsider)
		if through == "" && ev.VPCEndpointID != "" {
			through = " through VPC endpoint " + shown(ev.VPCEndpointID)
		}
		found = append(found, Found{
			About: t, Discriminator: network(addr),
			Description: fmt.Sprintf("%s from %s%s. Policy %s allows %s. Credentials that left the place "+
				"they belong to look like this.", called(ev, &t), addr, through, shown(p.Name),
				listed(sourcesOf(p))),
			Remedy: []string{
				"Find out whose address this is, and from where else the key is used:",
				"rotd keys usage " + argument(t.id),
				"If it belongs there, add its network to networks.allow of the policy.",
				"If not, take the credentials away, and see what else they were used for:",
				lookupAccessKey(ev, t.region),
			},
		})
	}
	return found
}

func namesNetworks(p *policy.Policy) bool { return len(p.Networks)+len(p.VPCEs) > 0 }

// allowsSource reports whether a policy allows a network. Addresses inside an outsider's VPC are the outsider's choice.
func allowsSource(p *policy.Policy, addr netip.Addr, endpoint string, outsiders bool) bool {
	return endpoint != "" && slices.Contains(p.VPCEs, endpoint) ||
		!outsiders && slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// sourcesOf are the networks and endpoints that a policy allows.
func sourcesOf(p *policy.Policy) []string {
	var all []string
	for _, n := range p.Networks {
		all = append(all, n.String())
	}
	return append(all, p.VPCEs...)
}

// lookupAccessKey finds what was done with the call's access key in CloudTrail's history of the last 90 days.
func lookupAccessKey(ev *events.Event, region string) string {
	id := ev.UserIdentity.AccessKeyID
	if id == "" {
		id = "ACCESS-KEY-ID"
	}
	return awsCLI("cloudtrail lookup-events", region, "lookup-attributes", "AttributeKey=AccessKeyId,AttributeValue="+id)
}
