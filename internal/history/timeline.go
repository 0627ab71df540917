package history

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/inventory"
)

// Sources of lines.
const (
	FromKMS     = "kms"     // KMS's own record, with its own date
	FromReading = "reading" // a difference between two readings of KMS
	FromEvent   = "event"   // an event's word, which no reading confirms
	FromRotd    = "rotd"    // about what rotd keeps
)

// Line is one line of a key's timeline.
type Line struct {
	At   time.Time `json:"at"` // when it happened; where that is not known, when it was seen
	Kind Kind      `json:"kind"`
	Text string    `json:"text"` // in words
	// Source says who tells of it: kms, reading, event (no reading of KMS confirms it) or rotd.
	Source string `json:"source"`
	// Of a difference between two readings: it happened not before the one, and was seen in the other.
	NotBefore  time.Time      `json:"not_before,omitzero"`
	SeenAt     time.Time      `json:"seen_at,omitzero"`
	Before     jsontext.Value `json:"before,omitempty"`
	After      jsontext.Value `json:"after,omitempty"`
	Moves      []Move         `json:"moves,omitempty"`
	Evidence   []Evidence     `json:"evidence,omitempty"`
	Difference []string       `json:"difference,omitempty"` // of a key policy, line by line
}

// Timeline is a key's whole history, newest first.
func Timeline(k *inventory.Key, kept *Kept) []Line {
	rotations := rotationLines(k, kept)
	lines := changeLines(kept, rotations)
	lines = append(lines, rotations...)
	told := toldBy(lines)
	for i := range kept.Entries {
		e := &kept.Entries[i]
		if e.Kind.IsEvent() && e.Kind != creating && len(e.Evidence) > 0 && !told[e.Evidence[0].EventID] {
			lines = append(lines, reported(k, e))
		}
	}
	for kind, drop := range kept.Dropped {
		lines = append(lines, dropped(kind, drop))
	}
	lines = append(lines, Line{At: k.FirstRead, Kind: FirstSeen, Source: FromRotd, Text: firstWords(k, kept)})
	if !k.Created.IsZero() {
		lines = append(lines, Line{
			At: k.Created, Kind: Created, Source: FromKMS, Text: "key created", Evidence: creation(kept),
		})
	}
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Kind.rank(), b.Kind.rank()), cmp.Compare(a.Text, b.Text))
	})
	return lines
}

// creating is the kind of the event that tells who created the key; KMS itself tells that it was.
var creating = EventKind("CreateKey")

func creation(kept *Kept) (told []Evidence) {
	for i := range kept.Entries {
		if kept.Entries[i].Kind == creating {
			told = append(told, kept.Entries[i].Evidence...)
		}
	}
	return told
}

// rank orders what happened in one moment as the table of facts does.
func (k Kind) rank() int {
	at := slices.IndexFunc(followed, func(f fact) bool { return f.kind == k })
	if at < 0 {
		return len(followed)
	}
	return at
}

// changeLines are the changes. That the current material is that of a completed rotation is told with the rotation.
func changeLines(kept *Kept, rotations []Line) (lines []Line) {
	for i := range kept.Entries {
		e := &kept.Entries[i]
		if e.Kind == Rotations || e.Kind.IsEvent() || e.Kind == Material && toldByRotation(e, rotations) {
			continue
		}
		lines = append(lines, changed(e))
	}
	return lines
}

// toldByRotation gives the rotation that made the material what the change of the material knows.
func toldByRotation(e *Entry, rotations []Line) bool {
	for i := range rotations {
		var r inventory.Rotated
		if decode(rotations[i].After, &r) != nil || r.Material == "" || r.Material != text(e.After) {
			continue
		}
		rotations[i].Before = e.Before
		for _, ev := range e.Evidence {
			rotations[i].Evidence = merged(rotations[i].Evidence, ev)
		}
		return true
	}
	return false
}

// toldBy are the events that explain a line.
func toldBy(lines []Line) map[string]bool {
	ids := make(map[string]bool)
	for i := range lines {
		for j := range lines[i].Evidence {
			ids[lines[i].Evidence[j].EventID] = true
		}
	}
	return ids
}

func dropped(kind Kind, drop Drop) Line {
	what := counted(drop.Count, "older change of "+string(kind)+" was", "older changes of "+string(kind)+" were")
	if operation, isEvent := strings.CutPrefix(string(kind), eventPrefix); isEvent {
		what = counted(drop.Count, "older "+operation+" event was", "older "+operation+" events were")
	}
	return Line{At: drop.Until, Kind: Dropped, Source: FromRotd, Text: what + " dropped: too many, or too old"}
}

func changed(e *Entry) Line {
	l := Line{
		At: e.Effective(), Kind: e.Kind, Source: FromReading, Text: e.words(),
		NotBefore: e.NotBefore, SeenAt: e.SeenAt, Before: e.Before, After: e.After,
		Moves: e.Moves, Evidence: e.Evidence,
	}
	if e.Kind == Policy && len(e.Before) > 0 && len(e.After) > 0 {
		l.Difference = difference(text(e.Before), text(e.After))
	}
	return l
}

// reported is an event that no reading confirms. Events prove nothing: it is told as what somebody reported.
func reported(k *inventory.Key, e *Entry) Line {
	ev := &e.Evidence[0]
	said := ev.Operation
	if ev.Alias != "" {
		said += " of " + shown(ev.Alias)
		if ev.Target != "" {
			said += " to " + shown(ev.Target)
		}
	}
	why := "no reading of KMS shows a change by it"
	switch {
	case ev.last().Before(k.FirstRead.Truncate(time.Second)):
		why = "it was before rotd first read the key"
	case !k.WholeUntil().After(ev.last()):
		why = "KMS was not read since"
	}
	return Line{
		At: ev.last(), Kind: Reported, Source: FromEvent, Evidence: e.Evidence,
		Text: "an event reports " + said + "; " + why,
	}
}

// rotationLines are the rotations KMS lists or listed, each once, with the evidence of when rotd first saw it.
func rotationLines(k *inventory.Key, kept *Kept) []Line {
	var lines []Line
	seen := make(map[inventory.Rotated]bool)
	add := func(r inventory.Rotated, evidence []Evidence) {
		r.At = r.At.UTC()
		if seen[r] {
			return
		}
		seen[r] = true
		text := "new key material, " + rotatedHow(r.Type)
		if r.Material != "" {
			text += ": " + shown(r.Material)
		}
		lines = append(lines, Line{
			At: r.At, Kind: Rotated, Source: FromKMS, Text: text, After: encode(r), Evidence: evidence,
		})
	}
	for i := range kept.Entries {
		if e := &kept.Entries[i]; e.Kind == Rotations {
			gone, came, _ := rotationsIn(e) // what cannot be read is not shown
			for _, r := range came {
				add(r, concerning(r, e))
			}
			for _, r := range gone {
				add(r, nil)
			}
		}
	}
	for _, r := range rotationsOf(k) {
		add(r, nil)
	}
	return lines
}

// rotatedHow says KMS's word for how a key was rotated.
func rotatedHow(typ string) string {
	switch typ {
	case "AUTOMATIC":
		return "by the schedule"
	case "ON_DEMAND":
		return "on demand"
	}
	return "rotated " + shown(typ)
}

// concerning is the evidence that is about one rotation: it names the material, or is of about the same time.
func concerning(r inventory.Rotated, e *Entry) (about []Evidence) {
	for _, ev := range e.Evidence {
		near := ev.At.Sub(r.At).Abs() <= askedWithin
		if ev.Material == r.Material && r.Material != "" || ev.Material == "" && near {
			about = append(about, ev)
		}
	}
	return about
}

// askedWithin is how long KMS may take from the call for a rotation to its end, and more.
const askedWithin = time.Hour
