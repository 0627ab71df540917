package events

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// MaxBody is how long a message may be, in bytes: SQS's own limit.
const MaxBody = 1 << 20

// maxSNSWrappers is how many SNS notifications may stand inside each other: one is usual, two a topic behind a topic.
const maxSNSWrappers = 3

// Interest says which records some rule wants. The strings may share memory with a message: clone what is kept.
type Interest interface {
	// Wants reports whether records with this eventSource and eventName are wanted.
	Wants(source, name string) bool
}

// Decoder decodes messages and records. It has no state and may be used by many goroutines.
type Decoder struct{ wants Interest }

// NewDecoder returns a Decoder for the records that wants wants; every record when wants is nil.
func NewDecoder(wants Interest) *Decoder { return &Decoder{wants: wants} }

// Decode peels every envelope off a message and decodes the records in it. The error is always a *MalformedError: the
// message as a whole means nothing. body must not be written to as long as anything of the Content is in use.
func (d *Decoder) Decode(body []byte) (Content, error) {
	c, err := d.decode(body, maxSNSWrappers)
	c.Kind = c.kind()
	return c, err
}

func (d *Decoder) decode(body []byte, wrappers int) (Content, error) {
	if isValidationMessage(body) {
		return ignored(ValidationMessage), nil
	}
	m, err := parse(body, MaxBody)
	if err != nil {
		return Content{}, err
	}
	switch {
	case m.has(fDetailType) && m.has(fSource):
		return d.eventBridge(&m)
	case m.has(fType):
		return d.sns(&m, wrappers)
	case m.has(fRecords):
		return d.list(&m)
	case m.has(fS3Bucket) || m.has(fS3ObjectKey):
		return m.deliveredObjects()
	case m.text(fEvent) == "s3:TestEvent":
		return ignored(TestEvent), nil
	case m.has(fEventSource) || m.has(fEventName) || m.has(fEventID) || m.has(fEventTime):
		return d.single(&m)
	}
	return Content{}, malformed(ReasonUnknownShape, 0, "neither an event nor an envelope that is known")
}

// parse scans a body that must be one JSON object and nothing else.
func parse(body []byte, limit int) (members, error) {
	if len(body) > limit {
		return members{}, malformed(ReasonTooLarge, limit, "longer than %d bytes", limit)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return members{}, malformed(ReasonEmpty, 0, "nothing there")
	}
	if !utf8.Valid(body) {
		return members{}, malformed(ReasonUTF8, invalidAt(body), "not UTF-8")
	}
	var m members
	if err := m.scan(body, span{0, int32(len(body))}); err != nil {
		return members{}, err
	}
	rest := scanner{text: body, pos: int(m.self.to)}
	return m, rest.end()
}

func invalidAt(body []byte) int {
	for i := 0; i < len(body); {
		r, n := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(body)
}

// single decodes a record that stands alone.
func (d *Decoder) single(m *members) (Content, error) {
	var c Content
	if err := d.add(&c, m); err != nil {
		return Content{}, err
	}
	return c, nil
}

func ignored(reason IgnoredReason) Content {
	var c Content
	c.Ignored[reason] = 1
	return c
}

// sns peels an SNS notification. What SNS says about subscriptions is ignored: rotd subscribes nothing by itself.
func (d *Decoder) sns(m *members, wrappers int) (Content, error) {
	kind, message := m.text(fType), m.textBytes(fMessage)
	switch {
	case m.err != nil:
		return Content{}, m.err
	case kind == "SubscriptionConfirmation" || kind == "UnsubscribeConfirmation":
		return ignored(SNSControl), nil
	case kind != "Notification":
		return Content{}, malformed(ReasonUnknownShape, int(m.at[fType].from), "unknown SNS message type")
	case wrappers == 0:
		return Content{}, malformed(ReasonSNSNesting, 0, "more than %d SNS notifications inside each other",
			maxSNSWrappers)
	}
	return d.decode(message, wrappers-1)
}

// list decodes `Records`: a log file's records or an S3 notification's; eventSource tells them apart.
func (d *Decoder) list(m *members) (Content, error) {
	var c Content
	err := m.each(fRecords, func(i int, at span) error {
		d.element(&c, m.body, at, i)
		return nil
	})
	if err != nil {
		return Content{}, err
	}
	return c.orEmpty(), nil
}

// element decodes one of a list's elements into c; one that is malformed is set aside and the rest goes on.
func (d *Decoder) element(c *Content, body []byte, at span, index int) {
	var element members
	err := element.scan(body, at)
	switch {
	case err != nil:
	case element.text(fEventSource) == "aws:s3":
		err = element.notifiedObject(c)
	default:
		err = d.add(c, &element)
	}
	if err != nil {
		c.setAside(body[at.from:at.to:at.to], index, err)
	}
}

func (c *Content) setAside(raw RawJSON, index int, err error) {
	bad := Malformed{Raw: raw, Index: index, Reason: ReasonSyntax, Detail: err.Error()}
	if why, ok := errors.AsType[*MalformedError](err); ok {
		bad.Reason, bad.Detail = why.Reason, why.Detail
	}
	c.Malformed = append(c.Malformed, bad)
}
