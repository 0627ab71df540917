package queue

import (
	"bytes"
	"errors"
	"fmt"
)

// maxDepth bounds the nesting of a ReceiveMessage answer. SQS's own is 4.
const maxDepth = 64

var errTruncated = errors.New("unexpected end of JSON")

// decodeReceive reads the JSON body of a ReceiveMessage answer in one pass. It unescapes in place: data is overwritten
// and the message bodies are sub-slices of it, so that a batch costs one buffer. That works because no JSON escape is
// shorter than the bytes it stands for. Members this package has no use for are checked and skipped; of a repeated
// member the last counts, as in the SDK. Invalid UTF-8 is passed on as it is: judging it is the reader's business.
func decodeReceive(data []byte) ([]Message, error) {
	if len(data) == 0 {
		return nil, nil
	}
	d := decoder{data: data}
	var msgs []Message
	err := d.object(func(key []byte) error {
		if string(key) != "Messages" || d.null() {
			return d.skip()
		}
		msgs = make([]Message, 0, maxBatch)
		return d.array(func() error {
			msgs = append(msgs, Message{})
			return d.message(&msgs[len(msgs)-1])
		})
	})
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", d.pos, err)
	}
	if d.space(); d.pos != len(d.data) {
		return nil, fmt.Errorf("at byte %d: data after the answer", d.pos)
	}
	return msgs, nil
}

// decoder walks JSON text. Its methods stand on the first byte of what they read, or on space before it.
type decoder struct {
	data  []byte
	pos   int
	depth int
}

func (d *decoder) message(m *Message) error {
	if d.null() {
		return d.skip()
	}
	return d.object(func(key []byte) error {
		if d.null() {
			return d.skip()
		}
		switch string(key) {
		case "MessageId":
			return d.text(&m.ID)
		case "ReceiptHandle":
			return d.text(&m.ReceiptHandle)
		case "Body":
			body, err := d.str()
			m.Body = body
			return err
		case "Attributes":
			m.clearAttributes()
			return d.object(func(key []byte) error { return d.attribute(m, key) })
		}
		return d.skip()
	})
}

func (d *decoder) attribute(m *Message, name []byte) error {
	var value []byte
	var err error
	if d.null() {
		err = d.skip()
	} else {
		value, err = d.str()
	}
	m.setAttribute(string(name), string(value))
	return err
}

func (d *decoder) text(dst *string) error {
	b, err := d.str()
	*dst = string(b)
	return err
}

// object calls member with each key, standing before its value, which member must read or skip.
func (d *decoder) object(member func(key []byte) error) error {
	return d.list('{', '}', func() error {
		key, err := d.str()
		if err != nil {
			return err
		}
		if err := d.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

func (d *decoder) array(element func() error) error { return d.list('[', ']', element) }

func (d *decoder) list(open, end byte, item func() error) error {
	if err := d.expect(open); err != nil {
		return err
	}
	if d.depth++; d.depth > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	defer func() { d.depth-- }()
	if d.peek() == end {
		d.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch c := d.peek(); c {
		case ',':
			d.pos++
		case end:
			d.pos++
			return nil
		default:
			return d.unexpected()
		}
	}
}

// skip checks one value and passes over it.
func (d *decoder) skip() error {
	switch c := d.peek(); {
	case c == '{':
		return d.object(func([]byte) error { return d.skip() })
	case c == '[':
		return d.array(d.skip)
	case c == '"':
		_, err := d.str()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	for _, literal := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(d.data[d.pos:], []byte(literal)) {
			d.pos += len(literal)
			return nil
		}
	}
	return d.unexpected()
}

func (d *decoder) number() error {
	if d.at('-') {
		d.pos++
	}
	if d.at('0') {
		d.pos++
	} else if !d.digits() {
		return d.unexpected()
	}
	if d.at('.') {
		d.pos++
		if !d.digits() {
			return d.unexpected()
		}
	}
	if d.at('e') || d.at('E') {
		d.pos++
		if d.at('+') || d.at('-') {
			d.pos++
		}
		if !d.digits() {
			return d.unexpected()
		}
	}
	return nil
}

func (d *decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
		d.pos++
	}
	return d.pos > start
}

func (d *decoder) at(c byte) bool { return d.pos < len(d.data) && d.data[d.pos] == c }

// null says whether the next value begins like null; skip reads it.
func (d *decoder) null() bool { return d.peek() == 'n' }

// peek passes over space and returns the next byte, 0 at the end.
func (d *decoder) peek() byte {
	d.space()
	if d.pos == len(d.data) {
		return 0
	}
	return d.data[d.pos]
}

func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) expect(c byte) error {
	if d.peek() != c {
		return d.unexpected()
	}
	d.pos++
	return nil
}

func (d *decoder) unexpected() error {
	if d.pos >= len(d.data) {
		return errTruncated
	}
	return fmt.Errorf("unexpected %q", d.data[d.pos])
}
