package main

import (
	"bytes"
	_ "embed" // the templates
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

//go:embed events/decrypt.json
var decryptTemplate []byte

//go:embed events/disable-key-rotation.json
var disableTemplate []byte

const (
	// eventsSpan is the time over which the events of the intake are spread.
	eventsSpan = 3 * time.Hour
	// roles is how many principals use the key.
	roles = 24
)

// eventTemplate is an EventBridge event with placeholders, without the white space of its file.
type eventTemplate string

func newTemplate(file []byte) (eventTemplate, error) {
	text := jsontext.Value(bytes.Clone(file))
	if err := text.Compact(); err != nil {
		return "", fmt.Errorf("an event's template: %w", err)
	}
	return eventTemplate(text), nil
}

// event is what differs between events of one template. Its number is part of all its ids, run keeps them apart from
// those of other runs.
type event struct {
	run, number int
	key         string // ARN
	at          time.Time
}

func (e event) id() string { return fmt.Sprintf("0f7a1f9e-8f5b-4c4b-%04x-%012x", e.run, e.number) }

func (t eventTemplate) body(e event) string {
	return strings.NewReplacer(
		"$DELIVERY_ID", fmt.Sprintf("c1d6a0e4-1111-4222-%04x-%012x", e.run, e.number),
		"$REQUEST_ID", fmt.Sprintf("b6f0a1de-3f2f-4f4c-%04x-%012x", e.run, e.number),
		"$EVENT_ID", e.id(),
		"$TIME", e.at.UTC().Format(time.RFC3339),
		"$ROLE", fmt.Sprintf("LEDGER%02d", e.number%roles),
		"$USER", fmt.Sprintf("mallory-%d", e.number), // what one user does to many keys is one incident, and told together
		"$KEY", e.key,
	).Replace(string(t))
}

// decrypts makes n events about uses of a key, spread evenly over the last hours and in their order.
func decrypts(run, n int, key string, now time.Time) ([]string, error) {
	t, err := newTemplate(decryptTemplate)
	if err != nil {
		return nil, err
	}
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = t.body(event{run: run, number: i, key: key, at: timeOf(i, n, now)})
	}
	return bodies, nil
}

// timeOf is when event i of n was.
func timeOf(i, n int, now time.Time) time.Time {
	return now.Add(-eventsSpan).Add(eventsSpan * time.Duration(i) / time.Duration(n))
}
