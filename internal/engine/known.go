package engine

import (
	"strings"
	"time"

	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/state"
)

// known gives rules the inventory's facts as they were before the event; each key is decoded once a transaction.
type known struct {
	tx       *state.Tx
	policies policy.Set
	keys     map[string]*inventory.Key
	inForce  map[string]*policy.Policy // by key ARN
	lost     func(error)               // is told of a record that cannot be read
}

func newKnown(tx *state.Tx, policies policy.Set, lost func(error)) *known {
	return &known{
		tx: tx, policies: policies, keys: make(map[string]*inventory.Key),
		inForce: make(map[string]*policy.Policy), lost: lost,
	}
}

// Key returns the key a record means; nil when the inventory does not know it.
func (k *known) Key(ref events.KeyRef, account, region string) *inventory.Key {
	arn := k.resolve(ref, account, region)
	if arn == "" {
		return nil
	}
	key, ok := k.keys[arn]
	if !ok {
		var err error
		if key, err = k.tx.Key(arn); err != nil {
			k.lost(err) // until the next sweep writes it anew it is an unknown key
		}
		k.keys[arn] = key
	}
	return key
}

// AliasTarget returns the key an alias pointed at.
func (k *known) AliasTarget(alias, account, region string) *inventory.Key {
	return k.Key(events.KeyRef{Name: alias}, account, region)
}

// Policy returns the rotation policy in force for a key.
func (k *known) Policy(key *inventory.Key) *policy.Policy {
	if key == nil {
		return nil
	}
	p, ok := k.inForce[key.ARN]
	if !ok {
		a, err := k.tx.Assignment(key.ARN)
		if err != nil {
			k.lost(err) // what cannot be read is forgotten by the next reading
		}
		p = k.policies.InForce(a, key)
		k.inForce[key.ARN] = p
	}
	return p
}

// LastUse is when a key was last seen used.
func (k *known) LastUse(arn string) time.Time { return k.tx.LastUse(arn) }

// resolve finds the ARN a record's reference means: its own, or what the inventory knows for an id or alias.
func (k *known) resolve(ref events.KeyRef, account, region string) string {
	if ref.ARN != "" {
		return ref.ARN
	}
	name := ref.Name
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":", 6)
		if len(parts) != 6 {
			return ""
		}
		region, account, name = parts[3], parts[4], parts[5]
	}
	if name == "" {
		return ""
	}
	return k.tx.Resolve(account, region, name)
}
