package engine

import (
	"errors"
	"slices"
	"strings"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/state"
	"rotd/internal/suppression"
)

// hiding is the suppressions in force, made once for a configuration and a revision of the state's.
type hiding struct {
	settings *Settings
	revision uint64
	set      *suppression.Set
}

// suppressedBy names the suppression that hides one occurrence; "": none does. The time that counts is rotd's own: an
// event's belongs to its sender.
func (n *notebook) suppressedBy(f *finding.Finding) (string, error) {
	set, err := n.suppressions()
	if err != nil {
		return "", err
	}
	if s := set.Match(f, n.now); s != nil {
		return s.Name, nil
	}
	return "", nil
}

func (n *notebook) suppressions() (*suppression.Set, error) {
	revision, durable := n.tx.SuppressionsRevision()
	if h := n.e.hiding.Load(); h != nil && h.settings == n.settings && h.revision == revision {
		return h.set, nil
	}
	kept, err := n.tx.Suppressions()
	if err != nil {
		return nil, err
	}
	all, targets := slices.Clone(n.settings.Suppressions), make(map[string]map[string]string)
	for i := range kept {
		if kept[i].Made != nil {
			all = append(all, *kept[i].Made)
		}
		targets[kept[i].Name] = kept[i].Targets
	}
	set := suppression.NewSet(all, n.settings.suppressible(), func(name, alias string) string {
		return targets[name][alias]
	})
	if durable {
		n.e.hiding.Store(&hiding{settings: n.settings, revision: revision, set: set})
	}
	return set, nil
}

// suppressible lists the rules and checks whose findings may be hidden.
func (s *Settings) suppressible() []string { return detection.Suppressible(s.Judge.Users()) }

// hide notes a suppressed occurrence: it is kept and counted, tells nobody and starts nothing.
func (n *notebook) hide(prev *finding.Finding, spoiled string, f finding.Finding, by string) error {
	next, counts := finding.Hide(prev, f, by)
	if spoiled != "" {
		next.ID = spoiled
	}
	n.identify(&next)
	if prev != nil && prev.Status == finding.Open && !prev.Hidden && next.Hidden { // in its incident it is over
		if _, err := n.overIn(&next, true); err != nil {
			return err
		}
	}
	if counts {
		n.tally.suppressed = append(n.tally.suppressed, f.RuleID)
		if err := n.tx.CountSuppressed(by, n.now); err != nil {
			return err
		}
	}
	return n.tx.PutFinding(&next)
}

// keepExpired is how long a person's suppression is listed after its end.
const keepExpired = 30 * 24 * time.Hour

// noteSuppressions keeps what the aliases in rotd.yaml's suppressions name, forgets suppressions that are gone, and
// tells of those that have expired.
func (e *Engine) noteSuppressions(now time.Time) error {
	if err := e.note(now, (*notebook).keepSuppressions); err != nil {
		return err
	}
	return e.note(now, (*notebook).tellExpiredSuppressions)
}

func (n *notebook) keepSuppressions() error {
	kept, err := n.tx.Suppressions()
	if err != nil {
		return err
	}
	known := make(map[string]*suppression.Kept)
	for i := range kept {
		k := &kept[i]
		switch {
		case k.Made != nil && n.now.Sub(k.Made.Expires) > keepExpired:
			f := detection.SuppressionExpired(n.e.db.Shard(), k.Made, n.now)
			err = n.resolveByFingerprint(f.Fingerprint, "the suppression was forgotten, 30 days after its end", true)
			err = errors.Join(err, n.tx.DeleteSuppression(k.Name))
		case k.Made == nil && n.settings.suppression(k.Name) == nil:
			err = n.tx.DeleteSuppression(k.Name)
		default:
			known[k.Name] = k
		}
		if err != nil {
			return err
		}
	}
	for i := range n.settings.Suppressions {
		s := &n.settings.Suppressions[i]
		k := known[s.Name]
		if k == nil {
			k = &suppression.Kept{Name: s.Name}
		}
		if !aim(k, s, n.tx.Resolve) {
			continue
		}
		if err := n.tx.PutSuppression(k); err != nil {
			return err
		}
	}
	return nil
}

// aim keeps which keys a suppression's aliases name, each once and for all, and reports whether that is news.
func aim(k *suppression.Kept, s *suppression.Suppression, resolve func(account, region, alias string) string) bool {
	targets := make(map[string]string)
	news := false
	for _, name := range s.Keys {
		if !suppression.IsAlias(name) {
			continue
		}
		arn := k.Targets[name]
		if arn == "" {
			parts := strings.SplitN(name, ":", 6)
			arn = resolve(parts[4], parts[3], parts[5])
			news = news || arn != ""
		}
		if arn != "" {
			targets[name] = arn
		}
	}
	news = news || len(targets) != len(k.Targets)
	k.Targets = targets
	return news
}

// suppression is rotd.yaml's of a name; nil: it has none.
func (s *Settings) suppression(name string) *suppression.Suppression {
	for i := range s.Suppressions {
		if s.Suppressions[i].Name == name {
			return &s.Suppressions[i]
		}
	}
	return nil
}

// tellExpiredSuppressions opens a finding for each suppression that has expired, and ends those of suppressions that
// were renewed or removed.
func (n *notebook) tellExpiredSuppressions() error {
	standing, err := n.standing()
	if err != nil {
		return err
	}
	var expired []string
	for i := range standing {
		if !standing[i].Expired {
			continue
		}
		f := detection.SuppressionExpired(n.e.db.Shard(), &standing[i].Suppression, n.now)
		expired = append(expired, f.Fingerprint)
		if err := n.found(f); err != nil {
			return err
		}
	}
	open, err := n.tx.OpenAbout(n.e.db.Shard(), suppression.MaxMade+maxOpenAbout)
	if err != nil {
		return err
	}
	for i := range open {
		f := &open[i]
		if f.RuleID != detection.SuppressionExpiredID || f.Status != finding.Open ||
			slices.Contains(expired, f.Fingerprint) {
			continue
		}
		if err := n.resolve(f, "the suppression was renewed or removed", false); err != nil {
			return err
		}
	}
	return nil
}

// standing are all suppressions as people look at them, rotd.yaml's first.
func (n *notebook) standing() ([]suppression.Standing, error) {
	kept, err := n.tx.Suppressions()
	if err != nil {
		return nil, err
	}
	known := make(map[string]*suppression.Kept, len(kept))
	for i := range kept {
		known[kept[i].Name] = &kept[i]
	}
	var all []suppression.Standing
	add := func(s suppression.Suppression, source string) {
		one := suppression.Standing{Suppression: s, Source: source, Expired: s.Expired(n.now)}
		if k := known[s.Name]; k != nil {
			one.Hits, one.Targets = k.Hits, k.Targets
			if !k.Last.IsZero() {
				one.LastHit = &k.Last
			}
		}
		for _, key := range s.Keys {
			if suppression.IsAlias(key) && one.Targets[key] == "" {
				one.Unresolved = append(one.Unresolved, key)
			}
		}
		all = append(all, one)
	}
	for _, s := range n.settings.Suppressions {
		add(s, suppression.InRotdYAML)
	}
	for i := range kept {
		if kept[i].Made != nil {
			add(*kept[i].Made, suppression.InState)
		}
	}
	return all, nil
}

// Suppressions lists all suppressions, rotd.yaml's first, then people's in the order of their making.
func (e *Engine) Suppressions() (all []suppression.Standing, err error) {
	err = e.db.View(func(tx *state.Tx) error {
		all, err = e.newNotebook(tx, time.Now().UTC(), e.Settings(), newTally()).standing()
		return err
	})
	return all, err
}
