package detection

import (
	"fmt"
	"slices"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
)

// Found is what a rule says of one event. What every rule's finding has alike is filled in from the event.
type Found struct {
	About       target
	Title       string           // in one line; empty: the rule's
	Severity    finding.Severity // when graver than the rule's
	Milder      finding.Severity // when what happened is less than the rule warns of; none: it is not
	Description string           // what happened and why it matters
	Remedy      []string         // what to do: sentences and commands, one a line, at most 8
	Subject     finding.Subject  // when it is not the key
	// Discriminator tells findings of one rule about one subject apart: an alias's target, an account, an error class.
	Discriminator string
}

// finish makes the finding. Nothing of it shares memory with the event, which lives as long as its message.
func (r *Rule) finish(c *Context, ev *events.Event, got *Found) finding.Finding {
	t := &got.About
	at := ev.EventTime
	f := finding.Finding{
		RuleID: r.ID, Severity: r.severity(got), Title: got.Title, Remedy: got.Remedy,
		Description: clip(got.Description, maxDescription), Count: 1, FirstSeen: at, LastSeen: at,
		Subject: got.Subject, Partition: strings.Clone(t.partition), Account: strings.Clone(t.account),
		Region: strings.Clone(t.region), KeyARN: strings.Clone(t.arn), Alias: strings.Clone(t.alias),
		PrincipalARN: strings.Clone(ev.UserIdentity.PrincipalARN()),
		SessionName:  strings.Clone(ev.UserIdentity.SessionName()),
		EventID:      strings.Clone(ev.EventID), EventName: strings.Clone(ev.EventName), EventTime: &at,
		SourceIP: strings.Clone(ev.SourceIPAddress), VPCEndpoint: strings.Clone(ev.VPCEndpointID),
		UserAgent: strings.Clone(ev.UserAgent),
		Mitre:     append([]string{}, r.Mitre...), Late: c.Late,
	}
	if f.Title == "" {
		f.Title = r.Title
	}
	if f.Subject == (finding.Subject{}) {
		f.Subject = t.subject()
	}
	f.Subject.ID = strings.Clone(f.Subject.ID)
	if f.Expected, f.Why = r.expected(c, ev, t); f.Expected {
		f.Severity = r.Expected
	}
	if p := c.policyOf(t); p != nil {
		f.Policy = p.Name
	}
	f.Fingerprint = r.fingerprint(f.Subject, f.PrincipalARN, got.Discriminator)
	return f
}

// severity is that of something found. Configuration's comes in place of the rule's and of what is graver; what is
// milder stays so.
func (r *Rule) severity(got *Found) finding.Severity {
	severity := max(r.Severity, got.Severity)
	if r.override != nil {
		severity = *r.override
	}
	if got.Milder != finding.Informational {
		severity = min(severity, got.Milder)
	}
	return severity
}

// fingerprint is the identity of the rule's finding about a subject.
func (r *Rule) fingerprint(about finding.Subject, principalARN, discriminator string) string {
	if !r.PerPrincipal {
		principalARN = ""
	}
	return finding.Fingerprint(r.ID, about, principalARN, discriminator)
}

// expected says whether the event was to be expected, and why or why not. The role, session or agent alone excuses
// nobody: whoever steals them must not hide behind them.
func (r *Rule) expected(c *Context, ev *events.Event, t *target) (bool, string) {
	if r.Excused == Nobodys {
		return false, "it is expected of nobody"
	}
	if c.Own {
		return true, "it is one of rotd's own calls, by its recorded access key and request"
	}
	p := c.policyOf(t)
	if !p.Allows(ev.UserIdentity.PrincipalARN()) {
		return false, ""
	}
	if r.Excused == OwnOrLet {
		return true, fmt.Sprintf("policy %s allows this principal", shown(p.Name))
	}
	return false, fmt.Sprintf("policy %s allows its work with the key, not this",
		shown(p.Name))
}

// one is the usual answer of a rule that found something.
func one(f Found) []Found { return []Found{f} }

// wants names operations of KMS.
func wants(names ...string) []Wanted {
	return []Wanted{{Source: kmsSource, Names: slices.Clone(names)}}
}
