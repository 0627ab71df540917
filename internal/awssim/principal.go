package awssim

import (
	"fmt"
	"strings"
	"time"
)

// Principal is who stands behind an access key id. CloudTrail's userIdentity is made from it.
type Principal struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	Account string // 12 digits; from ARN when empty
	ARN     string // of the user, or of the session for an assumed role
	Type    string // IAMUser (default), AssumedRole, Root …

	UserName         string // IAMUser
	SessionIssuerARN string // AssumedRole: the role
	SessionName      string // AssumedRole
	PrincipalID      string // AIDA…, AROA…:session; made up when empty

	SourceIP string    // shown as the caller's address; the connection's own when empty
	Expires  time.Time // zero: never

	// Allow lists the actions allowed, such as kms:DescribeKey or sqs:*; nil allows all.
	Allow []string

	policy *identityPolicy // in place of Allow; nil: none
}

// AddPrincipal makes an access key known, replacing what it stood for.
func (s *Sim) AddPrincipal(p Principal) {
	if arn, ok := parseARN(p.ARN); ok && p.Account == "" {
		p.Account = arn.account
	}
	if p.Type == "" {
		p.Type = "IAMUser"
	}
	if p.PrincipalID == "" {
		p.PrincipalID = s.newID("AIDA", 17)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.principals[p.AccessKeyID] = &p
}

// RemovePrincipal makes an access key unknown, as if it had been deleted.
func (s *Sim) RemovePrincipal(accessKeyID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.principals, accessKeyID)
}

// NewAccessKey makes a user known with a fresh access key: an IAM user of that name in that account, in the partition
// aws, allowed the actions given (none given: all).
func (s *Sim) NewAccessKey(account, userName string, allow ...string) Principal {
	p := Principal{
		AccessKeyID:     s.newID("AKIA", 16),
		SecretAccessKey: s.newID("", 40),
		Account:         account,
		ARN:             fmt.Sprintf("arn:%s:iam::%s:user/%s", partitionOf(""), account, userName),
		Type:            "IAMUser",
		UserName:        userName,
		PrincipalID:     s.newID("AIDA", 17),
		Allow:           allow,
	}
	s.AddPrincipal(p)
	return p
}

func (s *Sim) principal(accessKeyID string) *Principal {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.principals[accessKeyID]
}

// may tells whether the principal's Allow lets it do an action such as kms:DescribeKey.
func (p *Principal) may(action string) bool {
	if p.policy != nil || p.Allow == nil {
		return true // a policy is asked when it is known about what
	}
	service, _, _ := strings.Cut(action, ":")
	for _, a := range p.Allow {
		if a == "*" || strings.EqualFold(a, action) || strings.EqualFold(a, service+":*") {
			return true
		}
	}
	return false
}
