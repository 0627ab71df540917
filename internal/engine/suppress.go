package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/state"
	"rotd/internal/suppression"
)

// Errors a request about suppressions can meet.
var (
	ErrUnknownSuppression = errors.New("unknown suppression")
	ErrBadSuppression     = errors.New("no suppression that can be taken")
	ErrSuppressionInFile  = errors.New("the suppression stands in rotd.yaml")
)

// Suppress keeps a suppression that a person asks for: of the finding that it names, through all its episodes, or of
// whatever its fields match. It returns it as it is kept.
func (e *Engine) Suppress(asked suppression.Suppression, by string) (*suppression.Suppression, error) {
	if err := checkText("reason", asked.Reason); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	s, err := e.prepared(asked, now)
	if err != nil {
		return nil, err
	}
	if s.Expired(now) {
		return nil, fmt.Errorf("%w: expires: is past", ErrBadSuppression)
	}
	s.Name, s.Author, s.Created = e.newID(suppression.Prefix, now), by, now
	return &s, e.note(now, func(n *notebook) error {
		kept, err := n.tx.Suppressions()
		if err != nil {
			return err
		}
		made := slices.DeleteFunc(kept, func(k suppression.Kept) bool { return k.Made == nil })
		if len(made) >= suppression.MaxMade {
			return fmt.Errorf("%w: there are %d suppressions; end some (rotd suppressions list)", ErrTooMuch, len(made))
		}
		if err := n.audit(audit.Entry{
			Actor: by, Event: audit.SuppressionBegan, Finding: s.Finding,
			Detail: texts("suppression", s.Name, "hides", s.Scope(), "reason", s.Reason, "expires", s.Until()),
		}); err != nil {
			return err
		}
		if err := n.hideOpen(&s); err != nil {
			return err
		}
		return n.tx.PutSuppression(&suppression.Kept{Name: s.Name, Made: &s})
	})
}

// hideOpen hides the open episode of the finding that a suppression was made from. In its incident it is over: what is
// as grave pages again.
func (n *notebook) hideOpen(s *suppression.Suppression) error {
	if s.Finding == "" {
		return nil
	}
	f, err := n.tx.Finding(s.Finding)
	if err != nil || f == nil || f.Status != finding.Open {
		return err
	}
	f.HideOpen(s.Name)
	if _, err := n.overIn(f, true); err != nil {
		return err
	}
	return n.tx.PutFinding(f)
}

// EndSuppression forgets a person's suppression: what it hid is told when it happens again.
func (e *Engine) EndSuppression(name, by, reason string) (*suppression.Suppression, error) {
	if err := checkText("reason", reason); err != nil {
		return nil, err
	}
	var ended *suppression.Suppression
	err := e.note(time.Now().UTC(), func(n *notebook) error {
		k, err := n.tx.Suppression(name)
		switch {
		case err != nil:
			return err
		case n.settings.suppression(name) != nil:
			return fmt.Errorf("%w: remove %q there, and reload", ErrSuppressionInFile, name)
		case k == nil || k.Made == nil:
			return fmt.Errorf("%w %q; `rotd suppressions list` shows those there are", ErrUnknownSuppression, name)
		}
		ended = k.Made
		if err := n.audit(audit.Entry{
			Actor: by, Event: audit.SuppressionEnded, Finding: ended.Finding,
			Detail: texts("suppression", name, "hid", ended.Scope(), "reason", reason),
		}); err != nil {
			return err
		}
		if err := n.tx.DeleteSuppression(name); err != nil {
			return err
		}
		expired := detection.SuppressionExpired(e.db.Shard(), ended, n.now)
		return n.resolveByFingerprint(expired.Fingerprint, by+" ended the suppression", false)
	})
	return ended, err
}

// prepared is a suppression as it would be kept: made from its finding, with the keys that its aliases name now, and
// checked.
func (e *Engine) prepared(s suppression.Suppression, now time.Time) (suppression.Suppression, error) {
	s.Fingerprint = ""
	if s.Finding != "" {
		f, err := e.findingNamed(s.Finding)
		if err != nil {
			return s, err
		}
		of := suppression.Of(f)
		of.Name, of.Reason, of.Expires = s.Name, s.Reason, s.Expires
		s = of
	}
	s, unknown, err := e.aimed(s)
	if err = errors.Join(append(unknown, err)...); err != nil {
		return s, err
	}
	return s, e.checked(&s, now)
}

// aimed is a suppression with the keys that its aliases name now. What is unknown stays as it is written.
func (e *Engine) aimed(s suppression.Suppression) (aimed suppression.Suppression, unknown []error, err error) {
	s.Keys = slices.Clone(s.Keys)
	for i, key := range s.Keys {
		if !suppression.IsAlias(key) && !strings.HasPrefix(key, "alias/") {
			continue
		}
		arn, err := e.ResolveKey(key)
		switch {
		case errors.Is(err, ErrUnknownKey):
			unknown = append(unknown, err)
		case err != nil:
			return s, nil, err
		default:
			s.Keys[i] = arn
		}
	}
	return s, unknown, nil
}

// checked says everything that is wrong with a suppression that does not come from rotd.yaml.
func (e *Engine) checked(s *suppression.Suppression, now time.Time) error {
	var wrong []string
	users := e.Settings().Judge.Users()
	may := func(id string) error { return detection.MaySuppress(id, users) }
	for _, fault := range s.Check(now, may) {
		wrong = append(wrong, fault.String())
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrBadSuppression, strings.Join(wrong, "; "))
	}
	return nil
}

func (e *Engine) findingNamed(id string) (f *finding.Finding, err error) {
	err = e.db.View(func(tx *state.Tx) error {
		if f, err = tx.Finding(id); err == nil && f == nil {
			err = fmt.Errorf("%w %q", ErrUnknownFinding, id)
		}
		return err
	})
	return f, err
}
