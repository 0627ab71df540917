package awssim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"go.uber.org/zap"
)

// EventRule is an EventBridge rule on the default bus with a queue as its target. A rule sees the accounts and Regions
// it names; naming none means all.
type EventRule struct {
	Queue    string // ARN, URL or name
	Accounts []string
	Regions  []string
	Sources  []string // of events, such as aws.kms; none for all

	// ReadOnly lets read-only management events through, cryptographic calls among them: the rule state
	// ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS.
	ReadOnly bool
	Native   bool // the service's own events, such as KMS CMK Rotation, too

	Delay      time.Duration // simulated, until an event is in the queue
	Jitter     time.Duration // up to so much more, so that events overtake each other
	Duplicates float64       // probability that an event is delivered twice
	Lost       float64       // probability that it never is
}

// maxRecords is how many records the trail remembers for Records.
const maxRecords = 10_000

// cloudTrail records what happens and hands it to the rules.
type cloudTrail struct {
	sim *Sim

	mu      sync.Mutex
	rules   []EventRule
	records []Record // the latest, oldest first
}

// AddEventRule puts a rule in force. Its queue must exist.
func (s *Sim) AddEventRule(r EventRule) error {
	if _, err := s.sqs.find(r.Queue); err != nil {
		return fmt.Errorf("awssim: target of an event rule: %w", err)
	}
	t := s.KMS().trail
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rules = append(t.rules, r)
	return nil
}

// RemoveEventRules takes every rule out of force, as whoever wants to go unseen does. What is on its way still comes.
func (s *Sim) RemoveEventRules() {
	t := s.KMS().trail
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rules = nil
}

// EmitRecord records something that happened to any service, as if CloudTrail had seen it, and returns its eventID.
// The caller gives at least EventSource, EventName, AWSRegion and RecipientAccountID; what every record has and this
// one lacks is filled in.
func (s *Sim) EmitRecord(r Record) (eventID string) { return s.KMS().trail.emit(r) }

// Records are the latest 10,000 records, oldest first: what CloudTrail saw, whether or not a rule wanted it.
func (s *Sim) Records() []Record {
	t := s.KMS().trail
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.records)
}

func (t *cloudTrail) emit(r Record) (eventID string) {
	t.complete(&r)
	t.mu.Lock()
	if len(t.records) == maxRecords {
		t.records = slices.Delete(t.records, 0, maxRecords/2)
	}
	t.records = append(t.records, r)
	t.mu.Unlock()

	service, _, _ := strings.Cut(r.EventSource, ".")
	t.send(r.ReadOnly, false, busEvent{
		ID: t.sim.newUUID(), DetailType: detailType(r.EventType), Source: "aws." + service,
		Account: r.RecipientAccountID, Time: r.EventTime, Region: r.AWSRegion, Resources: []string{}, Detail: r,
	})
	return r.EventID
}

// complete fills in what every record has.
func (t *cloudTrail) complete(r *Record) {
	setDefault(&r.EventVersion, "1.11")
	setDefault(&r.EventType, "AwsApiCall")
	setDefault(&r.EventCategory, "Management")
	setDefault(&r.SourceIPAddress, awsInternal)
	if r.EventID == "" {
		r.EventID = t.sim.newUUID()
	}
	if r.RequestID == "" && r.EventType == "AwsApiCall" {
		r.RequestID = t.sim.newUUID()
	}
	if r.EventTime.IsZero() {
		r.EventTime = t.sim.clock.Now()
	}
	r.EventTime = r.EventTime.UTC().Truncate(time.Second)
	r.ManagementEvent = r.EventCategory == "Management"
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

func detailType(eventType string) string {
	switch eventType {
	case "AwsServiceEvent":
		return "AWS Service Event via CloudTrail"
	case "AwsConsoleAction":
		return "AWS Console Action via CloudTrail"
	case "AwsConsoleSignIn":
		return "AWS Console Sign In via CloudTrail"
	default:
		return "AWS API Call via CloudTrail"
	}
}

// native sends an event that KMS itself puts on the bus.
func (t *cloudTrail) native(detailType string, e kmsEvent, detail map[string]any) {
	t.send(false, true, busEvent{
		ID: t.sim.newUUID(), DetailType: detailType, Source: "aws.kms", Account: e.key.Account,
		Time: e.at.UTC().Truncate(time.Second), Region: e.key.Region, Resources: []string{e.key.ARN}, Detail: detail,
	})
}

// busEvent is EventBridge's envelope.
type busEvent struct {
	Version    string    `json:"version"`
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"`
	Detail     any       `json:"detail"`
}

// send puts an event into the queues of the rules that want it.
func (t *cloudTrail) send(readOnly, native bool, e busEvent) {
	t.mu.Lock()
	rules := slices.Clone(t.rules)
	t.mu.Unlock()
	e.Version = "0"
	for _, r := range rules {
		if !r.wants(readOnly, native, e) || t.sim.chance(r.Lost) {
			continue
		}
		body, err := json.Marshal(e, json.FormatNilMapAsNull(true))
		if err != nil {
			t.sim.log.Error("marshalling a simulated event", zap.String("id", e.ID), zap.Error(err))
			return
		}
		t.deliver(r, string(body))
		if t.sim.chance(r.Duplicates) {
			t.deliver(r, string(body))
		}
	}
}

func (t *cloudTrail) deliver(r EventRule, body string) {
	delay := r.Delay
	if r.Jitter > 0 {
		delay += time.Duration(t.sim.pick(int(r.Jitter)))
	}
	if _, err := t.sim.Deliver(Delivery{Queue: r.Queue, Body: body, Delay: delay}); err != nil {
		t.sim.log.Error("delivering a simulated event", zap.String("queue", r.Queue), zap.Error(err))
	}
}

func (r EventRule) wants(readOnly, native bool, e busEvent) bool {
	has := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	return (r.ReadOnly || !readOnly) && (r.Native || !native) &&
		has(r.Accounts, e.Account) && has(r.Regions, e.Region) && has(r.Sources, e.Source)
}
