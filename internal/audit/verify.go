package audit

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
)

// Kind is what is wrong at one place of a log.
type Kind string

// Kinds of breaks.
const (
	Unreadable Kind = "unreadable"   // the line is no entry
	Altered    Kind = "altered"      // the entry is not the one that was written, or was put in another's place
	Missing    Kind = "missing"      // entries are not there
	Misplaced  Kind = "out-of-order" // the entry belongs further up
	OtherEpoch Kind = "other-epoch"  // the entry is another log's
	Truncated  Kind = "truncated"    // a head told elsewhere is of an entry that is not there any more
)

// Break is one thing that is wrong.
type Break struct {
	Kind Kind   `json:"kind"`
	Line int    `json:"line,omitempty"` // of the input, from 1; 0: of none
	Seq  uint64 `json:"seq,omitempty"`
	Text string `json:"text"`
}

// Verdict is what verification found.
type Verdict struct {
	Whole   bool     `json:"whole"`
	Entries uint64   `json:"entries"`
	First   uint64   `json:"first"` // of the entries that are there
	Head    Head     `json:"head"`  // the last of them
	Breaks  []Break  `json:"breaks"`
	More    int      `json:"more,omitempty"` // breaks that are not listed
	Notes   []string `json:"notes"`          // what is as it should be, and worth knowing
}

// maxBreaks bounds the breaks that are listed.
const maxBreaks = 100

// Verifier reads a log line by line.
type Verifier struct {
	known   []Head // told elsewhere, not met yet
	verdict Verdict
	line    int
	last    *Entry // nil: none yet
	lost    bool   // the line before could not be read: what follows it cannot be compared with it
	before  *Head  // what the first entry follows, when that is not the beginning of the log
	dropped bool   // the log says that retention removed what came before
	vouched bool   // what the first entry follows is a head that was told
	epochs  []Head // entries that began another epoch
	rest    []byte // a line that is not whole yet
}

// NewVerifier returns a verifier that also wants to find entries whose heads are known from elsewhere.
func NewVerifier(known ...Head) *Verifier {
	return &Verifier{known: known, verdict: Verdict{Breaks: []Break{}, Notes: []string{}}}
}

// maxLine bounds a line; entries are much shorter.
const maxLine = 1 << 20

// Write takes the next bytes of an exported log; lines that are empty do not count. It never fails.
func (v *Verifier) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		v.whole(append(v.rest, p[:i]...))
		v.rest, p = v.rest[:0], p[i+1:]
	}
	if len(v.rest) <= maxLine { // the rest of a longer one changes nothing: it is no entry
		v.rest = append(v.rest, p...)
	}
	return n, nil
}

func (v *Verifier) whole(line []byte) {
	if line = bytes.TrimSpace(line); len(line) > 0 {
		v.Add(line)
	}
}

// Add takes the next line.
func (v *Verifier) Add(line []byte) {
	v.line++
	var e Entry
	hash, err := Digest(line)
	if err == nil {
		err = json.Unmarshal(line, &e)
	}
	switch {
	case err != nil:
		v.found(Unreadable, 0, "The line is no entry of an audit log: it is not one JSON object of the right form.")
	case e.Schema != Schema:
		v.found(Unreadable, e.Seq, fmt.Sprintf("The entry is of schema %q; this rotd verifies %s.", e.Schema, Schema))
	default:
		if hash != e.Hash {
			v.found(Altered, e.Seq, fmt.Sprintf("Entry %d was altered: what it says has the hash %s, it carries %s.",
				e.Seq, short(hash), short(e.Hash)))
		}
		v.place(&e)
		v.last, v.lost = &e, false
		v.verdict.Entries++
		return
	}
	v.lost = true
}

// place holds an entry against the one before it and against what is known.
func (v *Verifier) place(e *Entry) {
	switch last := v.last; {
	case last == nil:
		v.first(e)
	case v.lost:
	case e.Seq <= last.Seq:
		v.found(Misplaced, e.Seq, fmt.Sprintf("Entry %d comes after entry %d.", e.Seq, last.Seq))
	case e.Seq > last.Seq+1:
		v.found(Missing, e.Seq, fmt.Sprintf("%s missing before entry %d.", span(last.Seq+1, e.Seq-1), e.Seq))
	case e.Prev != last.Hash:
		v.found(Altered, last.Seq, fmt.Sprintf("Entry %d is not the one that entry %d was written after: that had the "+
			"hash %s, this one has %s.", last.Seq, e.Seq, short(e.Prev), short(last.Hash)))
	}
	if v.last != nil && e.Epoch != v.last.Epoch {
		v.epoch(e)
	}
	if e.Event == LogDropped && v.before != nil && e.Detail[Through] == strconv.FormatUint(v.before.Seq, 10) &&
		e.Detail[OfHash] == v.before.Hash {
		v.dropped = true
	}
	v.compare(e.Head())
}

// first takes the first entry that is there.
func (v *Verifier) first(e *Entry) {
	v.verdict.First = e.Seq
	switch {
	case e.Seq > 1:
		v.before = &Head{Seq: e.Seq - 1, Hash: e.Prev}
		v.compare(*v.before)
	case e.Prev != Origin:
		v.found(Altered, e.Seq, "The first entry says that another one came before it.")
	}
}

// epoch takes an entry of another epoch than the one before.
func (v *Verifier) epoch(e *Entry) {
	if e.Event != LogBegan {
		v.found(OtherEpoch, e.Seq, fmt.Sprintf("Entry %d is of the log %s, the entry before it of %s.", e.Seq, e.Epoch,
			v.last.Epoch))
		return
	}
	v.epochs = append(v.epochs, e.Head())
	note := fmt.Sprintf("Entry %d begins %s.", e.Seq, e.Epoch)
	if why := e.Detail["because"]; why != "" {
		note = fmt.Sprintf("Entry %d begins %s: %s.", e.Seq, e.Epoch, why)
	}
	v.verdict.Notes = append(v.verdict.Notes, note)
}

// compare holds an entry that is there against the heads told elsewhere.
func (v *Verifier) compare(is Head) {
	var left []Head
	for _, told := range v.known {
		switch {
		case told.Seq != is.Seq:
			left = append(left, told)
		case told.Hash != is.Hash:
			v.found(Altered, is.Seq, fmt.Sprintf("Entry %d is not the one that was told: that had the hash %s, this one "+
				"has %s. It or one before it was written anew.%s", is.Seq, short(told.Hash), short(is.Hash), v.restored(is.Seq)))
		default:
			v.vouched = v.vouched || v.before != nil && *v.before == Head{Seq: is.Seq, Hash: is.Hash}
		}
	}
	v.known = left
}

// restored says what may explain that entries are not those that were told.
func (v *Verifier) restored(seq uint64) string {
	for _, began := range v.epochs {
		if began.Seq <= seq {
			return fmt.Sprintf(" Entry %d says that the state was replaced then: what the log before it had from there on "+
				"is not in this one.", began.Seq)
		}
	}
	return ""
}

// End returns the verdict.
func (v *Verifier) End() Verdict {
	v.whole(v.rest)
	if v.last != nil {
		v.verdict.Head = v.last.Head()
	}
	v.began()
	for _, told := range v.known {
		switch {
		case told.Seq > v.verdict.Head.Seq:
			v.line = 0
			v.found(Truncated, told.Seq, fmt.Sprintf("The log ends with entry %d, but entry %d was told of elsewhere. %s "+
				"missing at its end.%s", v.verdict.Head.Seq, told.Seq, span(v.verdict.Head.Seq+1, told.Seq),
				v.restored(told.Seq)))
		case v.before != nil && told.Seq < v.before.Seq:
			v.verdict.Notes = append(v.verdict.Notes, fmt.Sprintf("Entry %d, which was told of elsewhere, is from before "+
				"the first entry here (%d) and cannot be compared.", told.Seq, v.verdict.First))
		default: // its place was met out of order, or in a line that could not be read; that is a break already
		}
	}
	v.verdict.Whole = len(v.verdict.Breaks) == 0
	return v.verdict
}

// began judges that the log does not begin with entry 1.
func (v *Verifier) began() {
	switch {
	case v.before == nil:
	case v.dropped:
		v.verdict.Notes = append(v.verdict.Notes, fmt.Sprintf("%s no longer kept: the log says so and names "+
			"the last of them.", span(1, v.before.Seq)))
	case v.vouched:
		v.verdict.Notes = append(v.verdict.Notes, fmt.Sprintf("%s not here; the first entry follows the one that was told.",
			span(1, v.before.Seq)))
	default:
		v.line = 0
		v.found(Missing, v.before.Seq, fmt.Sprintf("%s missing at the beginning, and no entry says that retention removed "+
			"them. If this is a later part of a log, name the last entry before it: --head %d:HASH.",
			span(1, v.before.Seq), v.before.Seq))
	}
}

// found notes a break.
func (v *Verifier) found(kind Kind, seq uint64, text string) {
	if len(v.verdict.Breaks) == maxBreaks {
		v.verdict.More++
		return
	}
	v.verdict.Breaks = append(v.verdict.Breaks, Break{Kind: kind, Line: v.line, Seq: seq, Text: text})
}

// span says that entries are …
func span(from, to uint64) string {
	if from == to {
		return fmt.Sprintf("Entry %d is", from)
	}
	return fmt.Sprintf("Entries %d to %d are", from, to)
}

func short(hash string) string {
	if len(hash) > 12 {
		return hash[:12] + "…"
	}
	return strconv.Quote(hash)
}
