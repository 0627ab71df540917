package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/events"
	"rotd/internal/events/queue"
	"rotd/internal/state"
)

// mutate damages a body in one of the ways bodies get damaged, or leaves it as it is.
func mutate(rng *rand.Rand, body string) string {
	at := rng.IntN(len(body))
	switch rng.IntN(8) {
	case 0:
		return body[:at]
	case 1:
		return body[:at] + string(rune(rng.IntN(256))) + body[at+1:]
	case 2:
		return body[:at] + `"eventID":"twice",` + body[at:]
	case 3:
		return strings.Repeat("[", rng.IntN(3000)) + body
	case 4:
		return strings.Replace(body, `"eventTime":"20`, `"eventTime":"`+fmt.Sprint(rng.IntN(90)), 1)
	case 5:
		return wrapped(body)
	}
	return body
}

// storm is 2,000 messages, a good part of them damaged, some twice.
func storm(w *world, arn string) []string {
	rng := rand.New(rand.NewPCG(7, 7))
	names := []string{"Decrypt", "DisableKey", "TagResource", "GetKeyPolicy"}
	bodies := make([]string, 0, 2000)
	for len(bodies) < 2000 {
		r := w.aRecord(names[rng.IntN(len(names))], arn)
		body := r.bridged()
		if rng.IntN(10) == 0 {
			body = file(r, w.aRecord("Decrypt", arn), w.aRecord("Decrypt", arn).with("eventID", 7))
		}
		body = mutate(rng, body)
		bodies = append(bodies, body)
		if rng.IntN(20) == 0 {
			bodies = append(bodies, body)
		}
	}
	return bodies[:2000]
}

// spy counts what the engine is given, receive by receive.
type spy struct {
	mu                             sync.Mutex
	messages, records, undecodable int
}

func (s *spy) see(d *events.Decoder, b *queue.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Messages {
		s.messages++
		c, err := d.Decode(b.Messages[i].Body)
		if err != nil {
			s.undecodable++
			s.records++
			continue
		}
		s.records += c.Records()
	}
}

func TestEveryMessageAndRecordIsAccountedFor(t *testing.T) {
	for name, redrive := range map[string]bool{
		"with a redrive policy the dead-letter queue gets what cannot be decoded": true,
		"without one it is acknowledged at the fifth receive":                     false,
	} {
		t.Run(name, func(t *testing.T) {
			var s spy
			var decoder *events.Decoder
			w := newWorld(t, silent, func(w *world) {
				decoder = events.NewDecoder(w.settings.Judge)
				w.spy = func(b *queue.Batch) { s.see(decoder, b) }
				if redrive {
					w.redrive()
				}
			})
			w.await("the queue's attributes", func() bool { return !w.consumer.Status().Attributes.ReadAt.IsZero() })
			arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
			bodies := storm(w, arn)
			bad := 0
			for _, body := range bodies {
				if _, err := decoder.Decode([]byte(body)); err != nil {
					bad++
				}
			}
			w.send(bodies...)
			for receive := 1; receive <= 5; receive++ {
				w.await(fmt.Sprintf("receive %d of what cannot be decoded", receive), func() bool {
					s.mu.Lock()
					defer s.mu.Unlock()
					return s.undecodable >= receive*bad && w.consumer.Status().Unsettled == 0 &&
						w.consumer.Status().InHand == 0
				})
				w.sim.Clock().Advance(undecodableAfter + time.Second)
			}
			w.drained()
			if bad < 200 {
				t.Fatalf("only %d of the bodies cannot be decoded: the storm is none", bad)
			}
			w.await("the dead-letter queue to hold what cannot be decoded", func() bool {
				dead, err := w.sim.QueueDepth(w.dead)
				return err == nil && (dead.Visible == bad) == redrive && (dead.Visible == 0) != redrive
			})
			const messages, records = "rotd_messages_total", "rotd_records_total"
			if in := w.counter("rotd_messages_received_total"); in != s.messages || w.counter(messages) != in {
				t.Errorf("received %d, counted in %d, as outcomes %d", s.messages, in, w.counter(messages))
			}
			if got := w.counter(records); got != s.records {
				t.Errorf("of %d records %d have an outcome", s.records, got)
			}
			distinct := w.counter(messages, "quarantined")
			w.view(func(tx *state.Tx) error {
				kept, _, err := tx.QuarantineCount()
				if set := w.counter(records, "quarantined"); kept != set || distinct > kept || distinct == 0 {
					t.Errorf("quarantined are %d messages and %d records, kept are %d", distinct, set, kept)
				}
				return err
			})
			if f := w.engine.IntakeStopped(); f != "" || w.counter("rotd_panics_total") != 0 {
				t.Errorf("intake: %q, panics: %d", f, w.counter("rotd_panics_total"))
			}
		})
	}
}

func TestDisorderAndRedeliveryDoNothingTwice(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/watched"}, RotationPeriod: 365})
	w.sweep(Inventory)
	w.check(w.sim.Disorder(w.queue, awssim.Disorder{Duplicates: 0.3, Reordering: 0.3}))
	const n = 200
	for range n {
		w.send(w.aRecord("RotateKeyOnDemand", arn).bridged())
	}
	w.drained()
	f := w.awaitFound("rotation-unplanned", "open")
	if f.Count != n || f.Severity.String() != "HIGH" {
		t.Errorf("counted %d rotations of %d, %s", f.Count, n, f.Severity)
	}
	if got := w.counter("rotd_records_total", "processed"); got < n {
		t.Errorf("processed %d", got)
	}
	if got := w.counter("rotd_records_total", "duplicate"); got < n/10 {
		t.Errorf("only %d duplicates: there was no disorder", got)
	}
}

func TestNativeEventsAndTheirTwinsAreOne(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{DeletionDate: time.Now().Add(time.Minute)})
	w.sim.Clock().Advance(time.Minute) // no further, or a message received on the way would come a second time
	w.await("both records of the deletion", func() bool { return w.counter("rotd_records_total", "duplicate") == 1 })
	w.drained()
	if f := w.found("key-deleted"); f == nil || f.Count != 1 || f.KeyARN != arn {
		t.Errorf("got %+v", f)
	}
}
