package engine

import (
	"maps"
	"slices"
	"strings"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// replaced keeps who took whose place, once an action has moved the aliases, or has moved them back.
func (n *notebook) replaced(a *remediation.Action) error {
	switch a.Method { //nolint:exhaustive // nothing else replaces
	case remediation.NewKey:
		for _, s := range a.Successions() {
			if err := n.succeededBy(s.Old, s.New); err != nil {
				return err
			}
			if err := n.madeFor(s.New); err != nil {
				return err
			}
		}
	case remediation.MoveBack:
		for i := range a.Calls {
			if c := &a.Calls[i]; c.Operation == remediation.UpdateAlias {
				if err := n.succeededBy(c.KeyARN, ""); err != nil {
					return err
				}
			}
		}
		return n.succeededBy(a.KeyARN, "")
	}
	return nil
}

// succeededBy keeps that a key has a successor; empty: that it has none any more.
func (n *notebook) succeededBy(arn, successor string) error {
	old, err := n.key(arn)
	if err != nil || old == nil {
		return err
	}
	line := inventory.Lineage{ID: old.LineageID()}
	if old.Lineage != nil {
		line.Replaces = old.Lineage.Replaces
	}
	if line.ReplacedBy = successor; successor != "" {
		line.At = n.now
	}
	old.Lineage = &line
	return n.tx.PutKey(old)
}

// madeFor keeps which key a new one replaces, of one that was read before its action knew of it: CreateKey's answer had
// been lost.
func (n *notebook) madeFor(arn string) error {
	made, err := n.key(arn)
	if err != nil || made == nil || made.Lineage != nil {
		return err
	}
	if made.Lineage, err = n.lineage(nil, arn); err != nil {
		return err
	}
	return n.tx.PutKey(made)
}

// lineage is a key's place in its line: what is known of it, and for a key that is read for the first time which key it
// was made to replace.
func (n *notebook) lineage(before *inventory.Key, arn string) (*inventory.Lineage, error) {
	if before != nil {
		return before.Lineage, nil
	}
	actions, err := n.tx.ActionsOn(arn, 5)
	if err != nil {
		return nil, err
	}
	for i := range actions {
		for _, s := range actions[i].Successions() {
			if s.New != arn {
				continue
			}
			id := s.Old
			if old, err := n.key(s.Old); err != nil {
				return nil, err
			} else if old != nil {
				id = old.LineageID()
			}
			return &inventory.Lineage{ID: id, Replaces: s.Old}, nil
		}
	}
	return nil, nil //nolint:nilnil // most keys are alone
}

// readAnew has the keys read again that a replacement is about: rotd's own calls come back as no news.
func (n *notebook) readAnew(a *remediation.Action) error {
	for _, arn := range a.Keys() {
		n.tally.rereads++
		if err := n.tx.PlanReread(arn, n.now); err != nil {
			return err
		}
	}
	return nil
}

// movedByRotd reports whether all that changed of a key's names is what replacements of rotd's changed: the aliases
// that they moved, and rotd's own tags. Then nobody has slipped the key under another policy.
func (n *notebook) movedByRotd(was, is *inventory.Key) (bool, error) {
	if was == nil || slices.Equal(was.Aliases, is.Aliases) || !maps.Equal(othersTags(was), othersTags(is)) {
		return false, nil
	}
	actions, err := n.tx.ActionsOn(is.ARN, 5)
	if err != nil {
		return false, err
	}
	moved := func(alias string) bool {
		return slices.ContainsFunc(actions, func(a remediation.Action) bool {
			return a.Verb == remediation.Replace && a.MovesAlias(alias)
		})
	}
	for _, alias := range slices.Concat(was.Aliases, is.Aliases) {
		if slices.Contains(was.Aliases, alias) != slices.Contains(is.Aliases, alias) && !moved(alias) {
			return false, nil
		}
	}
	return true, nil
}

// underItsAliases is a key as the policies see it that count for an action: one whose aliases have gone to a new key is
// under those that its aliases match.
func (n *notebook) underItsAliases(key *inventory.Key, a *remediation.Action) (*inventory.Key, error) {
	if a.NewKeyARN == "" {
		return key, nil
	}
	aliases := slices.Clone(key.Aliases)
	made, err := n.key(a.NewKeyARN)
	if err != nil {
		return nil, err
	}
	if made != nil {
		aliases = append(aliases, made.Aliases...)
	}
	for i := range a.Calls {
		if c := &a.Calls[i]; c.Operation == remediation.UpdateAlias && c.Region == "" {
			aliases = append(aliases, c.Alias)
		}
	}
	slices.Sort(aliases)
	under := *key
	under.Aliases = slices.Compact(aliases)
	return &under, nil
}

// othersTags are a key's tags but for rotd's own.
func othersTags(k *inventory.Key) map[string]string {
	tags := maps.Clone(k.Tags)
	maps.DeleteFunc(tags, func(name, _ string) bool { return strings.HasPrefix(name, "rotd:") })
	return tags
}

// replicas are a key's replicas that are known.
func (n *notebook) replicas(key *inventory.Key) (known []*inventory.Key, err error) {
	for _, arn := range key.ReplicaARNs {
		k, err := n.key(arn)
		if err != nil {
			return nil, err
		}
		if k != nil && n.e.inPlace(arn) {
			known = append(known, k)
		}
	}
	return known, nil
}
