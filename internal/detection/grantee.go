package detection

import (
	"slices"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
)

// grantee is whom a grant lets use a key.
type grantee struct {
	kind    granteeKind
	text    string // as the record has it
	account string // 12 digits; empty where the text names none
}

type granteeKind int

const (
	toUnplaced granteeKind = iota // text that names nobody rotd can place
	toService                     // an AWS service, an instance's volumes, a linked role
	toRole                        // a role or a session of one
	toPerson                      // a user, a federated user, or somebody signed in through IAM Identity Center
	toAccount                     // an account as a whole
)

// granteeOf reads whom a CreateGrant lets in; ok is false when the record does not say.
func granteeOf(ev *events.Event) (g grantee, ok bool) {
	if name := ev.RequestString("granteeServicePrincipal"); name != "" {
		return grantee{kind: toService, text: name}, true
	}
	text := ev.RequestString("granteePrincipal")
	return placed(text), text != ""
}

// placed says who a grantee principal is: an ARN, an account id, a service's name, or the identity that EC2 gives an
// instance's volumes (111122223333:aws:ec2-infrastructure:i-…). The name of a session, which its caller chooses, counts
// for nothing.
func placed(text string) grantee {
	g := grantee{text: text}
	id, rest, _ := strings.Cut(text, ":")
	switch {
	case strings.HasPrefix(text, "arn:"):
		g.account = arnPart(text, arnAccount)
		g.kind = kindOf(arnPart(text, arnService), arnPart(text, arnResource))
		if !isAccount(g.account) {
			g.account, g.kind = "", toUnplaced
		}
	case isAccount(text):
		g.account, g.kind = text, toAccount
	case isAccount(id) && strings.HasPrefix(rest, "aws:"):
		g.account, g.kind = id, toService
	case strings.HasSuffix(text, ".amazonaws.com"), strings.HasSuffix(text, ".amazonaws.com.cn"):
		g.kind = toService
	case strings.HasPrefix(text, "AIDA"):
		g.kind = toPerson
	}
	return g
}

// kindOf says what the resource of an ARN is. Nobody but AWS makes roles under aws-service-role/ and aws-reserved/.
func kindOf(of, resource string) granteeKind {
	kind, name, _ := strings.Cut(resource, "/")
	switch {
	case of == "iam" && resource == "root":
		return toAccount
	case of == "iam" && kind == "role" && strings.HasPrefix(name, "aws-service-role/"):
		return toService
	case of == "iam" && kind == "role" && strings.HasPrefix(name, "aws-reserved/sso.amazonaws.com/"),
		of == "sts" && kind == "assumed-role" && strings.HasPrefix(name, "AWSReservedSSO_"),
		of == "sts" && kind == "federated-user", of == "iam" && kind == "user":
		return toPerson
	case of == "iam" && kind == "role", of == "sts" && kind == "assumed-role":
		return toRole
	}
	return toUnplaced
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// id is what a finding about the grantee is told apart by: an account is the same by its number and by its root's ARN.
func (g *grantee) id() string {
	if g.kind == toAccount {
		return g.account
	}
	return g.text
}

// foreign reports whether the grantee belongs to an account that is neither trusted nor the key's. Most are, and then
// no key is looked up.
func (c *Context) foreign(g *grantee, ev *events.Event) bool {
	if g.account == "" || c.Trusted != nil && c.Trusted(g.account) {
		return false
	}
	key := c.target(ev)
	return g.account != key.account
}

// ofService reports whether the grantee is an AWS service, at work for an account of ours where it works for one.
func (c *Context) ofService(g *grantee, ev *events.Event) bool {
	return g.kind == toService && !c.foreign(g, ev)
}

// operationsOf are what the grant allows, in the record's order.
func operationsOf(ev *events.Event) []string { return ev.RequestStrings("operations") }

// grantRemedy is how to look at a key's grants and revoke the one an event made.
func grantRemedy(t *target, ev *events.Event, first string) []string {
	id := ev.ResponseElements.Get("grantId").Text()
	if id == "" {
		id = "GRANT-ID"
	}
	return []string{
		first,
		t.cli("revoke-grant", "grant-id", id),
		"See all grants of the key; what was done with them is in its history:",
		t.cli("list-grants"),
		t.history(),
	}
}

// grantGone asks whether the grants of a key, all of them listed since, have none like the one a rule's finding tells
// of; the fingerprint says to whom that was.
func grantGone(ruleID string, f *finding.Finding, key *inventory.Key, like func(*inventory.Grant) bool) bool {
	grants := key.Grants
	read := grants != nil && grants.ReadAt.After(f.LastSeen) && !key.WasDenied("ListGrants")
	if !read || grants.Count > len(grants.List) {
		return false
	}
	return !slices.ContainsFunc(grants.List, func(one inventory.Grant) bool {
		to := placed(one.Grantee)
		return like(&one) && f.Fingerprint == finding.Fingerprint(ruleID, f.Subject, "", to.id())
	})
}
