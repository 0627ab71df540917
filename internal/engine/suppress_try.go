package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/state"
	"rotd/internal/suppression"
)

const (
	// triedBack is how far back suppressions are tried.
	triedBack = 30 * 24 * time.Hour
	// maxTried bounds the findings that a trial names.
	maxTried = 1_000
)

// TrySuppressions says which findings of the last 30 days suppressions would have hidden, each by the occurrence of it
// that is kept: the one that set its severity. It reads the findings page by page and changes nothing. What a file's,
// which have names, name that is not there yet is left out and told; of a person's it is an error, as when it is made.
func (e *Engine) TrySuppressions(ctx context.Context, asked []suppression.Suppression) (*suppression.Trial, error) {
	now := time.Now().UTC()
	trial := &suppression.Trial{Since: now.Add(-triedBack), Rows: []suppression.Would{}}
	all := make([]suppression.Suppression, 0, len(asked))
	for _, s := range asked {
		prepare := e.prepared
		if s.Name != "" {
			prepare = func(s suppression.Suppression, now time.Time) (suppression.Suppression, error) {
				return e.ofFile(trial, s, now)
			}
		}
		tried, err := prepare(s, now)
		if err != nil {
			return nil, err
		}
		tried.Expires = now.Add(time.Hour) // it is what it hides that is tried, not until when
		all = append(all, tried)
	}
	set := suppression.NewSet(all, e.Settings().suppressible(), func(string, string) string { return "" })
	for after, more := "", true; more; more = after != "" {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := e.db.View(func(tx *state.Tx) error {
			page, next, err := tx.Findings(after, maxTried, func(f *finding.Finding) bool {
				return !f.LastSeen.Before(trial.Since)
			})
			after = next
			for i := range page {
				tryOn(trial, set, &page[i], now)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return trial, nil
}

// ofFile is a file's suppression as it can be tried, beside what is left out of it.
func (e *Engine) ofFile(trial *suppression.Trial, s suppression.Suppression, now time.Time) (
	suppression.Suppression, error,
) {
	leave := func(why string) { trial.LeftOut = append(trial.LeftOut, suppression.LeftOut{By: s.Name, Why: why}) }
	users := e.Settings().Judge.Users()
	s.Rules = slices.DeleteFunc(slices.Clone(s.Rules), func(id string) bool {
		_, known := detection.Describe(id)
		known = known || slices.Contains(users, id)
		if !known {
			leave(fmt.Sprintf("the daemon has no rule %q: it knows those of its own rotd.yaml alone", id))
		}
		return !known
	})
	if len(s.Rules) == 0 {
		return s, nil
	}
	s, unknown, err := e.aimed(s)
	if err != nil {
		return s, err
	}
	for _, err := range unknown {
		leave(err.Error())
	}
	return s, e.checked(&s, now)
}

func tryOn(trial *suppression.Trial, set *suppression.Set, f *finding.Finding, now time.Time) {
	trial.Examined++
	s := set.Match(f, now)
	if s == nil {
		return
	}
	trial.Hidden++
	trial.Times += f.Count
	if len(trial.Rows) < maxTried {
		trial.Rows = append(trial.Rows, suppression.Would{
			By: s.Name, ID: f.ID, Rule: f.RuleID, Severity: f.Severity, Title: f.Title, Subject: f.About(),
			Principal: f.PrincipalARN, Source: f.SourceIP, Count: f.Count, FirstSeen: f.FirstSeen, LastSeen: f.LastSeen,
		})
	}
}
