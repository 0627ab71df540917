package awssim

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Role may be assumed through STS.
type Role struct {
	ARN        string
	ExternalID string   // demanded when not empty
	Trusted    []string // ARNs of the users and roles that may assume it; nil for anybody known
	Allow      []string // actions allowed in its sessions, as in Principal
	SourceIP   string   // of its sessions, as in Principal
	id         string   // AROA…

	policy *identityPolicy // in place of Allow; nil: none
}

// AddRole makes a role known, replacing one of the same ARN.
func (s *Sim) AddRole(r Role) {
	r.id = s.newID("AROA", 17)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles[r.ARN] = &r
}

const (
	minSession     = 900    // seconds
	defaultSession = 3600   // seconds
	maxSession     = 43_200 // seconds
)

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func newSTS(s *Sim) *service {
	return &service{
		name: "sts",
		protocol: awsQuery{
			namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
			rename:    map[string]string{"AccessDeniedException": "AccessDenied"},
		},
		open: map[string]bool{"GetCallerIdentity": true},
		ops: map[string]operation{
			"GetCallerIdentity": getCallerIdentity,
			"AssumeRole":        s.assumeRole,
		},
	}
}

// getCallerIdentity tells no SourceIdentity: AWS's answer has none.
func getCallerIdentity(c *call) (any, error) {
	if err := presigned(c); err != nil {
		return nil, err
	}
	c.Resource = c.Principal.ARN
	return struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string `xml:"Account"`
	}{c.Principal.ARN, c.Principal.PrincipalID, c.Principal.Account}, nil
}

type assumeRoleResult struct {
	Credentials struct {
		AccessKeyID     string    `xml:"AccessKeyId"`
		SecretAccessKey string    `xml:"SecretAccessKey"`
		SessionToken    string    `xml:"SessionToken"`
		Expiration      time.Time `xml:"Expiration"`
	} `xml:"Credentials"`
	AssumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		ARN           string `xml:"Arn"`
	} `xml:"AssumedRoleUser"`
	SourceIdentity string `xml:"SourceIdentity,omitempty"`
}

func (s *Sim) assumeRole(c *call) (any, error) {
	role, session, seconds, err := s.readAssumeRole(c)
	if err != nil {
		return nil, err
	}
	p := s.newSession(role, session, c.Time.Add(time.Duration(seconds)*time.Second))
	c.Effect = true
	var out assumeRoleResult
	out.Credentials.AccessKeyID, out.Credentials.SecretAccessKey = p.AccessKeyID, p.SecretAccessKey
	out.Credentials.SessionToken, out.Credentials.Expiration = p.SessionToken, p.Expires.Truncate(time.Second)
	out.AssumedRoleUser.AssumedRoleID, out.AssumedRoleUser.ARN = p.PrincipalID, p.ARN
	out.SourceIdentity = c.Form.Get("SourceIdentity")
	return out, nil
}

// readAssumeRole reads and judges the request. A role that is unknown, does not trust the caller or wants another
// external id is refused in the same words, as AWS does.
func (s *Sim) readAssumeRole(c *call) (role *Role, session string, seconds int, err error) {
	arn := c.Form.Get("RoleArn")
	session, seconds = c.Form.Get("RoleSessionName"), defaultSession
	c.Resource = arn
	if !c.permits(c.Action, arn) {
		return nil, "", 0, unpermitted(c, c.Action, arn)
	}
	if d := c.Form.Get("DurationSeconds"); d != "" {
		seconds, err = strconv.Atoi(d)
	}
	if err != nil || seconds < minSession || seconds > maxSession || !sessionName.MatchString(session) {
		return nil, "", 0, apiErrorf("ValidationError", 0, "RoleSessionName or DurationSeconds is invalid")
	}
	s.mu.RLock()
	role = s.roles[arn]
	s.mu.RUnlock()
	if role == nil || role.ExternalID != "" && role.ExternalID != c.Form.Get("ExternalId") || !role.trusts(c.Principal) {
		return nil, "", 0, apiErrorf("AccessDenied", 403, "User: %s is not authorized to perform: sts:AssumeRole on "+
			"resource: %s", c.Principal.ARN, arn)
	}
	return role, session, seconds, nil
}

func (r *Role) trusts(p *Principal) bool {
	return r.Trusted == nil || slices.Contains(r.Trusted, p.ARN) || slices.Contains(r.Trusted, p.SessionIssuerARN)
}

// newSession makes the principal of a role's session known.
func (s *Sim) newSession(role *Role, name string, expires time.Time) Principal {
	parts, _ := parseARN(role.ARN)
	roleName := parts.resource[strings.LastIndexByte(parts.resource, '/')+1:]
	p := Principal{
		AccessKeyID: s.newID("ASIA", 16), SecretAccessKey: s.newID("", 40), SessionToken: s.newID("", 64),
		Account: parts.account, Type: "AssumedRole",
		ARN:              "arn:" + parts.partition + ":sts::" + parts.account + ":assumed-role/" + roleName + "/" + name,
		SessionIssuerARN: role.ARN, SessionName: name, PrincipalID: role.id + ":" + name,
		SourceIP: role.SourceIP, Expires: expires, Allow: role.Allow, policy: role.policy,
	}
	s.AddPrincipal(p)
	return p
}
