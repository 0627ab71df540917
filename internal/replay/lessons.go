package replay

import (
	"context"
	"strings"
	"time"

	"rotd/internal/baseline"
	"rotd/internal/detection"
	"rotd/internal/events"
)

// Lessons are what an archive's records teach of what is usual, in the order of their times. Memory does not grow with
// the archive; a file in the system's folder for temporary ones does, by 58 bytes a call.
type Lessons struct {
	Read
	sorter sorter
	atOnce int   // about how many are taught in one transaction
	keys   names // ARNs
	places names // account/region
	lost   int   // calls of which too many names were known
	future int
}

// names numbers texts from 1 on.
type names struct {
	number map[string]uint32
	texts  []string
}

// of is a text's number; 0 when it has none and there are too many.
func (n *names) of(text string) uint32 {
	number, ok := n.number[text]
	if !ok && len(n.texts) < maxKeys {
		text = strings.Clone(text)
		n.texts = append(n.texts, text)
		number = uint32(len(n.texts)) //nolint:gosec // up to maxKeys
		if n.number == nil {
			n.number = make(map[string]uint32)
		}
		n.number[text] = number
	}
	return number
}

func (n *names) text(number uint32) string { return n.texts[number-1] }

// ReadLessons reads everything under the paths, of the time from Since to Until. The error is ctx's or that of the
// temporary file; what is wrong with files and records is in the result. The caller closes it.
func ReadLessons(ctx context.Context, o Options) (*Lessons, error) {
	o.Lead = 0 // what came before Since is not asked for
	began := time.Now()
	l := &Lessons{sorter: sorter{most: inMemory}, atOnce: lessonsAtOnce}
	decoder := events.NewDecoder(o.Judge)
	r := &reading{o: &o, archive: o.Archive()}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.record = func(path string, number int, raw []byte) {
		ev, wanted, err := decoder.DecodeRecord(raw)
		s := &r.read.Summary
		switch {
		case err != nil:
			s.Malformed++
			r.problem(Problem{Path: path, Record: number, What: err.Error()})
		case !wanted:
			s.Ignored++
		case o.outside(ev.EventTime):
			s.Outside++
		case !o.Now.IsZero() && ev.EventTime.After(o.Now.Add(clocksApart)):
			l.future++
		default:
			if err := l.add(&ev); err != nil {
				cancel(err)
			}
		}
	}
	if r.all(ctx) != nil {
		_ = l.sorter.close()
		return nil, context.Cause(ctx)
	}
	l.Read = r.read
	l.Summary.Seconds = time.Since(began).Seconds()
	return l, nil
}

// clocksApart is how far an event's time may be ahead. One from next year would teach nothing that could be compared
// with, and have all archives up to then passed over as taught before.
const clocksApart = time.Hour

// outside reports whether a time lies outside of Since and Until.
func (o *Options) outside(at time.Time) bool {
	return at.Before(o.Since) || !o.Until.IsZero() && !at.Before(o.Until)
}

// add keeps what an event teaches. Of other accounts' keys nothing is learnt: their own trail tells of all their uses.
func (l *Lessons) add(ev *events.Event) error {
	use, of := detection.Learning(ev)
	if of == detection.Nobody || of == detection.OfKey && !ownKey(ev) {
		return nil
	}
	one := lesson{
		at: ev.EventTime.Unix(), event: seenID(ev.EventID), principal: use.Principal, network: use.Network,
		thing: use.Context.Thing, class: use.Context.Class,
		place: l.places.of(ev.RecipientAccountID + "/" + ev.AWSRegion),
	}
	if use.Decrypts {
		one.flags |= flagDecrypts
	}
	if use.Symmetric {
		one.flags |= flagSymmetric
	}
	if of == detection.OfKey {
		one.key = l.keys.of(ev.Key.ARN)
	}
	if one.place == 0 || one.key == 0 && of == detection.OfKey {
		l.lost++
		return nil
	}
	return l.sorter.add(&one)
}

// ownKey reports whether a record tells its key, and the key is of the account that the record came to.
func ownKey(ev *events.Event) bool {
	parts := strings.SplitN(ev.Key.ARN, ":", 6)
	return len(parts) == 6 && parts[4] == ev.RecipientAccountID
}

// use is what a lesson says to package baseline.
func (l *lesson) use() baseline.Use {
	return baseline.Use{
		At: time.Unix(l.at, 0).UTC(), Principal: l.principal, Network: l.network,
		Context:  baseline.Context{Class: l.class, Thing: l.thing},
		Decrypts: l.flags&flagDecrypts != 0, Symmetric: l.flags&flagSymmetric != 0,
	}
}

// Close lets go of the temporary file.
func (l *Lessons) Close() error { return l.sorter.close() }
