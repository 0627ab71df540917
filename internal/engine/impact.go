package engine

import (
	"slices"
	"time"

	"rotd/internal/finding"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// maxImpactFindings bounds the open findings that an assessment tells of.
const maxImpactFindings = 20

// ImpactFacts gathers what an assessment of a key's use wants to know. They are good for as long as the transaction is.
func (e *Engine) ImpactFacts(tx *state.Tx, key *inventory.Key, now time.Time) (*impact.Facts, error) {
	f := &impact.Facts{
		Key: key, Name: tx.UsageName, WatchedSince: tx.Created(), Now: now,
	}
	place, err := tx.Place(key.Account, key.Region)
	if err != nil {
		return nil, err
	}
	f.LastEvent = place.LastEvent
	if f.Record, err = tx.UsageRecord(key.ARN, now); err != nil {
		return nil, err
	}
	if f.Findings, err = tx.OpenAboutKey(key, maxImpactFindings); err != nil {
		return nil, err
	}
	if f.Blinding, err = e.blinding(tx, key); err != nil {
		return nil, err
	}
	protected, err := tx.Protected()
	name, ok := protected[key.ARN]
	f.Protected = ok && slices.Contains(e.Settings().Protected, name)
	return f, err
}

// blinding are open findings that say why rotd does not hear of every call with a key: a trail blinded, of whatever
// account, since an organization's trail is another's; nothing that arrives, from there or at all; changes there that
// no event told of.
func (e *Engine) blinding(tx *state.Tx, key *inventory.Key) ([]finding.Finding, error) {
	all, err := tx.OpenUnder("arn:"+key.Partition+":cloudtrail:", maxImpactFindings)
	for _, subject := range []string{e.db.Shard(), key.Account + "/" + key.Region} {
		if err != nil {
			return nil, err
		}
		var more []finding.Finding
		more, err = tx.OpenAbout(subject, maxImpactFindings)
		all = append(all, more...)
	}
	return slices.DeleteFunc(all, func(f finding.Finding) bool {
		switch f.RuleID {
		case "trail-blinded", "intake-silent", "sweep-found-what-events-missed":
			return false
		}
		return true
	}), err
}
