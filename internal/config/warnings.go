package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// lowerModes holds every policy under the ceiling.
func lowerModes(c *Config) {
	for i := range c.Policies {
		c.Policies[i].Asked = c.Policies[i].Mode
		c.Policies[i].Mode = c.Policies[i].Mode.Lower(c.Mode)
	}
}

// warn tells of what is allowed and probably not meant. It runs on a valid configuration, before modes are lowered.
func warn(r *reader, c *Config) {
	for i, q := range c.Intake.Queues {
		if u, err := url.Parse(q.URL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
			r.warn(fmt.Sprintf("intake.queues[%d].url", i), "messages would cross the network unencrypted: write https")
		}
	}
	warnModes(r, c)
	for i := range c.Policies {
		warnPolicy(r, c, i)
	}
	if len(c.Policies) == 0 {
		r.warn("policies", "there are none: every key is told as key-unmanaged, and none is rotated")
	}
	if len(c.Alerts.Topics) == 0 {
		r.warn("alerts.topics", "there are none: findings are kept, and nobody is told")
	}
	if share := c.Limits.QuotaShare; share > 0.5 {
		r.warn("limits.quota_share", "%v of KMS's quota leaves little for everything else in the account", share)
	}
	if c.Guardrails.ArmOnNewState {
		r.warn("guardrails.arm_on_new_state", "a lost or damaged state would be replaced by one that acts "+
			"without being told to; this is for demos and tests")
	}
	if c.ImportedMaterial.ValidFor > 0 {
		r.warn("imported_material.valid_for", "each of a key's materials expires on a date of its own, also after the key "+
			"was rotated away from it, and then the key works no more until that one is imported again, which rotd does not do")
	}
	if proposes(c) && len(c.Admin.Roles.Approve) == 0 {
		r.warn("admin.roles.approve", "nobody is listed, and what mode propose proposes waits for somebody's approval: "+
			"all of it will expire")
	}
	if host, _, err := net.SplitHostPort(c.Admin.HTTP); err == nil && !loopback(host) {
		r.warn("admin.http", "metrics and status would be readable from the network, by anybody")
	}
}

// proposes says that some policy's actions wait for an approval.
func proposes(c *Config) bool {
	return slices.ContainsFunc(c.Policies, func(p policy.Policy) bool { return p.Mode.Lower(c.Mode) == policy.Propose })
}

func warnModes(r *reader, c *Config) {
	var lowered []string
	acts := false
	for _, p := range c.Policies {
		if p.Mode.Lower(c.Mode) != p.Mode {
			lowered = append(lowered, p.Name)
		}
		acts = acts || p.Mode != policy.Observe
	}
	switch {
	case len(lowered) > 0:
		r.warn("mode", "%s is the ceiling: it holds back what %s says", c.Mode, strings.Join(lowered, ", "))
	case c.Mode != policy.Observe && !acts:
		r.warn("mode", "%s is only a ceiling and no policy says mode: propose or enforce: nothing is put right by itself",
			c.Mode)
	}
}

func warnPolicy(r *reader, c *Config, i int) {
	p, path := &c.Policies[i], fmt.Sprintf("policies[%d]", i)
	if before := slices.IndexFunc(c.Policies[:i], everyKey); before >= 0 {
		r.warn(path+".name", "never applies: %s before it matches every key", c.Policies[before].Name)
	}
	usable := inventory.OnDemandLimit - c.Guardrails.OnDemandReserve
	lasts := p.Rotation.MaxAge.Hours() / 24 / 365.25 * float64(usable) // years
	if p.Rotation.Method == policy.OnDemand && lasts < 10 {
		r.warn(path+".rotation.max_age", "a key can be rotated on demand %d times in its life, %d of them are kept "+
			"for people: at this pace the others are used up after %.1f years; method: automatic uses none up",
			inventory.OnDemandLimit, c.Guardrails.OnDemandReserve, lasts)
	}
	if slices.Contains(p.Allow, "*") {
		r.warn(path+".principals.allow", "* is everybody: whatever anybody does to these keys counts as expected")
	}
	if mode := p.Mode.Lower(c.Mode); len(p.Respond) > 0 && mode == policy.Observe {
		r.warn(path+".respond", "in mode %s nothing is done by itself", mode)
	}
}

func everyKey(p policy.Policy) bool {
	return p.Match.Everything()
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}
