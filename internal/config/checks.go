package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"rotd/internal/pattern"
	"rotd/internal/policy"
	"rotd/internal/suggest"
)

// The checks of single values. Each returns what is wrong and what would be right, for people.

var (
	accountID  = pattern.New(`^\d{12}$`)
	regionName = pattern.New(`^[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}$`)
	partition  = pattern.New(`^aws(-[a-z]+)*$|^aws-iso-[a-z]$`)
	shardName  = pattern.New(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
	policyName = pattern.New(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	queueName  = pattern.New(`^[A-Za-z0-9_-]{1,80}(\.fifo)?$`)
	topicName  = pattern.New(`^[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	peerName   = pattern.New(`^(user|group):[\w.-][\w.@$\\ -]{0,255}$`)
	roleName   = pattern.New(`^([\w+=,.@-]+/)*[\w+=,.@-]{1,64}$`)
	externalID = pattern.New(`^[\w+=,.@:/-]{2,}$`)
	keyID      = pattern.New(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)
	aliasName  = pattern.New(`^alias/[A-Za-z0-9/_-]{1,250}$`)
	aliasGlob  = pattern.New(`^[A-Za-z0-9/_*?-]{1,256}$`)
	keyGlob    = pattern.New(`^(\*|\?|arn:|alias/|mrk-|[0-9a-f])[A-Za-z0-9/_*?:.-]{0,511}$`)
	orgGlob    = pattern.New(`^(\*|o-)[a-z0-9/*?-]{0,511}$`)
	vpceID     = pattern.New(`^vpce-[0-9a-f]{3,32}$`)
	ruleName   = pattern.New(`^[a-z][a-z0-9-]{1,63}$`)
)

// matching accepts what a pattern does.
func matching(pattern pattern.Pattern, want string) func(string) error {
	return func(s string) error {
		if !pattern.MatchString(s) {
			return fmt.Errorf("%q is not %s", shorten(s), want)
		}
		return nil
	}
}

func checkAccount(s string) error {
	return matching(accountID, `an account id: write its 12 digits in quotes, such as "111122223333"`)(s)
}

func checkShard(s string) error {
	return matching(shardName, "a shard: write lower-case letters, digits and -, at most 32")(s)
}

func checkPolicyName(s string) error {
	return matching(policyName, "a name: write letters, digits, _, . and -, at most 64")(s)
}

func checkExternalID(s string) error {
	return matching(externalID, "an external id: write two or more letters, digits or +=,.@:/-")(s)
}

func checkRoleName(s string) error {
	return matching(roleName, "a role's name: write it without its ARN, such as rotd-member")(s)
}

func checkRegion(s string) error {
	return matching(regionName, "a Region: write for example eu-west-1")(s)
}

// oneOf accepts the known words.
func oneOf(what string, words []string) func(string) error {
	return func(s string) error {
		if slices.Contains(words, s) {
			return nil
		}
		if near := suggest.DidYouMean(s, words); near != "" {
			return fmt.Errorf("%q is not %s%s", shorten(s), what, near)
		}
		return fmt.Errorf("%q is not %s: write %s", shorten(s), what, enumerate(words))
	}
}

// arn is an Amazon resource name of any partition.
type arn struct{ partition, service, region, account, resource string }

func parseARN(s string) (arn, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[5] == "" || strings.ContainsFunc(s, unicode.IsSpace) {
		return arn{}, fmt.Errorf("%q is not an ARN: write arn:<partition>:<service>:<region>:<account>:<resource>",
			shorten(s))
	}
	a := arn{parts[1], parts[2], parts[3], parts[4], parts[5]}
	if !partition.MatchString(a.partition) {
		return arn{}, fmt.Errorf("%q is not an AWS partition: write aws, aws-cn, aws-us-gov …", shorten(a.partition))
	}
	return a, nil
}

func checkTopic(s string) error {
	a, err := parseARN(s)
	if err != nil {
		return err
	}
	if a.service != "sns" || !regionName.MatchString(a.region) || !accountID.MatchString(a.account) ||
		!topicName.MatchString(a.resource) {
		return fmt.Errorf("%q is not a topic's ARN: write arn:%s:sns:<region>:<account>:<name>",
			shorten(s), a.partition)
	}
	return nil
}

func checkRole(s string) error {
	a, err := parseARN(s)
	if err != nil {
		return err
	}
	if a.service != "iam" || a.region != "" || !accountID.MatchString(a.account) ||
		!strings.HasPrefix(a.resource, "role/") {
		return fmt.Errorf("%q is not a role's ARN: write arn:%s:iam::<account>:role/<name>", shorten(s), a.partition)
	}
	return nil
}

// checkPrincipal accepts patterns over principal ARNs that can match one: events name roles, never their sessions.
func checkPrincipal(s string) error {
	switch {
	case s == "" || strings.ContainsFunc(s, unicode.IsSpace):
		return fmt.Errorf("%q is not a principal: write for example arn:aws:iam::111122223333:role/pay-*", shorten(s))
	case strings.Contains(s, ":assumed-role/"):
		return errors.New("a session's ARN never matches, since its name is chosen by the caller: " +
			"write its role's ARN, arn:<partition>:iam::<account>:role/<path and name>")
	case strings.HasPrefix(s, "arn:"), strings.HasPrefix(s, "service:"), strings.HasPrefix(s, "account:"),
		strings.HasPrefix(s, "*"):
		return nil
	}
	return fmt.Errorf("%q is not a principal: write an ARN, service:<name> or account:<id>, with * and ? as wildcards",
		shorten(s))
}

// checkCaller accepts who may have a role: a user, a group, or a pattern over the ARNs of AWS identities.
func checkCaller(s string) error {
	if !strings.HasPrefix(s, "arn:") {
		return checkPeer(s)
	}
	a, err := parseARN(s)
	if err != nil {
		return err
	}
	user := a.service == "iam" && strings.HasPrefix(a.resource, "user/")
	session := a.service == "sts" && strings.HasPrefix(a.resource, "assumed-role/")
	if !user && !session || a.region != "" || !accountID.MatchString(a.account) {
		return fmt.Errorf("%q is no identity of one account: write arn:%s:iam::<account>:user/<name> or "+
			"arn:%s:sts::<account>:assumed-role/<role>/<session>, with * and ? as wildcards in the name", shorten(s),
			a.partition, a.partition)
	}
	return nil
}

// checkPeer accepts what a process on this machine can be known by.
func checkPeer(s string) error {
	if strings.HasPrefix(s, "arn:") {
		return errors.New("whoever only looks proves no AWS identity: write user:<name> or group:<name>")
	}
	return matching(peerName, "a user or group: write user:<name or uid> or group:<name or gid>")(s)
}

// checkKey accepts the ways to name a key.
func checkKey(s string) error {
	if keyID.MatchString(s) || aliasName.MatchString(s) {
		return nil
	}
	if a, err := parseARN(s); err == nil && a.service == "kms" && regionName.MatchString(a.region) &&
		accountID.MatchString(a.account) {
		id, isKey := strings.CutPrefix(a.resource, "key/")
		if isKey && keyID.MatchString(id) || aliasName.MatchString(a.resource) {
			return nil
		}
	}
	return fmt.Errorf("%q is not a key: write its id, ARN, alias/<name> or alias ARN", shorten(s))
}

func checkAliasPattern(s string) error {
	if !aliasGlob.MatchString(s) || !strings.HasPrefix(s, "alias/") && !strings.HasPrefix(s, "*") {
		return fmt.Errorf("%q is not a pattern over aliases: write for example alias/pay-*", shorten(s))
	}
	return nil
}

// checkKeyPattern accepts patterns that can fit one of a key's names.
func checkKeyPattern(s string) error {
	if !keyGlob.MatchString(s) {
		return fmt.Errorf("%q is not a pattern over keys: write an id, ARN, alias/<name> or alias ARN, "+
			"with * and ? as wildcards", shorten(s))
	}
	return nil
}

func checkOrgPath(s string) error {
	return matching(orgGlob, "a pattern over organization paths: write for example o-a1b2c3d4e5/r-ab12/ou-ab12-*")(s)
}

func checkQueueURL(s string) error {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.RawQuery == "" && u.User == nil {
		segments := strings.Split(strings.Trim(u.Path, "/"), "/")
		n := len(segments)
		if n >= 2 && accountID.MatchString(segments[n-2]) && queueName.MatchString(segments[n-1]) {
			return nil
		}
	}
	return fmt.Errorf("%q is not a queue's URL: write https://sqs.<region>.amazonaws.com/<account>/<name>", shorten(s))
}

func checkSender(s string) error {
	if s == "" || len(s) > 256 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%q is not an SQS SenderId: write it as SQS shows it, such as AIDAEXAMPLEID", shorten(s))
	}
	return nil
}

// checkNetwork accepts networks written as such and VPC endpoints.
func checkNetwork(s string) error {
	if vpceID.MatchString(s) {
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err == nil {
		err := policy.CheckMapped(prefix)
		if err == nil && prefix != prefix.Masked() {
			err = fmt.Errorf("%s has bits set beyond its prefix: write %s", s, prefix.Masked())
		}
		return err
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return fmt.Errorf("%s is one address: write %s/%d", s, addr, addr.BitLen())
	}
	return fmt.Errorf("%q is neither a network nor a VPC endpoint: write for example 10.0.0.0/8 or vpce-0abc",
		shorten(s))
}

func checkAbsolute(s string) error {
	if !filepath.IsAbs(s) || strings.ContainsFunc(s, unicode.IsControl) || filepath.Clean(s) == "/" {
		return fmt.Errorf("%q is not an absolute path to a file", shorten(s))
	}
	return nil
}

// checkSocket also knows how long Linux lets a socket's path be.
func checkSocket(s string) error {
	if err := checkAbsolute(s); err != nil {
		return err
	}
	const most = 107
	if len(s) > most {
		return fmt.Errorf("%d bytes are too long for a unix socket: write a path of at most %d", len(s), most)
	}
	return nil
}

func checkListen(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		if _, err = strconv.ParseUint(port, 10, 16); err == nil {
			if _, err = netip.ParseAddr(host); err == nil || host == "localhost" {
				return nil
			}
		}
	}
	return fmt.Errorf("%q is not an address to listen on: write <IP address>:<port>, such as 127.0.0.1:9464",
		shorten(s))
}

func checkTagKey(s string) error {
	if s == "" || len(s) > 512 || strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%q is not a tag key: 1 to 128 characters, no control characters", shorten(s))
	}
	return nil
}

// checkSaid wants a line that says something.
func checkSaid(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("is empty: say it in a line")
	}
	return checkLine(s)
}

func checkLine(s string) error {
	if len(s) > 512 || strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("want one line of at most 512 bytes")
	}
	return nil
}
