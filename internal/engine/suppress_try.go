package engine

import (
	"context"
	"errors"
	"time"

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
// that is kept: the one that set its severity. It reads the findings page by page and changes nothing.
func (e *Engine) TrySuppressions(ctx context.Context, asked []suppression.Suppression) (*suppression.Trial, error) {
	now := time.Now().UTC()
	all := make([]suppression.Suppression, 0, len(asked))
	for _, s := range asked {
		tried, err := e.prepared(s, now)
		if errors.Is(err, ErrUnknownKey) && s.Finding == "" { // an alias that names nothing yet hides nothing
			tried, err = s, nil
		}
		if err != nil {
			return nil, err
		}
		tried.Expires = now.Add(time.Hour) // it is what it hides that is tried, not until when
		all = append(all, tried)
	}
	set := suppression.NewSet(all, e.Settings().suppressible(), func(string, string) string { return "" })
	trial := &suppression.Trial{Since: now.Add(-triedBack), Rows: []suppression.Would{}}
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
