package suppression

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"rotd/internal/pattern"
	"rotd/internal/policy"
)

// The checks of single values. Each returns what is wrong and what would be right, for people.

var (
	keyUUID   = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`
	keyID     = pattern.New(`^` + keyUUID + `$`)
	mrkID     = pattern.New(`^mrk-[0-9a-f]{32}$`)
	keyARN    = pattern.New(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/(` + keyUUID + `|mrk-[0-9a-f]{32})$`)
	aliasARN  = pattern.New(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:alias/[A-Za-z0-9/_-]{1,250}$`)
	iamName   = pattern.New(`^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$`)
	exactly   = pattern.New(`^(arn:aws[a-z-]*:(iam|sts)::\d{12}:.+|service:.+|account:\d{12})$`)
	vpceID    = pattern.New(`^vpce-[0-9a-f]{3,32}$`)
	accountID = pattern.New(`^\d{12}$`)
	region    = pattern.New(`^[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}$`)
)

// CheckKey accepts what names one key for ever: its id, its ARN, or the ARN of an alias, which stands for the key that
// it points at when rotd first reads the suppression.
func CheckKey(s string) error {
	switch {
	case keyID.MatchString(s), keyARN.MatchString(s), aliasARN.MatchString(s):
		return nil
	case strings.HasPrefix(s, "alias/"):
		return fmt.Errorf("%q is an alias that every account and Region can have: write its ARN, or the key's",
			shorten(s))
	case mrkID.MatchString(s):
		return errors.New("a multi-Region key has this id in each Region, also in those it is yet to be replicated to: " +
			"write the ARNs of the keys that are meant")
	}
	return fmt.Errorf("%q is not a key: write its id, its ARN or an alias ARN, without wildcards", shorten(s))
}

// CheckPrincipal accepts patterns over the principals of one account, and single principals.
func CheckPrincipal(s string) error {
	switch {
	case strings.Contains(s, ":assumed-role/"):
		return errors.New("a session's ARN never matches, since its name is chosen by the caller: " +
			"write its role's ARN, arn:<partition>:iam::<account>:role/<path and name>")
	case strings.ContainsFunc(s, unicode.IsSpace), strings.ContainsFunc(s, unicode.IsControl):
	case iamName.MatchString(s):
		return nil
	case exactly.MatchString(s) && !strings.ContainsAny(s, "*?"):
		return nil
	}
	return fmt.Errorf("%q is not a principal: write arn:<partition>:iam::<account>:role/<name> or user/<name>, "+
		"with * and ? as wildcards in the name only, or service:<name> or account:<id>", shorten(s))
}

// CheckNetwork accepts networks that say where a call came from, and VPC endpoints.
func CheckNetwork(s string) error {
	if vpceID.MatchString(s) {
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is neither a network nor a VPC endpoint: write for example 203.0.113.0/24 or vpce-0abc",
			shorten(s))
	}
	if err := policy.CheckMapped(prefix); err != nil {
		return err
	}
	switch {
	case prefix != prefix.Masked():
		return fmt.Errorf("%s has bits set beyond its prefix: write %s", s, prefix.Masked())
	case prefix.Addr().IsPrivate() || prefix.Addr().IsLoopback() || prefix.Addr().IsLinkLocalUnicast():
		return fmt.Errorf("%s is private: calls come from there through VPC endpoints only, and whoever owns one chooses "+
			"its addresses: write the endpoint, vpce-…", s)
	case prefix.Addr().Is4() && prefix.Bits() < 8, prefix.Addr().Is6() && prefix.Bits() < 16:
		return fmt.Errorf("%s is too much of the internet: write /8 or narrower (IPv6: /16)", s)
	}
	return nil
}

// CheckAccount accepts an account's id.
func CheckAccount(s string) error {
	return matching(accountID, s, `an account id: write its 12 digits in quotes, such as "111122223333"`)
}

// CheckRegion accepts a Region.
func CheckRegion(s string) error { return matching(region, s, "a Region: write for example eu-west-1") }

// CheckWords accepts what a caller chose, and compares exactly: it has no wildcards.
func CheckWords(s string) error {
	if s == "" || len(s) > 1_024 {
		return errors.New("want 1 to 1024 bytes, exactly as findings show it: there are no wildcards here")
	}
	return nil
}

func matching(pattern pattern.Pattern, s, want string) error {
	if !pattern.MatchString(s) {
		return fmt.Errorf("%q is not %s", shorten(s), want)
	}
	return nil
}

// Fault is what is wrong with one field.
type Fault struct {
	Field string // as in rotd.yaml
	What  string
}

func (f Fault) String() string { return f.Field + ": " + f.What }

// Together says what is wrong with the fields beside each other.
func (s *Suppression) Together(now time.Time) (faults []Fault) {
	fault := func(field, format string, args ...any) {
		faults = append(faults, Fault{field, fmt.Sprintf(format, args...)})
	}
	beside := len(s.Principals)+len(s.Keys) > 0 || s.Fingerprint != ""
	chosen := len(s.UserAgents)+len(s.SessionNames) > 0
	sources := len(s.Networks) + len(s.VPCEndpoints)
	switch {
	case !beside && !chosen && sources+len(s.Accounts)+len(s.Regions) == 0:
		fault("rules", "are hidden wherever they find something: narrow it with keys, principals, networks, accounts or "+
			"regions, or switch a rule off with detections.disable")
	case !beside && len(s.UserAgents) > 0:
		fault("user_agents", "are chosen by whoever calls: name principals or keys beside them")
	case !beside && chosen:
		fault("session_names", "are chosen by whoever calls: name principals or keys beside them")
	}
	if s.Expires.Sub(now) > Longest {
		fault("expires", "is more than a year ahead: what is hidden has to be looked at again")
	}
	return faults
}

// Check says everything that is wrong with a suppression that does not come from rotd.yaml; may says of a rule why it
// cannot be suppressed, nil when it can.
func (s *Suppression) Check(now time.Time, may func(rule string) error) (faults []Fault) {
	each := func(field string, values []string, check func(string) error) {
		if values != nil && len(values) == 0 {
			faults = append(faults, Fault{field, "has no values: leave it out, or say which"})
		}
		if len(values) > MaxValues {
			faults = append(faults, Fault{field, fmt.Sprintf("has %d values, at most %d are kept", len(values), MaxValues)})
		}
		for i, value := range values[:min(len(values), MaxValues)] {
			if err := check(value); err != nil {
				faults = append(faults, Fault{fmt.Sprintf("%s[%d]", field, i), err.Error()})
			}
		}
	}
	if s.Rules == nil {
		faults = append(faults, Fault{"rules", "name at least one rule or check"})
	}
	each("rules", s.Rules, may)
	each("keys", s.Keys, CheckKey)
	if s.Fingerprint == "" { // else as a finding has them, compared exactly
		each("principals", s.Principals, CheckPrincipal)
	}
	each("networks", s.networks(), CheckNetwork)
	each("vpc_endpoints", s.VPCEndpoints, func(id string) error { return matching(vpceID, id, "a VPC endpoint's id") })
	each("accounts", s.Accounts, CheckAccount)
	each("regions", s.Regions, CheckRegion)
	each("user_agents", s.UserAgents, CheckWords)
	each("session_names", s.SessionNames, CheckWords)
	return slices.Concat(faults, s.Together(now))
}

// From adds a network or VPC endpoint that CheckNetwork accepts.
func (s *Suppression) From(source string) {
	if prefix, err := netip.ParsePrefix(source); err == nil {
		s.Networks = append(s.Networks, prefix)
		return
	}
	s.VPCEndpoints = append(s.VPCEndpoints, source)
}

func (s *Suppression) networks() (all []string) {
	if s.Networks != nil {
		all = []string{}
	}
	for _, n := range s.Networks {
		all = append(all, n.String())
	}
	return all
}

func shorten(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
