package events

import "strings"

// kmsSource is the eventSource of KMS's records.
const kmsSource = "kms.amazonaws.com"

// resolveKeys fills Key, TargetKey and Alias from what the record says, in the order that is most to be trusted:
// resources, then the answer, then the request. A refused call may name no key at all.
func (e *Event) resolveKeys() {
	source, target := e.resourceKeys()
	e.Key, e.TargetKey = KeyRef{ARN: source}, KeyRef{}
	if e.EventSource != kmsSource {
		return
	}
	e.Alias = e.aliasName()
	if e.Key.IsZero() {
		e.Key = e.namedKey()
	}
	switch e.EventName {
	case "ReEncrypt":
		e.TargetKey = e.target(target, "destinationKeyId")
	case "UpdateAlias":
		e.TargetKey = e.target(source, "targetKeyId")
	}
}

// resourceKeys is the first two key ARNs among the resources. Aliases stand there too, typed as keys.
func (e *Event) resourceKeys() (first, second string) {
	for _, r := range e.Resources {
		switch {
		case !isKeyARN(r.ARN):
		case first == "":
			first = r.ARN
		default:
			return first, r.ARN
		}
	}
	return first, ""
}

// namedKey is the key the answer, the request or the service event's details name.
func (e *Event) namedKey() KeyRef {
	if ref := e.keyRef(e.ResponseElements.Get("keyId").Text()); !ref.IsZero() {
		return ref
	}
	for _, name := range [...]string{"keyId", "targetKeyId", "sourceKeyId", "destinationKeyId"} {
		if ref := e.keyRef(e.RequestString(name)); !ref.IsZero() {
			return ref
		}
	}
	return e.keyRef(e.ServiceEventDetails.Get("keyId").Text())
}

// target is the second key of a call: the resource that stands for it, else what the request names.
func (e *Event) target(resource, parameter string) KeyRef {
	named := e.keyRef(e.RequestString(parameter))
	if resource == "" || isKeyARN(named.ARN) && e.hasResource(named.ARN) {
		return named
	}
	return KeyRef{ARN: resource}
}

func (e *Event) hasResource(arn string) bool {
	for _, r := range e.Resources {
		if r.ARN == arn {
			return true
		}
	}
	return false
}

// keyRef turns a key id, key ARN, alias or alias ARN into a KeyRef. A bare key id is always one of the caller's own
// account and Region, since KMS takes nothing but an ARN for another's.
func (e *Event) keyRef(name string) KeyRef {
	switch {
	case name == "":
		return KeyRef{}
	case isKeyARN(name):
		return KeyRef{ARN: name}
	case strings.ContainsAny(name, ":/ ") || e.AWSRegion == "":
		return KeyRef{Name: name}
	}
	account := e.UserIdentity.AccountID
	if account == "" {
		account = e.RecipientAccountID
	}
	if account == "" {
		return KeyRef{Name: name}
	}
	return KeyRef{ARN: "arn:" + Partition(e.AWSRegion) + ":kms:" + e.AWSRegion + ":" + account + ":key/" + name}
}

// aliasName is the alias a record names, as `alias/…`.
func (e *Event) aliasName() string {
	for _, parameter := range [...]string{"aliasName", "keyId"} {
		if name := aliasOf(e.RequestString(parameter)); name != "" {
			return name
		}
	}
	for _, r := range e.Resources {
		if name := aliasOf(r.ARN); name != "" {
			return name
		}
	}
	return ""
}

func aliasOf(name string) string {
	if strings.HasPrefix(name, "arn:") {
		if i := strings.Index(name, ":alias/"); i >= 0 {
			return name[i+1:]
		}
	}
	if strings.HasPrefix(name, "alias/") {
		return name
	}
	return ""
}

func isKeyARN(name string) bool {
	return strings.HasPrefix(name, "arn:") && strings.Contains(name, ":kms:") && strings.Contains(name, ":key/")
}

// Partition is the AWS partition a Region belongs to, for records that give a key's id but no ARN.
func Partition(region string) string {
	for _, p := range [...]struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"eusc-", "aws-eusc"},
		{"us-iso-", "aws-iso"},
		{"us-isob-", "aws-iso-b"},
		{"eu-isoe-", "aws-iso-e"},
		{"us-isof-", "aws-iso-f"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}
