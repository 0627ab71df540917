package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/finding"
	"rotd/internal/notify"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// notebook writes findings, the actions they start and the alerts that tell of them, all in one transaction.
type notebook struct {
	e        *Engine
	tx       *state.Tx
	now      time.Time
	settings *Settings
	tally    *tally
	// baseline says that this is the first complete look at an account and Region: what it finds is told together in
	// one digest, not page by page.
	baseline bool
	asked    time.Time // when somebody asked for fresh facts, dear ones too
	planned  int       // actions that wait, once they were counted
}

func (e *Engine) newNotebook(tx *state.Tx, now time.Time, settings *Settings, t *tally) *notebook {
	return &notebook{e: e, tx: tx, now: now, settings: settings, tally: t}
}

// found notes a finding that starts nothing.
func (n *notebook) found(f finding.Finding) error { return n.record(f, how{}) }

// foundTimes notes a finding about rotd itself that was met several times.
func (n *notebook) foundTimes(f finding.Finding, times int) error {
	return n.record(f, how{times: times})
}

// response plans what answers a finding: the action, or why there is none.
type response func(*finding.Finding) (action *remediation.Action, why string, err error)

// how says how a finding is noted.
type how struct {
	times   int      // what counts a finding that no event counts; 0: nothing does
	respond response // plans an action; nil: nothing answers the finding
	// told names the finding that has told all of these points already, "" for none; nil: none can have.
	told func(points []string) string
}

// record brings a finding together with what is known of it, lets respond plan an action, and tells what is news.
func (n *notebook) record(f finding.Finding, how how) error {
	prev, spoiled, err := n.byFingerprint(f.Fingerprint)
	if err != nil {
		return err
	}
	if by, err := n.suppressedBy(&f); err != nil {
		return err
	} else if by != "" {
		return n.hide(prev, spoiled, f, by)
	}
	next, transition := finding.Observe(prev, f)
	if spoiled != "" {
		next.ID = spoiled
	}
	if how.times > 0 {
		next.Count = how.times
		if transition != finding.Opened {
			next.Count += prev.Count
		}
	}
	n.identify(&next)
	var (
		action *remediation.Action
		why    string // why nothing is done about it
	)
	if how.respond != nil && next.Status == finding.Open {
		if action, why, err = how.respond(&next); err != nil {
			return err
		}
	}
	if transition != finding.NoTransition {
		next.ToldBy = ""
		if how.told != nil {
			next.ToldBy = how.told(finding.NewPoints(prev, f.Points))
		}
	}
	told, err := n.correlate(&next, transition)
	if err != nil {
		return err
	}
	if err := n.tx.PutFinding(&next); err != nil || transition == finding.NoTransition {
		return err
	}
	n.tally.findings = append(n.tally.findings, [2]string{next.RuleID, next.Severity.String()})
	if n.baseline || told || next.ToldBy != "" {
		return nil
	}
	return n.tell(n.findingAlert(&next, transition, action, why))
}

// identify gives a finding what it is known by.
func (n *notebook) identify(f *finding.Finding) {
	if f.ID == "" {
		f.ID = n.e.newID("fnd_", n.now)
	}
	f.Shard = n.e.db.Shard()
	if f.Partition == "" {
		f.Partition = n.e.partition
	}
}

// resolve ends a finding's episode. A quiet end is kept, not told; nor is the end of what another finding told of, or
// nobody was told of.
func (n *notebook) resolve(f *finding.Finding, why string, quietly bool) error {
	f.OverSince, f.Undone = nil, false
	transition := f.Resolve(n.now, why)
	if err := n.tx.PutFinding(f); err != nil {
		return err
	}
	told, err := n.overIn(f, quietly || f.Hidden)
	if err != nil || quietly || told || f.ToldBy != "" || f.Hidden {
		return err
	}
	return n.tell(n.findingAlert(f, transition, nil, ""))
}

// undone keeps that the inverse of what findings about a key warn of was done, by the operation of that name: one
// reading will end them. A finding's own event is not its inverse.
func (n *notebook) undone(arn, operation, eventID string) error {
	open, err := n.tx.OpenAbout(arn, maxOpenAbout)
	if err != nil {
		return err
	}
	for i := range open {
		rule := n.settings.Judge.Rule(open[i].RuleID)
		if rule == nil || open[i].Undone || open[i].EventID == eventID && eventID != "" ||
			!slices.Contains(rule.Inverse, operation) {
			continue
		}
		open[i].Undone = true
		if err := n.tx.PutFinding(&open[i]); err != nil {
			return err
		}
	}
	return nil
}

// maxOpenAbout bounds the open findings about one subject that are looked at together.
const maxOpenAbout = 200

// tell puts an alert into the outbox; the outbox worker publishes it after the commit.
func (n *notebook) tell(a notify.Alert) error {
	raw, err := json.Marshal(pendingAlert{Alert: a})
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	stored, err := n.tx.PutAlert(raw)
	if err != nil {
		return err
	}
	if !stored {
		n.tally.dropped++ // the outbox worker tells of it when there is room again
		return nil
	}
	n.tally.alerts++
	return nil
}

// resolveByFingerprint ends the open finding with a fingerprint, if there is one.
func (n *notebook) resolveByFingerprint(fingerprint, why string, quietly bool) error {
	f, _, err := n.byFingerprint(fingerprint)
	if err != nil || f == nil || f.Status != finding.Open {
		return err
	}
	return n.resolve(f, why, quietly)
}
