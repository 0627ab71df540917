package events

import "fmt"

// Reason says in one stable word why bytes could not be decoded; it is a metric label and part of a finding's identity.
type Reason string

// The reasons there are.
const (
	ReasonEmpty        Reason = "empty"
	ReasonTooLarge     Reason = "too-large"
	ReasonUTF8         Reason = "invalid-utf8"
	ReasonSyntax       Reason = "syntax"
	ReasonTrailing     Reason = "trailing-text"
	ReasonTooDeep      Reason = "too-deep"
	ReasonTooMany      Reason = "too-many"
	ReasonDuplicateKey Reason = "duplicate-key"
	ReasonWrongType    Reason = "wrong-type"
	ReasonMissingField Reason = "missing-field"
	ReasonBadTime      Reason = "bad-time"
	ReasonUnknownShape Reason = "unknown-shape"
	ReasonSNSNesting   Reason = "sns-nesting"
)

// MalformedError is why a message, or one record, could not be decoded.
type MalformedError struct {
	Reason Reason
	Offset int    // bytes into the body (the innermost one, when SNS wraps it) or the record
	Detail string // for people; names fields, never their values
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("malformed (%s) at byte %d: %s", e.Reason, e.Offset, e.Detail)
}

// Malformed is a record inside a log file that could not be decoded while the rest of the file could.
type Malformed struct {
	Raw    RawJSON
	Index  int // position in the file's Records
	Reason Reason
	Detail string
}

func malformed(reason Reason, offset int, format string, args ...any) error {
	return &MalformedError{Reason: reason, Offset: offset, Detail: fmt.Sprintf(format, args...)}
}
