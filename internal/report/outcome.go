package report

// Outcome is how a key stands, in one check, under one control, or as a whole.
type Outcome string

// Outcomes, from the gravest. Only InOrder says that something is as it should be, and it is said of facts that were
// read, whole and lately.
const (
	Drift        Outcome = "drift"        // not as asked
	NoPolicy     Outcome = "no-policy"    // nobody has said what is asked
	Unverifiable Outcome = "unverifiable" // the facts are denied, unread or old
	Excepted     Outcome = "excepted"     // not as asked, and somebody answers for it until a day
	InOrder      Outcome = "in-order"
	NotJudged    Outcome = "not-judged" // does not apply, for a reason that is told
)

// outcomes has all of them in order.
func outcomes() []Outcome {
	return []Outcome{Drift, NoPolicy, Unverifiable, Excepted, InOrder, NotJudged}
}

// Words is the outcome for people.
func (o Outcome) Words() string {
	switch o {
	case Drift:
		return "not in order"
	case NoPolicy:
		return "no policy"
	case Unverifiable:
		return "not verifiable"
	case Excepted:
		return "excepted"
	case InOrder:
		return "in order"
	case NotJudged:
		return "not judged"
	}
	return string(o)
}

// mark is the outcome as one character, for print without colour.
func (o Outcome) mark() string {
	switch o {
	case Drift:
		return "✕"
	case NoPolicy:
		return "○"
	case Unverifiable:
		return "?"
	case Excepted:
		return "◐"
	case InOrder:
		return "✓"
	case NotJudged:
	}
	return "–"
}

// rank orders outcomes, the gravest first.
func (o Outcome) rank() int {
	for i, each := range outcomes() {
		if each == o {
			return i
		}
	}
	return len(outcomes())
}

// worst is the graver of two outcomes.
func worst(a, b Outcome) Outcome {
	if b.rank() < a.rank() {
		return b
	}
	return a
}

// Counts are keys by outcome.
type Counts struct {
	Keys         int `json:"keys"`
	InOrder      int `json:"in_order"`
	Drift        int `json:"drift"`
	Excepted     int `json:"excepted"`
	NoPolicy     int `json:"no_policy"`
	Unverifiable int `json:"unverifiable"`
	NotJudged    int `json:"not_judged"`
}

// add counts one key.
func (c *Counts) add(o Outcome) {
	c.Keys++
	*c.of(o)++
}

func (c *Counts) of(o Outcome) *int {
	switch o {
	case Drift:
		return &c.Drift
	case NoPolicy:
		return &c.NoPolicy
	case Unverifiable:
		return &c.Unverifiable
	case Excepted:
		return &c.Excepted
	case InOrder:
		return &c.InOrder
	case NotJudged:
	}
	return &c.NotJudged
}

// Of is the number of keys with an outcome.
func (c Counts) Of(o Outcome) int { return *c.of(o) }

// plus adds other counts.
func (c *Counts) plus(more Counts) {
	c.Keys += more.Keys
	for _, o := range outcomes() {
		*c.of(o) += more.Of(o)
	}
}
