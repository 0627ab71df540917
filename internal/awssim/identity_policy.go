package awssim

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// identityPolicy is a principal's IAM policy, as far as rotd's own go: statements that allow, * in resources, and the
// conditions Null and StringLike. What no statement allows is denied. It remembers what was used of it.
type identityPolicy struct {
	statements []identityStatement

	mu   sync.Mutex
	used map[Permission]bool
}

type identityStatement struct {
	Sid       string
	Effect    string
	Action    oneOrMany[string]
	Resource  oneOrMany[string]
	Condition map[string]map[string]string
}

// Permission is one action of a statement.
type Permission struct{ Sid, Action string }

func (p Permission) String() string { return p.Sid + ": " + p.Action }

// parseIdentityPolicy reads a policy. One with statements that it would misjudge is refused.
func parseIdentityPolicy(text string) (*identityPolicy, error) {
	var d struct {
		Version   string
		Statement []identityStatement
	}
	if err := json.Unmarshal([]byte(text), &d, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("awssim: IAM policy: %w", err)
	}
	for _, s := range d.Statement {
		if s.Effect != "Allow" {
			return nil, fmt.Errorf("awssim: IAM policy: statement %s: only Allow is known", s.Sid)
		}
	}
	return &identityPolicy{statements: d.Statement, used: make(map[Permission]bool)}, nil
}

// allows judges an action on a resource, in a context of condition keys and values.
func (p *identityPolicy) allows(action, resource string, context map[string]string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	allowed := false
	for _, s := range p.statements {
		if slices.Contains(s.Action, action) && s.covers(resource) && s.holds(context) {
			p.used[Permission{s.Sid, action}], allowed = true, true
		}
	}
	return allowed
}

func (s *identityStatement) covers(resource string) bool {
	return slices.ContainsFunc(s.Resource, func(pattern string) bool { return like(pattern, resource) })
}

func (s *identityStatement) holds(context map[string]string) bool {
	for operator, keys := range s.Condition {
		for key, want := range keys {
			value, there := context[key]
			switch operator {
			case "Null":
				if there == (want == "true") {
					return false
				}
			case "StringLike":
				if !there || !like(want, value) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

// like matches a pattern in which * stands for anything.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}

// permits judges the call's action, or another that comes with it, on a resource by the caller's IAM policy. Without
// one the actions in Principal.Allow, judged before, are all there is.
func (c *call) permits(action, resource string) bool {
	p := c.Principal.policy
	c.judged = true
	return p == nil || p.allows(action, resource, c.context)
}

// aboutAnything judges calls that no IAM policy can narrow to a resource.
func aboutAnything(c *call) *APIError {
	if !c.permits(c.Action, "*") {
		return unpermitted(c, c.Action, "*")
	}
	return nil
}

// SetPolicy gives a known access key, or a role by its ARN, an IAM policy in place of Allow. That of a role is in force
// in the sessions that it has, too.
func (s *Sim) SetPolicy(of, document string) error {
	policy, err := parseIdentityPolicy(document)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, role := s.principals[of], s.roles[of]
	switch {
	case p != nil:
		s.limit(p, policy)
	case role != nil:
		with := *role
		with.policy = policy
		s.roles[of] = &with
		for _, session := range s.principals {
			if session.SessionIssuerARN == of {
				s.limit(session, policy)
			}
		}
	default:
		return fmt.Errorf("awssim: there is no access key or role %s", of)
	}
	return nil
}

// limit gives a principal a policy; calls in hand go on with the one they have. s.mu is held.
func (s *Sim) limit(p *Principal, policy *identityPolicy) {
	with := *p
	with.policy = policy
	s.principals[p.AccessKeyID] = &with
}

func (s *Sim) policyOf(of string) *identityPolicy {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.principals[of]; p != nil {
		return p.policy
	}
	if role := s.roles[of]; role != nil {
		return role.policy
	}
	return nil
}

// Unused are the permissions that no call has needed of the IAM policy of an access key or a role, in its order.
func (s *Sim) Unused(of string) (unused []Permission) {
	p := s.policyOf(of)
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, statement := range p.statements {
		for _, action := range statement.Action {
			if permission := (Permission{statement.Sid, action}); !p.used[permission] {
				unused = append(unused, permission)
			}
		}
	}
	return unused
}
