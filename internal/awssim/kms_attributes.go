package awssim

import (
	"maps"
	"slices"
	"strings"
)

const (
	maxTags       = 50        // of one key
	maxPolicySize = 32 * 1024 // bytes
)

type kmsTag struct{ TagKey, TagValue string }

type tagResourceInput struct {
	keyInput
	Tags []kmsTag
}

func (k *KMS) tagResource(c *kmsCall, in tagResourceInput) (any, error) {
	return k.change(c, in.KeyID, func(key *KMSKey) (err error) {
		key.Tags, err = withTags(key.Tags, in.Tags)
		return err
	})
}

type untagResourceInput struct {
	keyInput
	TagKeys []string
}

func (k *KMS) untagResource(c *kmsCall, in untagResourceInput) (any, error) {
	return k.change(c, in.KeyID, func(key *KMSKey) error {
		for _, tag := range in.TagKeys {
			delete(key.Tags, tag)
		}
		return nil
	})
}

type putKeyPolicyInput struct {
	keyInput
	Policy, PolicyName             string
	BypassPolicyLockoutSafetyCheck bool
}

func (k *KMS) putKeyPolicy(c *kmsCall, in putKeyPolicyInput) (any, error) {
	return k.change(c, in.KeyID, func(key *KMSKey) error {
		key.Policy = in.Policy
		return checkPolicy(c.Principal, in.Policy, in.BypassPolicyLockoutSafetyCheck)
	})
}

// change applies one change to a key, in any state but those that end in its deletion.
func (k *KMS) change(c *kmsCall, ref string, apply func(*KMSKey) error) (any, error) {
	key, err := k.key(c, ref, ownKey)
	if err != nil {
		return nil, err
	}
	if err := key.manageable(); err != nil {
		return nil, err
	}
	next := key.clone()
	if err := apply(next); err != nil {
		return nil, err
	}
	k.store(next, c.now)
	c.changed(next)
	return nil, nil
}

type getKeyPolicyInput struct {
	keyInput
	PolicyName string
}

func (k *KMS) getKeyPolicy(c *kmsCall, in getKeyPolicyInput) (any, error) {
	key, err := k.readKey(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if in.PolicyName != "" && in.PolicyName != "default" {
		return nil, apiErrorf("NotFoundException", 0, "No such policy exists")
	}
	return fields{"Policy": key.Policy, "PolicyName": "default"}, nil
}

type listResourceTagsInput struct {
	keyInput
	pageInput
}

func (k *KMS) listResourceTags(c *kmsCall, in listResourceTagsInput) (any, error) {
	key, err := k.readKey(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	size, err := in.size(50, 50)
	if err != nil {
		return nil, err
	}
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	items := slices.DeleteFunc(tagList(key.Tags), func(tag fields) bool {
		name, _ := tag["TagKey"].(string)
		return name <= after && after != ""
	})
	more := len(items) > size
	items = items[:min(size, len(items))]
	if len(items) > 0 {
		after, _ = items[len(items)-1]["TagKey"].(string)
	}
	return paged("Tags", items, more, after), nil
}

// tagList is a key's tags as KMS lists them, sorted by name.
func tagList(tags map[string]string) []fields {
	list := make([]fields, 0, len(tags))
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, fields{"TagKey": name, "TagValue": tags[name]})
	}
	return list
}

// withTags is the tags with others added or replaced.
func withTags(tags map[string]string, added []kmsTag) (map[string]string, error) {
	out := maps.Clone(tags)
	if out == nil {
		out = map[string]string{}
	}
	named := map[string]bool{}
	for _, t := range added {
		switch {
		case t.TagKey == "" || len(t.TagKey) > 128 || len(t.TagValue) > 256:
			return nil, apiErrorf("TagException", 0, "Tag key or value has the wrong length")
		case strings.HasPrefix(strings.ToLower(t.TagKey), "aws:"):
			return nil, apiErrorf("TagException", 0, "Tag keys must not start with aws:")
		case named[t.TagKey]:
			return nil, apiErrorf("TagException", 0, "Duplicate tag keys")
		}
		named[t.TagKey] = true
		out[t.TagKey] = t.TagValue
	}
	if len(out) > maxTags {
		return nil, apiErrorf("LimitExceededException", 0, "A key can have at most %d tags", maxTags)
	}
	return out, nil
}

// checkPolicy refuses a document that is no key policy, or that would lock out who puts it unless that is meant.
func checkPolicy(p *Principal, policy string, bypass bool) error {
	document := parsePolicy(policy)
	switch {
	case len(policy) > maxPolicySize:
		return apiErrorf("LimitExceededException", 0, "The key policy is longer than %d bytes", maxPolicySize)
	case document == nil:
		return apiErrorf("MalformedPolicyDocumentException", 0, "The policy document is not valid")
	case !bypass && !document.allows(p, "kms:PutKeyPolicy"):
		return apiErrorf("MalformedPolicyDocumentException", 0,
			"The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}
