package world

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/awssim"
)

// Told is an alert that a topic took, as far as tests look at it.
type Told struct {
	ID    string // alert_id
	Kind  string
	About string // rule id or method of the action, and the alias: `rotation-turned-off alias/pay-cards`

	InIncident bool // it is a finding of an incident, and the alert is the incident's
}

// Kinds of alerts about findings.
const (
	opened   = "finding-opened"
	resolved = "finding-resolved"
)

// String is kind and subject: what a test expects to be told.
func (t Told) String() string { return strings.TrimSpace(t.Kind + " " + t.About) }

// Message is a message that a topic took, in the order of arrival over all topics.
type Message struct {
	Topic   string
	Subject string
	At      time.Time
	Life    int // of the daemon that sent it
	Told    []Told
}

// String says where a message comes from.
func (m Message) String() string {
	return fmt.Sprintf("%s life %d, %q", m.At.Format("15:04:05.000"), m.Life, m.Subject)
}

// told collects what topics take.
type told struct {
	mu       sync.Mutex
	messages []Message
	errs     []error
}

// listen begins to collect.
func (w *World) listen() (stop func()) {
	return w.Sim.OnPublish(func(p awssim.Published) {
		w.told.mu.Lock()
		defer w.told.mu.Unlock()
		m := Message{Topic: p.TopicARN, Subject: p.Subject, At: p.Time}
		var unknown, unread error
		m.Life, unknown = lifeOf(p.PrincipalARN)
		if p.TopicARN == w.Topic {
			m.Told, unread = parseJSON(p.Message)
		} else {
			m.Told = parseText(p.Message)
		}
		if err := errors.Join(unknown, unread); err != nil {
			w.told.errs = append(w.told.errs, err)
		}
		w.told.messages = append(w.told.messages, m)
	})
}

// Messages are all messages that were taken, and what could not be read of them.
func (w *World) Messages() ([]Message, []error) {
	w.told.mu.Lock()
	defer w.told.mu.Unlock()
	return slices.Clone(w.told.messages), slices.Clone(w.told.errs)
}

// HasTold reports whether the topic of everything took an alert.
func (w *World) HasTold(what string) bool { return slices.Contains(w.WasTold(), what) }

// WasTold lists what the topic of everything took, each alert once, sorted.
func (w *World) WasTold() []string {
	messages, _ := w.Messages()
	return each(slices.DeleteFunc(messages, func(m Message) bool { return m.Topic != w.Topic }))
}

// each lists what messages of one topic tell, each alert once, sorted. A finding that is over by the time its incident
// is told has but one line there, which tells both that it was opened and that it is over.
func each(messages []Message) (all []string) {
	seen := map[string]bool{}
	for _, m := range messages {
		for _, t := range m.Told {
			if seen[t.ID] {
				continue
			}
			seen[t.ID] = true
			beginning := Told{Kind: opened, About: t.About}.String()
			if t.InIncident && t.Kind == resolved && !slices.Contains(all, beginning) {
				all = append(all, beginning)
			}
			all = append(all, t.String())
		}
	}
	slices.Sort(all)
	return all
}

// Repeated lists the alerts that a topic took twice without need. There is need only when SNS's answer did not become
// durable: the message was the last one that its daemon published before it was killed.
func (w *World) Repeated() []string {
	messages, _ := w.Messages()
	var repeated []string
	for i, m := range messages {
		last := !slices.ContainsFunc(messages[i+1:], func(later Message) bool { return later.Life == m.Life })
		for _, t := range m.Told {
			for _, later := range messages[i+1:] {
				again := later.Topic == m.Topic && slices.ContainsFunc(later.Told, func(u Told) bool { return u.ID == t.ID })
				if again && (!last || later.Life == m.Life) {
					repeated = append(repeated, fmt.Sprintf("%s %s: %s; %s", t, t.ID, m, later))
				}
			}
		}
	}
	return repeated
}

// item is an alert of the JSON format, whole or as a storm has it.
type item struct {
	ID      string `json:"alert_id"`
	Kind    string `json:"kind"`
	RuleID  string `json:"rule_id"`
	Alias   string `json:"alias"`
	Finding *struct {
		RuleID string `json:"rule_id"`
		Alias  string `json:"alias"`
	} `json:"finding"`
	Action *struct {
		Method string `json:"method"`
		Alias  string `json:"alias"`
	} `json:"action"`
	Incident *struct {
		Automatic struct {
			Members []member `json:"members"`
		} `json:"automatic"`
	} `json:"incident"`
}

// member is a finding of an incident, which tells what is new of it.
type member struct {
	Finding string `json:"finding_id"`
	RuleID  string `json:"rule_id"`
	Alias   string `json:"alias"`
	Over    bool   `json:"over"`
	New     bool   `json:"new"`
}

func parseJSON(body string) ([]Told, error) {
	var document struct {
		Schema string `json:"schema"`
		Items  []item `json:"items"`
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		return nil, fmt.Errorf("a message of the topic is no JSON: %w", err)
	}
	if document.Schema != "rotd.alert/1" || len(document.Items) == 0 {
		return nil, fmt.Errorf("a message of the topic is no alert: %.200s", body)
	}
	var all []Told
	for _, i := range document.Items {
		if i.Incident == nil {
			all = append(all, i.told())
			continue
		}
		for _, m := range i.Incident.Automatic.Members {
			if m.New {
				all = append(all, m.told(i.ID))
			}
		}
	}
	return all, nil
}

// told is what an incident's alert tells of a finding, as if it were told by itself.
func (m *member) told(alert string) Told {
	t := Told{
		ID: alert + " " + m.Finding, Kind: opened, About: strings.TrimSpace(m.RuleID + " " + m.Alias), InIncident: true,
	}
	if m.Over {
		t.Kind = resolved
	}
	return t
}

func (i *item) told() Told {
	t := Told{ID: i.ID, Kind: i.Kind, About: strings.TrimSpace(i.RuleID + " " + i.Alias)}
	switch {
	case i.Action != nil && strings.HasPrefix(i.Kind, "action-"):
		t.About = i.Action.Method + " " + i.Action.Alias
	case i.Finding != nil:
		t.About = strings.TrimSpace(i.Finding.RuleID + " " + i.Finding.Alias)
	}
	return t
}

// ParseWaiting reads an alert of the state's outbox.
func ParseWaiting(data []byte) (Told, error) {
	var entry struct {
		Alert item `json:"alert"`
	}
	if err := json.Unmarshal(data, &entry); err != nil {
		return Told{}, fmt.Errorf("an alert of the outbox is no JSON: %w", err)
	}
	return entry.Alert.told(), nil
}

var alertID = regexp.MustCompile(`\bv1:[0-9a-f]{64}\b`)

func parseText(body string) (all []Told) {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(alertID.FindAllString(body, -1)))) {
		all = append(all, Told{ID: id})
	}
	return all
}
