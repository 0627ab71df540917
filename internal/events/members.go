package events

// members is where the fields of one object stand in its body. The first wrong type met while reading them is kept
// in err, so that a whole object is read before anybody asks.
type members struct {
	body []byte
	self span // the object itself
	at   [fieldCount]span
	err  error
}

// scan walks over the object at `at` in body and notes where its fields are. It checks the grammar of everything
// inside, and refuses a field given twice: parsers disagree on which one counts.
func (m *members) scan(body []byte, at span) error {
	*m = members{body: body}
	s := scanner{text: body[:at.to], pos: int(at.from)}
	if s.peek() != '{' {
		return malformed(ReasonWrongType, s.pos, "not an object")
	}
	m.self.from = int32(s.pos)
	s.pos++
	if s.take('}') {
		m.self.to = int32(s.pos)
		return nil
	}
	for {
		if err := m.member(&s); err != nil {
			return err
		}
		if s.take('}') {
			m.self.to = int32(s.pos)
			return nil
		}
		if err := s.want(','); err != nil {
			return err
		}
	}
}

func (m *members) member(s *scanner) error {
	quoted, err := s.name()
	if err != nil {
		return err
	}
	value, err := s.value(1)
	if err != nil {
		return err
	}
	f := fieldOf(unquote(m.body[quoted.from:quoted.to]))
	if f == fUnknown {
		return nil
	}
	if m.has(f) {
		return malformed(ReasonDuplicateKey, int(quoted.from), "%q is given twice", fieldNames[f])
	}
	m.at[f] = value
	return nil
}

func (m *members) has(f field) bool { return !m.at[f].isZero() }

// raw is a field's value, nil when absent or null.
func (m *members) raw(f field) RawJSON {
	at := m.at[f]
	if at.isZero() || m.body[at.from] == 'n' {
		return nil
	}
	return m.body[at.from:at.to:at.to]
}

// text is a string field, "" when absent or null.
func (m *members) text(f field) string { return alias(m.textBytes(f)) }

func (m *members) textBytes(f field) []byte {
	v := m.raw(f)
	switch {
	case v == nil:
		return nil
	case v[0] != '"':
		m.wrongType(f, "a string")
		return nil
	}
	return unquoteBytes(v)
}

// flag is a field that is true or false, as such or as a string, as CloudTrail has both; known is false when the
// record says neither.
func (m *members) flag(f field) (value, known bool) {
	switch string(m.raw(f)) {
	case "true", `"true"`:
		return true, true
	case "false", `"false"`:
		return false, true
	case "", `""`:
		return false, false
	}
	m.wrongType(f, "true or false")
	return false, false
}

// object scans the object a field holds into inner and reports whether there is one.
func (m *members) object(f field, inner *members) bool {
	if m.err != nil || m.raw(f) == nil {
		return false
	}
	if m.body[m.at[f].from] != '{' {
		m.wrongType(f, "an object")
		return false
	}
	m.err = inner.scan(m.body, m.at[f])
	return m.err == nil
}

// maxElements bounds a list: a message of 1 MiB has no room for more records than that, but for very many brackets.
const maxElements = 10_000

// each calls visit with every element of the array a field holds, until visit or the array gives an error.
func (m *members) each(f field, visit func(i int, at span) error) error {
	at := m.at[f]
	s := scanner{text: m.body[:at.to], pos: int(at.from)}
	if !s.take('[') {
		return malformed(ReasonWrongType, s.pos, "%q is not an array", fieldNames[f])
	}
	if s.take(']') {
		return nil
	}
	for i := range maxElements {
		value, err := s.value(1)
		if err != nil {
			return err
		}
		if err := visit(i, value); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if err := s.want(','); err != nil {
			return err
		}
	}
	return malformed(ReasonTooMany, s.pos, "%q has more than %d elements", fieldNames[f], maxElements)
}

func (m *members) wrongType(f field, want string) {
	if m.err == nil {
		m.err = malformed(ReasonWrongType, int(m.at[f].from), "%q is not %s", fieldNames[f], want)
	}
}

// missing notes that a field every record must have is absent or empty.
func (m *members) missing(f field) {
	if m.err == nil {
		m.err = malformed(ReasonMissingField, 0, "%q is missing", fieldNames[f])
	}
}
