package events

// Kind says what a message turned out to hold.
type Kind uint8

// The kinds of content. A list that has both log objects and records is Objects.
const (
	Nothing Kind = iota // a test event, a validation message, an event of no interest
	Records             // records, wanted or not
	Objects             // log objects still to be read
)

// String is the kind's name in logs.
func (k Kind) String() string { return [...]string{"nothing", "records", "objects"}[k] }

// Content is everything one message means. It shares memory with the message's body.
//
// For every message decoded without error, len(Events) + Ignored.Total() + len(Malformed) + len(Objects) is at least
// one: each Event will be processed or a duplicate, each Malformed quarantined, and an object's records are counted
// when it is read.
type Content struct {
	Kind      Kind
	Events    []Event
	Ignored   Ignored
	Objects   []ObjectRef
	Malformed []Malformed
}

// Records is how many records the message stands for, its log objects' own records aside.
func (c *Content) Records() int { return len(c.Events) + c.Ignored.Total() + len(c.Malformed) }

func (c *Content) kind() Kind {
	switch {
	case len(c.Objects) > 0:
		return Objects
	case len(c.Events)+len(c.Malformed)+c.Ignored[NotWanted]+c.Ignored[NotACall] > 0:
		return Records
	}
	return Nothing
}

// orEmpty makes a list of nothing count as one.
func (c *Content) orEmpty() Content {
	if c.Records() == 0 && len(c.Objects) == 0 {
		c.Ignored[EmptyFile] = 1
	}
	return *c
}

// ObjectRef names a log object in S3.
type ObjectRef struct {
	Bucket string
	Key    string
	Region string // the bucket's; "" when the notification does not say
}

// IgnoredReason is why a record, or a message that holds none, is ignored: acknowledged and counted.
type IgnoredReason uint8

// The reasons there are.
const (
	wantedRecord      IgnoredReason = iota
	NotWanted                       // no loaded rule wants this source and name
	NotACall                        // an Insight, network activity or aggregate
	UnknownEvent                    // an EventBridge event of another source or detail-type
	ValidationMessage               // CloudTrail's greeting to a new topic
	TestEvent                       // S3's greeting to a new target
	SNSControl                      // SNS asking for or ending a subscription
	OtherS3Event                    // an S3 notification about something other than a new object
	SkippedFile                     // an object that holds no records of calls
	EmptyFile                       // a list of no records
	ignoredReasons
)

// String is the reason as metrics and summaries have it.
func (r IgnoredReason) String() string {
	return [ignoredReasons]string{
		NotWanted:         "not-wanted",
		NotACall:          "not-a-call",
		UnknownEvent:      "unknown-event",
		ValidationMessage: "validation-message",
		TestEvent:         "test-event",
		SNSControl:        "sns-control",
		OtherS3Event:      "other-s3-event",
		SkippedFile:       "skipped-file",
		EmptyFile:         "empty-file",
	}[r]
}

// Ignored counts what was ignored, by reason.
type Ignored [ignoredReasons]int

// Total is how much was ignored for whatever reason.
func (i *Ignored) Total() int {
	total := 0
	for _, n := range i {
		total += n
	}
	return total
}

// Each calls visit with every reason that has a count, in a fixed order.
func (i *Ignored) Each(visit func(reason IgnoredReason, n int)) {
	for reason, n := range i {
		if n > 0 {
			visit(IgnoredReason(reason), n)
		}
	}
}
