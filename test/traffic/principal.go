package traffic

import (
	"strings"
	"time"
)

// role is an IAM role; or an IAM user, an AWS service or root, which are principals as well.
type role struct {
	kind    string // AssumedRole, IAMUser, AWSService, Root
	account string
	path    string // of the role, / at the end
	name    string // of an AWS service: secretsmanager.amazonaws.com
	id      string // AROA…, AIDA…
	origin  string // where its sessions live, of which CloudTrail tells: ofInstance, a function's ARN; "": elsewhere
}

func (r *role) arn() string {
	switch r.kind {
	case "IAMUser":
		return "arn:aws:iam::" + r.account + ":user/" + r.name
	case "Root":
		return "arn:aws:iam::" + r.account + ":root"
	}
	return "arn:aws:iam::" + r.account + ":role" + r.path + r.name
}

// session is a set of credentials, with its identity as CloudTrail writes it.
type session struct {
	role     *role
	name     string
	arn      string
	until    int64  // Unix time in ms; the next one has another access key
	identity string // userIdentity up to the place of invokedBy and the closing brace
	outside  string // userIdentity in the trail of another account
}

// newSession makes a session of a role; made is when, in Unix ms.
func (d *dice) newSession(r *role, name string, made int64, life time.Duration, mfa bool) *session {
	x := &session{role: r, name: name, until: made + millis(life)}
	access := d.text("ASIA", upperDigits, 16)
	f := make(fields, 0, 900)
	if r.kind == "AWSService" {
		f.str("type", r.kind)
		x.identity = "{" + string(f)
		return x
	}
	issued := time.UnixMilli(made).UTC().Format(time.RFC3339)
	principal := r.id
	x.arn = r.arn()
	if r.kind == "AssumedRole" {
		principal += ":" + name
		x.arn = "arn:aws:sts::" + r.account + ":assumed-role/" + r.name + "/" + name
	}
	f.str("type", r.kind)
	f.str("principalId", principal)
	f.str("arn", x.arn)
	f.str("accountId", r.account)
	switch r.kind {
	case "AssumedRole":
		f.str("accessKeyId", access)
	case "IAMUser":
		// A user's long-lived key stays the same: it hangs on the user alone.
		long := dice{}.fork(r.id)
		f.str("accessKeyId", long.text("AKIA", upperDigits, 16))
		f.str("userName", r.name)
	case "Root":
		f.str("accessKeyId", access)
	}
	if r.kind != "IAMUser" {
		f.open("sessionContext")
		if r.kind == "AssumedRole" {
			f.open("sessionIssuer")
			f.str("type", "Role")
			f.str("principalId", r.id)
			f.str("arn", r.arn())
			f.str("accountId", r.account)
			f.str("userName", r.name)
			f.shut()
		}
		f.open("attributes")
		f.str("creationDate", issued)
		f.str("mfaAuthenticated", map[bool]string{true: "true", false: "false"}[mfa])
		f.shut()
		if r.origin == ofInstance {
			f.str("ec2RoleDelivery", "2.0")
		}
		f.shut()
	}
	if r.origin != "" && r.origin != ofInstance {
		f.open("inScopeOf")
		f.str("issuerType", "AWS::Lambda::Function")
		f.str("credentialsIssuedTo", r.origin)
		f.shut()
	}
	x.identity = "{" + string(f)

	var out fields
	out.str("type", "AWSAccount")
	out.str("principalId", principal)
	out.str("accountId", r.account)
	x.outside = out.whole()
	return x
}

// Where an application runs; the third is a container.
const (
	ofInstance = "instance"
	ofFunction = "function"
)

// serviceSession is the session of an AWS service that calls by itself.
func serviceSession(name string) *session {
	d := dice{}
	return d.newSession(&role{kind: "AWSService", name: name + ".amazonaws.com"}, "", 0, time.Hour, false)
}

// infrastructure is EC2 attaching volumes to an instance: a role that no account has, whose access key is empty.
func infrastructure(account, instance string, made int64) *session {
	const name = "aws:ec2-infrastructure"
	var f fields
	id := account + ":" + name
	arn := "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + instance
	f.str("type", "AssumedRole")
	f.str("principalId", id, ":", instance)
	f.str("arn", arn)
	f.str("accountId", account)
	f.str("accessKeyId", "")
	f.open("sessionContext")
	f.open("sessionIssuer")
	f.str("type", "Role")
	f.str("principalId", id)
	f.str("arn", "arn:aws:iam::", account, ":role/", name)
	f.str("accountId", account)
	f.str("userName", name)
	f.shut()
	f.open("attributes")
	f.str("creationDate", time.UnixMilli(made).UTC().Format(time.RFC3339))
	f.str("mfaAuthenticated", "false")
	f.shut()
	f.shut()
	return &session{
		role: &role{kind: "AssumedRole", account: account, path: "/", name: name, id: id},
		name: instance, arn: arn, identity: "{" + string(f),
	}
}

// endpoint is where a call comes from, as KMS sees it.
type endpoint struct {
	ip      string // or a service's name, or AWS Internal
	agent   string
	vpce    string
	console bool
}

const awsInternal = "AWS Internal"

// through is a call that a service makes in its caller's name.
func through(service string) endpoint { return endpoint{ip: service, agent: service} }

// direct says whether the caller spoke to KMS itself, over a connection of its own.
func (e endpoint) direct() bool {
	return e.ip != awsInternal && !strings.HasSuffix(e.ip, ".amazonaws.com")
}
