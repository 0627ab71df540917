package awssim

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const maxAliases = 50 // of one key

var aliasPattern = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

// kmsAlias is one version of an alias, never changed once stored.
type kmsAlias struct {
	account, region, name string
	target                string // key id
	created, updated      time.Time
}

func (a *kmsAlias) arn() string { return aliasARN(a.region, a.account, a.name) }

type aliasInput struct {
	AliasName   string
	TargetKeyID string `json:"TargetKeyId"`
}

func (k *KMS) createAlias(c *kmsCall, in aliasInput) (any, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	c.Params = map[string]any{"AliasName": in.AliasName}
	key, err := k.key(c, in.TargetKeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if err := key.manageable(); err != nil {
		return nil, err
	}
	a := &kmsAlias{c.account(), c.Region, in.AliasName, key.ID, c.now, c.now}
	c.about(a.arn())
	switch {
	case !c.permits(c.Action, a.arn()):
		return nil, unpermitted(c.call, c.Action, a.arn())
	case k.alias(a.arn()) != nil:
		return nil, apiErrorf("AlreadyExistsException", 0, "An alias with the name %s already exists", a.arn())
	case len(k.aliasesOf(key)) >= maxAliases:
		return nil, apiErrorf("LimitExceededException", 0, "%s has its %d aliases already", key.ARN, maxAliases)
	}
	k.storeAlias(a, c.now)
	c.changed(key)
	return nil, nil
}

// updateAlias may leave a key that is pending deletion, but not go to one.
func (k *KMS) updateAlias(c *kmsCall, in aliasInput) (any, error) {
	arn, old, err := k.aliasInUse(c, in.AliasName)
	if err != nil {
		return nil, err
	}
	c.about(arn)
	key, err := k.key(c, in.TargetKeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if err := key.manageable(); err != nil {
		return nil, err
	}
	if from := k.latest(keyARN(c.Region, c.account(), old.target)); from != nil {
		if err := k.authorize(c, from, "kms:UpdateAlias"); err != nil {
			return nil, err
		}
		if from.Usage != key.Usage || kindOf(from.Spec) != kindOf(key.Spec) {
			return nil, apiErrorf("ValidationException", 0,
				"Alias %s cannot move from %s to %s: they are of different key types or usages", arn, from.ARN, key.ARN)
		}
	}
	k.storeAlias(&kmsAlias{old.account, old.region, old.name, key.ID, old.created, c.now}, c.now)
	c.changed(key)
	return nil, nil
}

func (k *KMS) deleteAlias(c *kmsCall, in aliasInput) (any, error) {
	arn, old, err := k.aliasInUse(c, in.AliasName)
	if err != nil {
		return nil, err
	}
	c.about(arn)
	key, err := k.key(c, old.target, ownKey)
	if err != nil {
		return nil, err
	}
	k.dropAlias(old.account, old.region, old.name, c.now)
	c.changed(key)
	return nil, nil
}

type listAliasesInput struct {
	keyInput
	pageInput
}

func (k *KMS) listAliases(c *kmsCall, in listAliasesInput) (any, error) {
	if err := k.authorizeAny(c); err != nil {
		return nil, err
	}
	size, err := in.size(50, 100)
	if err != nil {
		return nil, err
	}
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	only := ""
	if in.KeyID != "" {
		key, err := k.readKey(c, in.KeyID, ownKey)
		if err != nil {
			return nil, err
		}
		only = key.ID
	}
	seen := c.now.Add(-k.opts.StaleFor)
	shown := func(name string) *kmsAlias {
		return k.aliases[aliasARN(c.Region, c.account(), name)].seenAt(seen)
	}
	names, more := k.index(k.aliasIDs, c.account(), c.Region).page(after, size, func(name string) bool {
		a := shown(name)
		return a != nil && (only == "" || a.target == only)
	})
	items := make([]fields, len(names))
	for i, name := range names {
		a := shown(name)
		items[i] = fields{
			"AliasName": name, "AliasArn": a.arn(), "TargetKeyId": a.target, "CreationDate": a.created,
			"LastUpdatedDate": a.updated,
		}
		after = name
	}
	return wire(paged("Aliases", items, more, after)), nil
}

func checkAliasName(name string) error {
	if !aliasPattern.MatchString(name) || strings.HasPrefix(name, "alias/aws/") {
		return apiErrorf("InvalidAliasNameException", 0, "Alias name %q is not valid", name)
	}
	return nil
}

// aliasInUse is the alias a call wants to change. k.mu is held.
func (k *KMS) aliasInUse(c *kmsCall, name string) (arn string, a *kmsAlias, err error) {
	if err := checkAliasName(name); err != nil {
		return "", nil, err
	}
	c.Params = map[string]any{"AliasName": name}
	arn = aliasARN(c.Region, c.account(), name)
	if !c.permits(c.Action, arn) {
		return "", nil, unpermitted(c.call, c.Action, arn)
	}
	if a = k.alias(arn); a == nil {
		return "", nil, apiErrorf("NotFoundException", 0, "Alias %s is not found.", arn)
	}
	return arn, a, nil
}

func (k *KMS) alias(arn string) *kmsAlias {
	if h := k.aliases[arn]; h != nil {
		return h.latest()
	}
	return nil
}

func (k *KMS) storeAlias(a *kmsAlias, since time.Time) {
	h := k.aliases[a.arn()]
	if h == nil {
		h = &history[*kmsAlias]{}
		k.aliases[a.arn()] = h
	}
	if h.latest() == nil {
		k.index(k.aliasIDs, a.account, a.region).add(a.name)
	}
	h.put(since, since.Add(-k.opts.StaleFor), a)
}

func (k *KMS) dropAlias(account, region, name string, since time.Time) {
	k.aliases[aliasARN(region, account, name)].put(since, since.Add(-k.opts.StaleFor), nil)
	k.index(k.aliasIDs, account, region).remove(name)
}

// aliasesOf are the names of a key's aliases, sorted.
func (k *KMS) aliasesOf(key *KMSKey) (of []string) {
	for _, name := range k.index(k.aliasIDs, key.Account, key.Region).list {
		if a := k.alias(aliasARN(key.Region, key.Account, name)); a != nil && a.target == key.ID {
			of = append(of, name)
		}
	}
	slices.Sort(of)
	return of
}

// kindOf is what an alias's old and new key must have in common.
func kindOf(spec types.KeySpec) string {
	switch {
	case spec == types.KeySpecSymmetricDefault:
		return "symmetric"
	case strings.HasPrefix(string(spec), "HMAC_"):
		return "HMAC"
	default:
		return "asymmetric"
	}
}
