package awssts

import (
	"strings"

	"rotd/internal/pattern"
)

// reserved is the role that IAM Identity Center makes for a permission set, and the session that it gives a user.
var reserved = pattern.New(`^arn:[a-z-]+:sts::\d{12}:assumed-role/AWSReservedSSO_[\w+=,.@-]+_[0-9a-f]{16}/(.+)$`)

// Person tells which person an identity is: two sessions of one role are one person when one person has them, and two
// when two have. Its word is the same for one person every time. ok is false for what is nobody in particular: a role
// that anybody may have assumed under any name, an account's root, a federated user. Who stands behind a role's
// session (its SourceIdentity) STS does not tell.
func (id *Identity) Person() (word string, ok bool) {
	if strings.HasPrefix(id.UserID, "AIDA") && strings.Contains(id.ARN, ":iam::"+id.Account+":user/") {
		return "aws-user:" + id.UserID, true
	}
	if session := reserved.FindStringSubmatch(id.ARN); session != nil {
		return "aws-sso:" + strings.ToLower(session[1]), true // user names differ by more than case
	}
	return "", false
}
