// Package eventbridge writes the event pattern of the rule that feeds rotd's queue, from what the loaded rules want:
// nothing more is delivered and paid for. It is pure, and asks EventBridge nothing.
package eventbridge

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/detection"
)

// MaxPattern is how many characters of a pattern EventBridge takes.
const MaxPattern = 2048

// kmsSource is KMS's eventSource, the one service that tells of itself without CloudTrail too.
const kmsSource = "kms.amazonaws.com"

// Pattern is an event pattern: all its fields match, one of their values each, and one of Or.
type Pattern struct {
	Source     []any     `json:"source,omitempty"` // names and prefixes
	DetailType []string  `json:"detail-type,omitempty"`
	Detail     *Detail   `json:"detail,omitempty"`
	Or         []Pattern `json:"$or,omitempty"`
}

// Detail is what is asked of CloudTrail's record.
type Detail struct {
	EventSource []string `json:"eventSource"`
	EventName   []string `json:"eventName,omitempty"`
}

type prefix struct {
	Prefix string `json:"prefix"`
}

// fromAWS matches what AWS itself sends: nobody else may put events whose source begins so on a bus.
func fromAWS() []any { return []any{prefix{"aws."}} }

// New is the pattern for what rules want. Every event of KMS is wanted, its own ones besides CloudTrail's.
func New(wanted []detection.Wanted) *Pattern {
	alternatives := []Pattern{{Source: []any{"aws.kms"}}}
	for _, w := range wanted {
		if w.Source != kmsSource {
			detail := Detail{EventSource: []string{w.Source}, EventName: w.Names}
			alternatives = append(alternatives, Pattern{Source: fromAWS(), Detail: &detail})
		}
	}
	return either(alternatives)
}

// Sources is New without the names of events: all that services record, of which rotd ignores what no rule wants.
func Sources(wanted []detection.Wanted) *Pattern {
	alternatives := []Pattern{{Source: []any{"aws.kms"}}}
	var others []string
	for _, w := range wanted {
		if w.Source != kmsSource {
			others = append(others, w.Source)
		}
	}
	if len(others) > 0 {
		alternatives = append(alternatives, Pattern{Source: fromAWS(), Detail: &Detail{EventSource: others}})
	}
	return either(alternatives)
}

// either is one of the alternatives; EventBridge takes $or for a field's name when it has only one.
func either(alternatives []Pattern) *Pattern {
	p := &Pattern{DetailType: []string{
		"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Action via CloudTrail",
		"KMS CMK Rotation", "KMS Imported Key Material Expiration", "KMS CMK Deletion",
	}}
	if len(alternatives) == 1 {
		p.Source = alternatives[0].Source
		return p
	}
	p.Or = alternatives
	return p
}

// TooLongError says that EventBridge would refuse a pattern.
type TooLongError struct{ Length int }

func (e *TooLongError) Error() string {
	return fmt.Sprintf("the event pattern has %d characters, and EventBridge takes %d", e.Length, MaxPattern)
}

// JSON is the pattern in as few characters as there may be; a *TooLongError when those are too many.
func (p *Pattern) JSON() ([]byte, error) {
	text, err := json.Marshal(p, jsontext.Multiline(false))
	if err == nil && len(text) > MaxPattern {
		err = &TooLongError{Length: len(text)}
	}
	return text, err
}
