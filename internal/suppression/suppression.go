// Package suppression says which occurrences of findings nobody is to be told of: what a person named, why, and until
// when. It is pure; where suppressions are kept and what an occurrence that one hides still does is the engine's.
//
// Whoever attacks chooses the names of his sessions, his user agent and the aliases he makes. Those match only where a
// suppression has exactly the same words, and names a principal or a key beside them; wildcards are for the names of
// principals within one account alone.
package suppression

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"rotd/internal/finding"
	"rotd/internal/policy"
)

// Suppression hides the findings' occurrences that all its fields match, a field by any of its values. Those from Keys
// to SessionNames narrow it: at least one of them is given.
type Suppression struct {
	Name         string         `json:"name,omitempty"` // as in rotd.yaml, or Prefix and a ULID
	Rules        []string       `json:"rules"`
	Keys         []string       `json:"keys,omitempty"`       // ids, ARNs and, in rotd.yaml, alias ARNs
	Principals   []string       `json:"principals,omitempty"` // as findings name them, with * and ? as wildcards
	Networks     []netip.Prefix `json:"networks,omitempty"`
	VPCEndpoints []string       `json:"vpc_endpoints,omitempty"` // beside Networks: any of both matches
	Accounts     []string       `json:"accounts,omitempty"`
	Regions      []string       `json:"regions,omitempty"`
	UserAgents   []string       `json:"user_agents,omitempty"`   // exactly
	SessionNames []string       `json:"session_names,omitempty"` // exactly
	// Finding is the one finding that it is made from, and Fingerprint what that is known by through all its episodes.
	Finding     string    `json:"finding_id,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Author      string    `json:"author,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Created     time.Time `json:"created,omitzero"` // when a person made it; zero: rotd.yaml has it
	Expires     time.Time `json:"expires,omitzero"` // from then on it hides nothing
}

// Prefix begins the names of suppressions that people make while rotd runs, and of no other.
const Prefix = "sup_"

// Bounds.
const (
	MaxMade   = 1_000                // suppressions that people made, kept at a time
	MaxValues = 100                  // values of one field
	Longest   = 366 * 24 * time.Hour // until a suppression's end
)

// Expired reports whether the suppression hides nothing any more.
func (s *Suppression) Expired(at time.Time) bool { return !at.Before(s.Expires) }

// Until is when the suppression ends, for people: a day as it is written in rotd.yaml, or a time.
func (s *Suppression) Until() string {
	if at := s.Expires.UTC(); at.Equal(at.Truncate(24 * time.Hour)) {
		return at.Format(time.DateOnly)
	}
	return s.Expires.UTC().Format(time.RFC3339)
}

// Scope is what the suppression hides, for people.
func (s *Suppression) Scope() string {
	var parts []string
	add := func(what string, values ...string) {
		if len(values) > 0 {
			parts = append(parts, what+" "+strings.Join(values, ", "))
		}
	}
	add("", s.Rules...)
	if s.Finding != "" {
		add("finding", s.Finding)
	}
	add("key", s.Keys...)
	add("by", s.Principals...)
	add("from", slices.Concat(s.networks(), s.VPCEndpoints)...)
	add("account", s.Accounts...)
	add("region", s.Regions...)
	add("user agent", s.UserAgents...)
	add("session", s.SessionNames...)
	return strings.TrimSpace(strings.Join(parts, "; "))
}

// Of is the suppression of exactly one finding, whatever its episodes: by its rule and fingerprint, and by the
// principal where the finding names one.
func Of(f *finding.Finding) Suppression {
	s := Suppression{Rules: []string{f.RuleID}, Finding: f.ID, Fingerprint: f.Fingerprint}
	if f.PrincipalARN != "" {
		s.Principals = []string{f.PrincipalARN}
	}
	return s
}

// matches reports whether every field matches one occurrence of a finding of its rules.
func (s *Suppression) matches(f *finding.Finding) bool {
	return (s.Fingerprint == "" || s.Fingerprint == f.Fingerprint) &&
		(s.Keys == nil || namesKey(s.Keys, f.KeyARN)) &&
		(s.Principals == nil || s.namesPrincipal(f.PrincipalARN)) &&
		(s.Networks == nil && s.VPCEndpoints == nil || s.namesSource(f)) &&
		is(s.Accounts, f.Account) && is(s.Regions, f.Region) &&
		is(s.UserAgents, f.UserAgent) && is(s.SessionNames, f.SessionName)
}

// is reports whether a value is one of those wanted; what is not said is none of any.
func is(wanted []string, value string) bool {
	return wanted == nil || value != "" && slices.Contains(wanted, value)
}

func namesKey(keys []string, arn string) bool {
	return arn != "" && slices.ContainsFunc(keys, func(key string) bool {
		return key == arn || !strings.HasPrefix(key, "arn:") && strings.HasSuffix(arn, ":key/"+key)
	})
}

// namesPrincipal compares with patterns, but exactly with the principal that a finding named.
func (s *Suppression) namesPrincipal(arn string) bool {
	return arn != "" && slices.ContainsFunc(s.Principals, func(p string) bool {
		return p == arn || s.Fingerprint == "" && policy.Glob(p, arn)
	})
}

// namesSource compares where a call came from. The address of one that came through a VPC endpoint was chosen by
// whoever owns the endpoint's network: then the endpoint alone says where it came from.
func (s *Suppression) namesSource(f *finding.Finding) bool {
	if f.VPCEndpoint != "" {
		return slices.Contains(s.VPCEndpoints, f.VPCEndpoint)
	}
	addr, err := netip.ParseAddr(f.SourceIP)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(s.Networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}
