package events

import "slices"

// uniqueNames refuses an object in value, at any depth, that gives a name twice. It goes over the parts of a record
// that rules read by paths of their own, so that every reader of them sees the same thing whichever parser it uses.
func uniqueNames(body []byte, at span) error {
	s := scanner{text: body[:at.to], pos: int(at.from)}
	return s.unique()
}

func (s *scanner) unique() error {
	switch s.peek() {
	case '{':
		return s.uniqueMembers()
	case '[':
		s.pos++
		if s.take(']') {
			return nil
		}
		for {
			if err := s.unique(); err != nil {
				return err
			}
			if !s.take(',') {
				return s.want(']')
			}
		}
	}
	_, err := s.value(0)
	return err
}

func (s *scanner) uniqueMembers() error {
	s.pos++
	if s.take('}') {
		return nil
	}
	var seen nameSet
	for {
		quoted, err := s.name()
		if err != nil {
			return err
		}
		if !seen.add(unquote(s.text[quoted.from:quoted.to])) {
			return malformed(ReasonDuplicateKey, int(quoted.from), "a name is given twice inside the record's parts")
		}
		if err := s.unique(); err != nil {
			return err
		}
		if !s.take(',') {
			return s.want('}')
		}
	}
}

// nameSet is a set that costs nothing while it is small, as objects nearly always are.
type nameSet struct {
	few  [12]string
	n    int
	many map[string]struct{}
}

// add reports whether name is new.
func (set *nameSet) add(name string) bool {
	if slices.Contains(set.few[:set.n], name) {
		return false
	}
	if set.n < len(set.few) {
		set.few[set.n] = name
		set.n++
		return true
	}
	if _, have := set.many[name]; have {
		return false
	}
	if set.many == nil {
		set.many = make(map[string]struct{})
	}
	set.many[name] = struct{}{}
	return true
}
