package replay

import (
	"slices"
	"strings"
	"time"

	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// maxKeys bounds the keys an archive can make known.
const maxKeys = 200_000

// known is the inventory as the archive itself tells it, up to the event that is being judged: which keys there are,
// what their aliases and policies were, whether they were enabled, when they were last used.
type known struct {
	policies policy.Set
	keys     map[string]*inventory.Key // by ARN
	aliases  map[string]string         // account/region/alias → ARN
	uses     map[string]time.Time      // by ARN
}

func newKnown(policies policy.Set) *known {
	return &known{
		policies: policies, keys: make(map[string]*inventory.Key), aliases: make(map[string]string),
		uses: make(map[string]time.Time),
	}
}

// add makes a key known beforehand.
func (k *known) add(key *inventory.Key) {
	k.keys[key.ARN] = key
	for _, alias := range key.Aliases {
		k.aliases[key.Account+"/"+key.Region+"/"+alias] = key.ARN
	}
}

// Key returns the key a record means; nil when the archive has not told of it.
func (k *known) Key(ref events.KeyRef, account, region string) *inventory.Key {
	switch {
	case ref.ARN != "":
		return k.keys[ref.ARN]
	case strings.HasPrefix(ref.Name, "arn:"):
		parts := strings.SplitN(ref.Name, ":", 6)
		if len(parts) != 6 {
			return nil
		}
		return k.AliasTarget(parts[5], parts[4], parts[3])
	}
	return k.AliasTarget(ref.Name, account, region)
}

// AliasTarget returns the key an alias pointed at; nil when the archive has not told.
func (k *known) AliasTarget(alias, account, region string) *inventory.Key {
	return k.keys[k.aliases[account+"/"+region+"/"+alias]]
}

// Policy returns the rotation policy of a key; nil when none matches or the key is not known.
func (k *known) Policy(key *inventory.Key) *policy.Policy {
	if key == nil {
		return nil
	}
	return k.policies.For(key)
}

// LastUse is when a key was last seen used; zero when it never was.
func (k *known) LastUse(arn string) time.Time { return k.uses[arn] }

// learn takes from an event that was judged what the next one may need to know. Keys are replaced, never written to:
// a finding may still point at what was known before.
func (k *known) learn(ev *events.Event) {
	if ev.EventSource != kmsSource || ev.Failed() {
		return
	}
	for _, ref := range []events.KeyRef{ev.Key, ev.TargetKey} {
		if ref.ARN != "" {
			k.change(ref.ARN, ev, func(key *inventory.Key) { k.apply(key, ev, ref.ARN == ev.TargetKey.ARN) })
		}
	}
}

// change replaces what is known of a key.
func (k *known) change(arn string, ev *events.Event, apply func(*inventory.Key)) {
	before := k.keys[arn]
	if before == nil && len(k.keys) == maxKeys {
		return
	}
	key := inventory.Key{FirstRead: ev.EventTime}
	if before != nil {
		key = *before
	} else {
		parts := strings.SplitN(strings.Clone(arn), ":", 6)
		if len(parts) != 6 {
			return
		}
		key.ARN, key.Partition, key.Region, key.Account = strings.Clone(arn), parts[1], parts[3], parts[4]
		key.ID = strings.TrimPrefix(parts[5], "key/")
	}
	apply(&key)
	k.keys[key.ARN] = &key
}

// apply brings a key up to what a successful call made of it.
func (k *known) apply(key *inventory.Key, ev *events.Event, isTarget bool) {
	key.ReadAt = ev.EventTime
	switch ev.EventName {
	case "CreateKey":
		key.Created, key.State, key.Manager = ev.EventTime, "Enabled", "CUSTOMER"
	case "EnableKey":
		key.State = "Enabled"
	case "DisableKey", "CancelKeyDeletion":
		key.State = "Disabled"
	case "ScheduleKeyDeletion":
		key.State = "PendingDeletion"
	case "DeleteKey":
		gone := ev.EventTime
		key.GoneAt = &gone
	case "CreateAlias", "UpdateAlias":
		if ev.EventName == "CreateAlias" || isTarget {
			k.point(strings.Clone(ev.Alias), key, ev)
		}
	case "DeleteAlias":
		delete(k.aliases, ev.RecipientAccountID+"/"+ev.AWSRegion+"/"+ev.Alias)
		key.Aliases = without(key.Aliases, ev.Alias)
	case "PutKeyPolicy":
	default:
		if isUse(ev.EventName) {
			key.State = "Enabled" // or it would have failed
			k.uses[key.ARN] = latest(k.uses[key.ARN], ev.EventTime)
		}
	}
	if text := ev.PolicyText(); text != "" {
		key.Policy, key.FullAt = strings.Clone(text), ev.EventTime
	}
}

// point moves an alias to a key, away from whichever had it.
func (k *known) point(alias string, key *inventory.Key, ev *events.Event) {
	if alias == "" {
		return
	}
	name := ev.RecipientAccountID + "/" + ev.AWSRegion + "/" + alias
	if former := k.keys[k.aliases[name]]; former != nil && former.ARN != key.ARN {
		changed := *former
		changed.Aliases = without(changed.Aliases, alias)
		k.keys[changed.ARN] = &changed
	}
	k.aliases[name] = key.ARN
	if !slices.Contains(key.Aliases, alias) {
		key.Aliases = append(slices.Clone(key.Aliases), alias)
		slices.Sort(key.Aliases)
	}
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// isUse reports whether a KMS operation uses a key on data.
func isUse(name string) bool {
	switch name {
	case "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "ReEncrypt", "Sign", "Verify", "GenerateMac", "VerifyMac",
		"DeriveSharedSecret", "Encapsulate", "Decapsulate":
		return true
	}
	return false
}
