package main

import (
	"fmt"
	"regexp"
	"sync"
	"time"

	"rotd/internal/awssim"
)

// alertsWithin is how long the last alert may take.
const alertsWithin = 30 * time.Second

var eventIDs = regexp.MustCompile(`"event_id":"([0-9a-f-]{36})"`)

// stopwatch takes the time from an event's arrival in the queue to SNS taking the first message that names it.
type stopwatch struct {
	mu      sync.Mutex
	arrived map[string]time.Time // by eventID
	took    []time.Duration
}

func (s *stopwatch) start(eventID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived[eventID] = time.Now()
}

func (s *stopwatch) stop(p awssim.Published) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, match := range eventIDs.FindAllStringSubmatch(p.Message, -1) {
		if at, ok := s.arrived[match[1]]; ok {
			delete(s.arrived, match[1])
			s.took = append(s.took, now.Sub(at))
		}
	}
}

func (s *stopwatch) done() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrived) == 0, nil
}

// AlertKeys makes the keys that the events of Alerts are about, one for each, before rotd takes its first inventory:
// alerts about one key would be told together.
func (c *Control) AlertKeys(events int, _ *int) error {
	for i := range events {
		arn, err := c.s.newKey(fmt.Sprintf("alias/alert-%03d", i))
		if err != nil {
			return err
		}
		c.s.alertKeys = append(c.s.alertKeys, arn)
	}
	return nil
}

// Alerts puts an event of a rotation turned off into the queue for each of the keys, so far apart, and returns how long
// each took to be told.
func (c *Control) Alerts(apart time.Duration, took *[]time.Duration) error {
	t, err := newTemplate(disableTemplate)
	if err != nil {
		return err
	}
	watch := &stopwatch{arrived: make(map[string]time.Time)}
	defer c.s.sim.OnPublish(watch.stop)()
	c.s.runs++
	tick := time.NewTicker(apart)
	defer tick.Stop()
	for i, key := range c.s.alertKeys {
		e := event{run: c.s.runs, number: i, key: key, at: time.Now()}
		watch.start(e.id())
		if _, err := c.s.sim.Send(c.s.aws.Queue, t.body(e)); err != nil {
			return fmt.Errorf("put an event into the queue: %w", err)
		}
		<-tick.C
	}
	if err := until(alertsWithin, watch.done); err != nil {
		return fmt.Errorf("not every event was told: %w", err)
	}
	*took = watch.took
	return nil
}
