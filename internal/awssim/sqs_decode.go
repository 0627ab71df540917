package awssim

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// decodeReceive reads ReceiveMessage's input token by token: it is on the path that benchmarks measure.
func decodeReceive(body []byte) (receiveInput, error) {
	in := receiveInput{MaxNumberOfMessages: 1, VisibilityTimeout: -1, WaitTimeSeconds: -1}
	d := newScanner(body)
	err := d.object(func(name string) error {
		switch name {
		case "QueueUrl":
			return d.text(&in.QueueURL)
		case "MaxNumberOfMessages":
			return d.number(&in.MaxNumberOfMessages)
		case "VisibilityTimeout":
			return d.number(&in.VisibilityTimeout)
		case "WaitTimeSeconds":
			return d.number(&in.WaitTimeSeconds)
		case "AttributeNames", "MessageSystemAttributeNames":
			return d.array(func() error {
				var attribute string
				err := d.text(&attribute)
				in.Attributes.add(attribute)
				return err
			})
		case "MessageAttributeNames":
			return d.array(func() error {
				var attribute string
				err := d.text(&attribute)
				in.MessageAttributes = append(in.MessageAttributes, attribute)
				return err
			})
		}
		return d.skip()
	})
	return in, err
}

// handleEntry is an entry of DeleteMessageBatch or ChangeMessageVisibilityBatch.
type handleEntry struct {
	ID                string
	ReceiptHandle     string
	VisibilityTimeout int
}

// decodeHandles reads the input of the batch operations on receipt handles.
func decodeHandles(body []byte) (queueURL string, entries []handleEntry, err error) {
	d := newScanner(body)
	entries = make([]handleEntry, 0, 10)
	err = d.object(func(name string) error {
		switch name {
		case "QueueUrl":
			return d.text(&queueURL)
		case "Entries":
			return d.array(func() error {
				e, err := d.handleEntry()
				entries = append(entries, e)
				return err
			})
		}
		return d.skip()
	})
	return queueURL, entries, err
}

func (d *scanner) handleEntry() (e handleEntry, err error) {
	err = d.object(func(name string) error {
		switch name {
		case "Id":
			return d.text(&e.ID)
		case "ReceiptHandle":
			return d.text(&e.ReceiptHandle)
		case "VisibilityTimeout":
			return d.number(&e.VisibilityTimeout)
		}
		return d.skip()
	})
	return e, err
}

// scanner walks JSON without reflection. Its errors are API errors.
type scanner struct{ *jsontext.Decoder }

func newScanner(body []byte) *scanner {
	return &scanner{jsontext.NewDecoder(bytes.NewBuffer(body))}
}

func malformed(detail string) error {
	return apiErrorf("SerializationException", 0, "the request is not as the model has it: %s", detail)
}

func (d *scanner) next(kind jsontext.Kind) (jsontext.Token, error) {
	t, err := d.ReadToken()
	if err != nil {
		return t, malformed(err.Error())
	}
	if t.Kind() != kind {
		return t, malformed("unexpected " + t.Kind().String())
	}
	return t, nil
}

// object calls member for each name; member reads the value.
func (d *scanner) object(member func(name string) error) error {
	if _, err := d.next('{'); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.next('"')
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := d.next('}')
	return err
}

// array calls element for each element; element reads it.
func (d *scanner) array(element func() error) error {
	if _, err := d.next('['); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.next(']')
	return err
}

func (d *scanner) text(into *string) error {
	t, err := d.next('"')
	if err == nil {
		*into = t.String()
	}
	return err
}

func (d *scanner) number(into *int) error {
	t, err := d.next('0')
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(t.String())
	if err != nil {
		return malformed(err.Error())
	}
	*into = n
	return nil
}

func (d *scanner) skip() error {
	if err := d.SkipValue(); err != nil {
		return malformed(err.Error())
	}
	return nil
}
