package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/state"
	"rotd/test/traffic"
)

// told is what people got because of an attack: pages, messages that wake nobody, and the story that the last one told.
type told struct {
	Pages, Quiet int
	Story        string
}

// TestEachAttackPagesOnce lets two weeks of ordinary traffic pass in a small organisation, then plays each attack. Two
// topics listen: the one that wakes people takes HIGH and above, as README has it, and gets one page of each attack
// that comes to HIGH, and a second where what was CRITICAL becomes destruction. The other takes MEDIUM, too, and gets
// two where what was MEDIUM at first turned out to be worse: that must be told.
func TestEachAttackPagesOnce(t *testing.T) {
	t.Parallel()
	want := map[string]struct {
		high, medium int // pages
		quiet, more  int // messages that wake nobody, and those of what is MEDIUM
		story        string
	}{
		"secrets-burst":                  {1, 1, 0, 0, "stolen-then-read"},
		"secrets-slow":                   {1, 0, 0, 0, ""},
		"insider-bulk-decrypt":           {1, 1, 0, 0, "stolen-then-read"},
		"new-principal-on-crown-jewel":   {0, 1, 0, 0, ""},
		"instance-credentials-elsewhere": {1, 0, 0, 0, ""},
		"ransomware-new-key":             {1, 1, 1, 0, "held-hostage"},
		"ransomware-foreign-key":         {1, 0, 1, 0, "encrypted-under-another-accounts-key"},
		"policy-opened":                  {1, 0, 1, 0, "opened-then-used"},
		"policy-made-public":             {1, 0, 0, 0, ""},
		"grant-to-outsider":              {1, 0, 1, 0, "opened-then-used"},
		"alias-retargeted":               {1, 0, 0, 0, ""},
		"mass-deletion":                  {2, 0, 2, 0, "destroyed-one-after-another"}, // and being taken back
		"rotation-off":                   {1, 0, 1, 0, "rotation-off-widely"},
		"trail-blinded":                  {2, 0, 1, 0, "blinded-then-destroyed"},
		"denied-then-success":            {1, 1, 1, 0, "refused-then-let-in"},
		"reconnaissance":                 {0, 1, 0, 1, ""},
		"root-use":                       {1, 0, 1, 0, ""},
		"material-deleted":               {1, 0, 0, 0, ""},
		"replica-in-odd-region":          {1, 0, 0, 0, ""},
		"dormant-key-woken":              {0, 1, 0, 0, ""},
		"context-dropped":                {0, 1, 0, 0, ""},
		"rotd-role-misused":              {1, 0, 1, 0, "acts-as-rotd"},
	}
	o := newOrganisation(t)
	o.play(t, o.ordinary, 1_000)
	for _, script := range traffic.Scripts() {
		t.Run(script.Name, func(t *testing.T) {
			attacked := *o
			attacked.path = filepath.Join(t.TempDir(), "rotd.db")
			raw, err := os.ReadFile(o.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(attacked.path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			p := attacked.play(t, o.attacks[script.Name], 1)
			expected := want[script.Name]
			all := map[string]told{
				woke:   {expected.high, expected.quiet, expected.story},
				office: {expected.high + expected.medium, expected.quiet + expected.more, expected.story},
			}
			got := map[string]told{woke: p.told(t, woke), office: p.told(t, office)}
			if diff := cmp.Diff(all, got); diff != "" {
				t.Errorf("told (-want +got):\n%s\n%s", diff, p)
			}
		})
	}
}

// Topics of the organisation.
const (
	woke   = "arn:aws:sns:eu-west-1:111122223333:woke"
	office = "arn:aws:sns:eu-west-1:111122223333:office"
)

// published keeps what was told, by topic.
type published struct {
	mu       sync.Mutex
	messages map[string][]notify.Message
}

func newPublished() *published { return &published{messages: make(map[string][]notify.Message)} }

// Publish keeps a message.
func (p *published) Publish(_ context.Context, topic notify.Topic, m notify.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages[topic.ARN] = append(p.messages[topic.ARN], m)
	return "message", nil
}

// of are a topic's messages.
func (p *published) of(topic string) []notify.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.messages[topic])
}

// forget forgets a topic's messages.
func (p *published) forget(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.messages, topic)
}

// told counts what a topic got. Each message says what to do.
func (p *published) told(t *testing.T, topic string) (got told) {
	t.Helper()
	for _, m := range p.of(topic) {
		switch kind := notify.Kind(m.Attributes["kind"]); kind {
		case notify.FindingOpened, notify.FindingRaised, notify.IncidentRaised:
			got.Pages++
		case notify.IncidentGrew:
			got.Quiet++
		default:
			t.Errorf("told %s: %s", kind, m.Subject)
		}
		if !strings.Contains(m.Body, "\nNext:\n") && !strings.Contains(m.Body, "\nWhat to do first:\n  1. ") {
			t.Errorf("does not say what to do:\n%s", m.Body)
		}
		if _, after, ok := strings.Cut(m.Body, "\nstory       "); ok {
			got.Story, _, _ = strings.Cut(after, "\n")
		}
	}
	return got
}

// String is what was told, for failures.
func (p *published) String() string {
	var b strings.Builder
	for _, topic := range []string{office, woke} {
		for _, m := range p.of(topic) {
			fmt.Fprintf(&b, "%s: %s: %s\n", topic, m.Attributes["kind"], m.Subject)
		}
	}
	return b.String()
}

// organisation is a simulated organisation, and the state of a rotd that has watched it.
type organisation struct {
	world    traffic.World
	path     string
	ordinary []traffic.Record // up to the day of the attacks
	attacks  map[string][]traffic.Record
}

func newOrganisation(t *testing.T) *organisation {
	t.Helper()
	monday := time.Date(2000, time.January, 3, 0, 0, 0, 0, time.UTC) // synctest's clock begins two days before
	o := &organisation{
		world:   traffic.World{Seed: 2, Keys: 40, Weeks: 3, Start: monday},
		path:    filepath.Join(t.TempDir(), "rotd.db"),
		attacks: make(map[string][]traffic.Record),
	}
	attacked := monday.Add(16 * day)
	for _, s := range traffic.Scripts() {
		at := attacked.Add(time.Duration(s.Hour)*time.Hour + 7*time.Minute)
		o.world.Attacks = append(o.world.Attacks, traffic.Attack{Name: s.Name, At: at})
	}
	for r := range o.world.Records() {
		switch {
		case r.Attack != "":
			o.attacks[r.Attack] = append(o.attacks[r.Attack], r)
		case r.Delivered.Before(attacked):
			o.ordinary = append(o.ordinary, r)
		}
	}
	return o
}

// play has the real engine judge records on the organisation's state, so many in a transaction, at the times of their
// delivery and on a clock that only they move, and returns what was told by an hour later.
func (o *organisation) play(t *testing.T, records []traffic.Record, together int) *published {
	t.Helper()
	p := newPublished()
	synctest.Test(t, func(t *testing.T) {
		db, err := state.Open(state.Options{Path: o.path, Shard: "default", Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		e := o.engine(db, p)
		if err := o.inventory(db); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- e.runOutbox(ctx) }()
		for batch := range slices.Chunk(records, together) {
			time.Sleep(time.Until(batch[len(batch)-1].Delivered))
			if err := judge(e, batch); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (o *organisation) engine(db *state.DB, p *published) *Engine {
	around := o.world.Surroundings()
	trusted := slices.Concat(around.Accounts, around.Trusted)
	e := New(Options{
		DB: db, Publisher: p, Logger: zap.NewNop(), Metrics: NewMetrics(prometheus.NewRegistry()), Own: NewOwnKeys(db),
		Partition: "aws",
		Settings: &Settings{
			Judge:     detection.NewJudge(detection.Settings{Learning: detection.DefaultLearning}),
			Trusted:   func(id string) bool { return slices.Contains(trusted, id) },
			Policies:  policy.Set{{Name: "idle", Match: policy.Match{Aliases: []string{"alias/*-idle"}}, UnusedAfter: 90 * day}},
			GroupWait: 10 * time.Second, IncidentWait: 10 * time.Minute,
			Topics: []notify.Topic{
				{ARN: woke, MinSeverity: finding.High, Format: notify.FormatText},
				{ARN: office, MinSeverity: finding.Medium, Format: notify.FormatText},
			},
		},
	})
	e.itself.Store(&detection.Itself{Principals: around.Rotd})
	return e
}

// inventory makes the organisation's keys known, if they are not.
func (o *organisation) inventory(db *state.DB) error {
	return db.Update(func(tx *state.Tx) error {
		for _, key := range o.world.Inventory() {
			if known, err := tx.Key(key.ARN); err != nil || known != nil {
				return err
			}
			if slices.ContainsFunc(key.Aliases, func(a string) bool { return strings.HasSuffix(a, "-idle") }) {
				used := o.world.Start.Add(-200 * day)
				key.LastUsage = &inventory.LastUsage{ReadAt: o.world.Start, TrackedSince: used.Add(-day), At: &used}
			}
			if err := tx.PutKey(&key); err != nil {
				return err
			}
		}
		return nil
	})
}

// judge judges records in one transaction.
func judge(e *Engine, records []traffic.Record) error {
	w, d := &work{}, e.decoder()
	for _, r := range records {
		if r.Own {
			continue // rotd knows its own calls by its notes, which are not in this story
		}
		content, err := d.Decode(r.JSON)
		if err != nil {
			return err
		}
		w.units = append(w.units, unit{content: content})
	}
	tally, err := e.tryCommit([]*work{w}, nil)
	if err == nil {
		e.committed(tally)
	}
	return err
}
