package events

import (
	"iter"
	"strconv"
)

// ParseRaw checks JSON that stood inside a string, such as a custom key store's backingKeysDeletionStatus. The error
// is a *MalformedError.
func ParseRaw(text string) (RawJSON, error) {
	s := scanner{text: []byte(text)}
	at, err := s.value(0)
	if err != nil {
		return nil, err
	}
	return s.text[at.from:at.to], s.end()
}

// Get is the value at a path of member names, nil when there is none or it is null.
func (v RawJSON) Get(path ...string) RawJSON {
	for _, name := range path {
		var found RawJSON
		for member, value := range v.Members() {
			if member == name {
				found = value
				break
			}
		}
		v = found
	}
	return v
}

// Text is a string's text, "" for every other kind of value.
func (v RawJSON) Text() string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return unquote(v)
}

// Int is a whole number, given as a number or as a string that holds one.
func (v RawJSON) Int() (n int64, ok bool) {
	text := v.Text()
	if text == "" {
		text = alias(v)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Bool is a truth value, given as such or as a string that holds one.
func (v RawJSON) Bool() (value, ok bool) {
	switch string(v) {
	case "true", `"true"`:
		return true, true
	case "false", `"false"`:
		return false, true
	}
	return false, false
}

// Members goes over an object's members in their order, nulls left out; none for every other kind of value.
func (v RawJSON) Members() iter.Seq2[string, RawJSON] {
	return func(yield func(string, RawJSON) bool) {
		s := scanner{text: v}
		if !s.take('{') || s.take('}') {
			return
		}
		for {
			quoted, err := s.name()
			if err != nil {
				return
			}
			at, err := s.value(0)
			if err != nil {
				return
			}
			if v[at.from] != 'n' && !yield(unquote(v[quoted.from:quoted.to]), v[at.from:at.to:at.to]) {
				return
			}
			if !s.take(',') {
				return
			}
		}
	}
}

// Elements goes over an array's elements; none for every other kind of value.
func (v RawJSON) Elements() iter.Seq[RawJSON] {
	return func(yield func(RawJSON) bool) {
		s := scanner{text: v}
		if !s.take('[') || s.take(']') {
			return
		}
		for {
			at, err := s.value(0)
			if err != nil || !yield(v[at.from:at.to:at.to]) || !s.take(',') {
				return
			}
		}
	}
}
