package impact

import (
	"slices"
	"strings"

	"rotd/internal/usage"
)

// maxValue bounds a resource's name: the longest that AWS has is shorter, but for some parameters'.
const maxValue = 900

// owner is the row that a name in encryption contexts belongs to.
type owner struct {
	row    int
	prefix []string
}

var owners = ownersOf(services)

func ownersOf(all []service) map[string]owner {
	byName := make(map[string]owner)
	for row := range all {
		for _, c := range all[row].contexts {
			byName[c.name] = owner{row, c.prefix}
		}
	}
	return byName
}

// Identifier finds the resource that an encryption context names. The zero value has seen nothing yet. What it takes is
// only what a resource of AWS can be called: the rest was made up, and never gets into what rotd prints.
type Identifier struct {
	name, value string
	row         int
}

// Add looks at a pair of the context.
func (i *Identifier) Add(name, value string) {
	o, ok := owners[name]
	if !ok || i.name != "" && (o.row > i.row || o.row == i.row && name > i.name) {
		return
	}
	if bucket, _, ok := strings.Cut(value, "/"); ok && name == "aws:s3:arn" {
		value = bucket // of an object only the bucket is kept
	}
	if isName(value) && (len(o.prefix) == 0 || slices.ContainsFunc(o.prefix, func(p string) bool {
		return strings.HasPrefix(value, p)
	})) {
		i.name, i.value, i.row = name, value, o.row
	}
}

// Resource is what the context names, as usage keeps it, "" when it names nothing; vouched says that the calling
// service (invokedBy, or where the call came from) is the one whose resource it is.
func (i *Identifier) Resource(calling string) (resource string, vouched bool) {
	if i.name == "" {
		return "", false
	}
	s := services[i.row]
	vouched = calling == awsInternal && !s.named || slices.Contains(s.principals, label(calling))
	return usage.Resource(i.name, i.value), vouched
}

// isName reports whether s is made of what AWS's resources are called by.
func isName(s string) bool {
	return s != "" && len(s) <= maxValue && s[0] != '-' &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isNameRune(r) })
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=,.@:/_-#", r)
}

// awsInternal is what CloudTrail calls a service that it does not name.
const awsInternal = "AWS Internal"

// label is a service principal up to its first dot: `dynamodb` of dynamodb.us-east-1.amazonaws.com; "" of all else.
func label(principal string) string {
	first, rest, ok := strings.Cut(principal, ".")
	if !ok || !strings.HasSuffix(rest, "amazonaws.com") && !strings.HasSuffix(rest, "amazonaws.com.cn") {
		return ""
	}
	return first
}

// serviceOf is the row of a principal: a service principal, `service:` and one, a service-linked role, or what EC2
// grants its instances.
func serviceOf(principal string) (s service, ok bool) {
	name := servicePrincipal(principal)
	i := slices.IndexFunc(services, func(s service) bool { return slices.Contains(s.principals, label(name)) })
	if i < 0 {
		return s, false
	}
	return services[i], true
}

// servicePrincipal is the service principal that a principal is or stands for; "" for one that is no service's.
func servicePrincipal(principal string) string {
	name := strings.TrimPrefix(principal, "service:")
	if label(name) != "" || name == awsInternal {
		return name
	}
	if _, role, ok := strings.Cut(name, ":role/aws-service-role/"); ok {
		name, _, _ = strings.Cut(role, "/")
		return name
	}
	if strings.Contains(name, ":role/aws:ec2-infrastructure") ||
		strings.Contains(name, ":assumed-role/aws:ec2-infrastructure/") {
		return "ec2.amazonaws.com"
	}
	return ""
}
