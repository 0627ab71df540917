// Package world runs the real rotd, as a process, against a simulated AWS in the test's own process: for tests that
// kill the daemon, or take AWS away from it, and then ask AWS what became of everything. What rotd itself reports is no
// evidence here; Told and awssim's log are.
package world

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/internal/state"
)

// Where everything lives.
const (
	Account = "111122223333"
	Region  = "us-east-1"
)

// World is a simulated AWS with people, a queue and two topics, and a configuration of rotd for it.
type World struct {
	Sim               *awssim.Sim
	Dir               string
	Queue, DeadLetter string // URLs
	Topic             string // takes everything as JSON
	Pager             string // takes what is HIGH as text
	Config            string // path of rotd.yaml
	StatePath         string
	HTTP              string           // address of the status listener
	Policy            string           // IAM policy of rotd's role; empty: everything is allowed
	Environment       []string         // more variables of the daemon's
	Launch            func() *exec.Cmd // runs the daemon in another way; nil: its binary, with Config

	Mallory awssim.Principal // whose access key was stolen
	App     awssim.Principal // who uses the keys

	Client *Client
	Keys   map[string]string // name → ARN

	endpoint string // the daemon's
	lives    lives
	told     told
}

// Options say how a world differs from the default.
type Options struct {
	Seed       uint64
	MaxReceive int                          // of the redrive policy; default 20
	Keys       map[string]awssim.KeyOptions // by name; Region, alias/pay-NAME and, unless given, Account are added
	Rule       awssim.EventRule             // Queue is filled in
	HTTP       string                       // address of the status listener; default 127.0.0.1:0
	// ClockAhead is how far this machine's clock is ahead of AWS's.
	ClockAhead time.Duration
}

// wrapping are all worlds' keys for imports: a second's work for each would be most of what the simulators do.
var wrapping = sync.OnceValue(func() *awssim.WrappingKeys { return &awssim.WrappingKeys{} })

// New makes a world that ends with the test.
func New(t testing.TB, o Options) *World {
	t.Helper()
	o.MaxReceive, o.HTTP = cmp.Or(o.MaxReceive, 20), cmp.Or(o.HTTP, "127.0.0.1:0")
	dir, err := os.MkdirTemp("", "rotd-world-") //nolint:usetesting // t.TempDir's names are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	sim := awssim.New(awssim.Options{
		Latency: time.Millisecond, Seed: o.Seed,
		Clock: awssim.NewScaledClock(time.Now().Add(-o.ClockAhead), 1), JudgesTime: o.ClockAhead != 0,
		WrappingKeys: wrapping(),
	})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	w := &World{
		Sim: sim, Dir: dir, Config: filepath.Join(dir, "rotd.yaml"), StatePath: filepath.Join(dir, "rotd.db"),
		Client: admin.NewClient(filepath.Join(dir, "rotd.sock")), HTTP: o.HTTP,
		Mallory: sim.NewAccessKey(Account, "mallory"), Keys: make(map[string]string),
	}
	t.Cleanup(w.Client.Close)
	w.App = role(sim, "pay-service", "i-0a1b2c3d4e5f67890")
	sim.KMS().Configure(awssim.KMSOptions{RotationDelay: 200 * time.Millisecond})
	if err := w.furnish(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.listen())
	w.serve(t)
	return w
}

// role makes the credentials of an assumed role known.
func role(sim *awssim.Sim, name, session string) awssim.Principal {
	p := sim.NewAccessKey(Account, name)
	p.Type, p.UserName, p.PrincipalID = "AssumedRole", "", ""
	p.SessionIssuerARN = "arn:aws:iam::" + Account + ":role/" + name
	p.SessionName = session
	p.ARN = "arn:aws:sts::" + Account + ":assumed-role/" + name + "/" + session
	sim.AddPrincipal(p)
	return p
}

func (w *World) furnish(o Options) error {
	w.DeadLetter = w.Sim.CreateQueue(Region, Account, "rotd-dead-letters")
	w.Queue = w.Sim.CreateQueue(Region, Account, "rotd")
	w.Topic = w.Sim.CreateTopic(Region, Account, "everything")
	w.Pager = w.Sim.CreateTopic(Region, Account, "pager")
	if err := w.Redrive(o.MaxReceive); err != nil {
		return err
	}
	o.Rule.Queue = w.Queue
	if err := w.Sim.AddEventRule(o.Rule); err != nil {
		return fmt.Errorf("add the event rule: %w", err)
	}
	for name, k := range o.Keys {
		k.Account, k.Region = cmp.Or(k.Account, Account), Region
		k.Aliases = append([]string{"alias/pay-" + name}, k.Aliases...)
		arn, err := w.Sim.KMS().CreateKey(k)
		if err != nil {
			return fmt.Errorf("key %s: %w", name, err)
		}
		w.Keys[name] = arn
	}
	material := sha256.Sum256([]byte(w.Dir)) // as good as random
	if err := os.WriteFile(filepath.Join(w.Dir, "material"), material[:], 0o600); err != nil {
		return fmt.Errorf("write the key material: %w", err)
	}
	return w.Configure()
}

// Redrive gives the queue its dead-letter queue.
func (w *World) Redrive(maxReceive int) error {
	client := sqs.NewFromConfig(w.Sim.As(w.App, Region))
	_, err := client.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
		QueueUrl: &w.Queue,
		Attributes: map[string]string{"RedrivePolicy": fmt.Sprintf(
			`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:rotd-dead-letters","maxReceiveCount":"%d"}`,
			Region, Account, maxReceive)},
	})
	if err != nil {
		return fmt.Errorf("give the queue its dead-letter queue: %w", err)
	}
	return nil
}

// Pollers is how many receives the daemon has under way.
const Pollers = 2

// Configure writes rotd.yaml, with pairs of an old and a new text replaced: guardrails that are minutes in production
// are a second here, and the hourly limit is out of the way, against which calls count that kills had repeated.
func (w *World) Configure(oldnew ...string) error {
	content := strings.NewReplacer(
		"{db}", w.StatePath, "{queue}", w.Queue, "{topic}", w.Topic, "{pager}", w.Pager, "{account}", Account,
		"{region}", Region, "{socket}", w.Client.Socket(), "{http}", strconv.Quote(w.HTTP),
		"{pollers}", strconv.Itoa(Pollers), "{material}", filepath.Join(w.Dir, "material"),
	).Replace(`mode: enforce
state: {path: {db}}
intake:
  queues: [{url: "{queue}", pollers: {pollers}}]
accounts:
  - {id: "{account}", regions: [{region}]}
policies:
  - name: payments
    match: {aliases: ["alias/pay-*"]}
    rotation: {max_age: 90d, automatic: 90d}
    mode: enforce
    respond: [{rule: rotation-turned-off, action: restore}]
alerts:
  topics:
    - {arn: "{topic}", min_severity: INFORMATIONAL, format: json}
    - {arn: "{pager}", min_severity: HIGH, format: text}
  group_wait: 200ms
  incident_wait: 1s
schedules: {drift: "@every 5s"}
imported_material: {file: "{material}"}
guardrails:
  {grace: 1s, startup_hold: 500ms, key_cooldown: 1h, rotations_per_hour: 100, settle: 1s, arm_on_new_state: true}
admin: {socket: "{socket}", http: {http}}
`)
	content = strings.NewReplacer(oldnew...).Replace(content)
	if err := os.WriteFile(w.Config, []byte(content), 0o600); err != nil {
		return fmt.Errorf("write rotd.yaml: %w", err)
	}
	return nil
}

// State opens the state of a daemon that is gone, hands it over and closes it. A state that is damaged is an error.
func (w *World) State(look func(tx *state.Tx) error) error {
	db, err := state.Open(state.Options{Path: w.StatePath, Shard: "default", Now: time.Now()})
	if err != nil {
		return err
	}
	defer db.Close()
	// A daemon that was killed before it asked AWS for anything may not have begun a state.
	if o := db.Opened; o.SetAside != "" || o.New && len(w.Sim.Requests(w.ByRotd)) > 0 {
		return fmt.Errorf("the state was lost: new %v, damage %q", o.New, o.Damage)
	}
	if err := db.Check(); err != nil {
		return err
	}
	return db.View(look)
}

// Drained reports whether the queue holds nothing.
func (w *World) Drained() (bool, error) {
	depth, err := w.Sim.QueueDepth(w.Queue)
	return depth == awssim.QueueDepth{}, err
}
