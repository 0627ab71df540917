package events

// maxDepth is how deep objects and arrays may nest. CloudTrail's own records stay under ten.
const maxDepth = 64

// scanner walks over JSON text and checks its grammar (RFC 8259) without building anything. Valid UTF-8 is checked
// once for the whole body by its callers. The positions it hands out are offsets into text.
type scanner struct {
	text []byte
	pos  int
}

// span is a stretch of the scanned text; no JSON value is empty, so the zero span is none.
type span struct{ from, to int32 }

func (s span) isZero() bool { return s.to == 0 }

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek is the next byte that is no space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// take moves past c if it comes next, spaces before it aside.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || c == 0 {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) want(c byte) error {
	if !s.take(c) {
		return s.unexpected("%q", c)
	}
	return nil
}

func (s *scanner) unexpected(format string, args ...any) error {
	what := "something else"
	if s.pos >= len(s.text) {
		what = "the end"
	}
	return malformed(ReasonSyntax, s.pos, "wanted "+format+", found "+what, args...)
}

// end refuses anything but spaces up to the end.
func (s *scanner) end() error {
	if s.space(); s.pos < len(s.text) {
		return malformed(ReasonTrailing, s.pos, "text after the value")
	}
	return nil
}

// value moves past one value of any kind that stands at depth (the outermost at 0) and returns where it stood.
func (s *scanner) value(depth int) (span, error) {
	c := s.peek()
	from := s.pos
	var err error
	switch {
	case c == '"':
		_, err = s.str()
	case c == '{':
		err = s.object(depth)
	case c == '[':
		err = s.array(depth)
	case c == 't':
		err = s.literal("true")
	case c == 'f':
		err = s.literal("false")
	case c == 'n':
		err = s.literal("null")
	case c == '-' || isDigit(c):
		err = s.number()
	default:
		err = s.unexpected("a value")
	}
	return span{int32(from), int32(s.pos)}, err
}

func (s *scanner) object(depth int) error {
	if err := s.open(depth); err != nil {
		return err
	}
	if s.take('}') {
		return nil
	}
	for {
		if _, err := s.name(); err != nil {
			return err
		}
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if err := s.want(','); err != nil {
			return err
		}
	}
}

func (s *scanner) array(depth int) error {
	if err := s.open(depth); err != nil {
		return err
	}
	if s.take(']') {
		return nil
	}
	for {
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if err := s.want(','); err != nil {
			return err
		}
	}
}

func (s *scanner) open(depth int) error {
	if depth >= maxDepth {
		return malformed(ReasonTooDeep, s.pos, "more than %d levels of nesting", maxDepth)
	}
	s.pos++
	return nil
}

// name moves past a member's name and its colon and returns the name's span, quotes included.
func (s *scanner) name() (span, error) {
	if s.peek() != '"' {
		return span{}, s.unexpected("a name")
	}
	at, err := s.str()
	if err != nil {
		return span{}, err
	}
	return at, s.want(':')
}

// str moves past the string that begins here; its span includes the quotes.
func (s *scanner) str() (span, error) {
	from := s.pos
	for s.pos++; ; {
		s.pos = plainRun(s.text, s.pos)
		if s.pos >= len(s.text) {
			return span{}, s.unexpected("the end of a string")
		}
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return span{int32(from), int32(s.pos)}, nil
		case c != '\\':
			return span{}, malformed(ReasonSyntax, s.pos, "control character in a string")
		}
		if err := s.escape(); err != nil {
			return span{}, err
		}
	}
}

func (s *scanner) escape() error {
	n := 2
	if s.pos+1 < len(s.text) {
		switch s.text[s.pos+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			s.pos += n
			return nil
		case 'u':
			if _, ok := hex4(s.text, s.pos+n); ok {
				s.pos += n + 4
				return nil
			}
		}
	}
	return malformed(ReasonSyntax, s.pos, "bad escape in a string")
}

func (s *scanner) literal(word string) error {
	if len(s.text)-s.pos < len(word) || string(s.text[s.pos:s.pos+len(word)]) != word {
		return s.unexpected("%s", word)
	}
	s.pos += len(word)
	return nil
}

// number moves past a number of any size; it is never converted here.
func (s *scanner) number() error {
	if s.text[s.pos] == '-' {
		s.pos++
	}
	leading := s.pos
	if s.digits() == 0 || s.text[leading] == '0' && s.pos > leading+1 {
		return s.unexpected("a number")
	}
	if s.pos < len(s.text) && s.text[s.pos] == '.' {
		if s.pos++; s.digits() == 0 {
			return s.unexpected("digits")
		}
	}
	if s.pos < len(s.text) && s.text[s.pos]|0x20 == 'e' {
		if s.pos++; s.pos < len(s.text) && (s.text[s.pos] == '+' || s.text[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return s.unexpected("digits")
		}
	}
	return nil
}

func (s *scanner) digits() int {
	from := s.pos
	for s.pos < len(s.text) && isDigit(s.text[s.pos]) {
		s.pos++
	}
	return s.pos - from
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
