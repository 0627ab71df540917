package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rotd/internal/awssim"
	"rotd/internal/config"
	"rotd/internal/iam"
)

const (
	demoAccount = "111122223333"
	demoRegion  = "us-east-1"
	demoOther   = "eu-west-1"
)

// eventsWithin is how long CloudTrail's events take at most: seconds to minutes in the real AWS.
const eventsWithin = 400 * time.Millisecond

// demoWorld is a simulated AWS with keys of every kind, people, a queue and a topic.
type demoWorld struct {
	sim                      *awssim.Sim
	queue, deadLetter, topic string
	rotd                     awssim.Principal // the daemon's role
	alice                    awssim.Principal // a platform engineer
	bob                      awssim.Principal // who may approve what she asks for
	mallory                  awssim.Principal // whose access key was stolen
	app                      awssim.Principal // the payment service
	keys                     map[string]string
	dir, socket, config      string
}

// newDemoWorld starts the simulated AWS and writes rotd's configuration for it into a folder.
func newDemoWorld(dir, yaml string, verbs []string) (*demoWorld, error) {
	sim := awssim.New(awssim.Options{Latency: time.Millisecond, Seed: 1})
	if err := sim.Start(); err != nil {
		return nil, err
	}
	w := &demoWorld{
		sim: sim, keys: make(map[string]string),
		dir: dir, socket: filepath.Join(dir, "rotd.sock"), config: filepath.Join(dir, "rotd.yaml"),
		alice:   sim.NewAccessKey(demoAccount, "alice"),
		bob:     sim.NewAccessKey(demoAccount, "bob"),
		mallory: sim.NewAccessKey(demoAccount, "mallory"),
	}
	w.mallory.SourceIP = "203.0.113.66"
	w.app = role(sim, "pay-service", "i-0a1b2c3d4e5f67890")
	w.rotd = role(sim, "rotd", "rotd-daemon")
	for _, p := range []awssim.Principal{w.mallory, w.app, w.rotd} {
		sim.AddPrincipal(p)
	}
	sim.KMS().Configure(awssim.KMSOptions{RotationDelay: time.Second})
	if err := w.furnish(); err != nil {
		return nil, fmt.Errorf("furnish the demo's world: %w", err)
	}
	if err := os.WriteFile(w.config, []byte(w.rotdYAML(yaml)), 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	return w, w.limit(verbs)
}

// limit gives rotd's role the policy that `rotd iam print-policy` prints for its configuration.
func (w *demoWorld) limit(verbs []string) error {
	cfg, err := config.Load(w.config, knownIDs())
	if err != nil {
		return err
	}
	needs := needsOf(cfg, iam.Daemon)
	// A URL of loopback does not tell it.
	needs.Queues = []string{"arn:aws:sqs:" + demoRegion + ":" + demoAccount + ":rotd"}
	for _, verb := range verbs {
		addVerb(needs, verb)
	}
	policy, err := iam.Policy(iam.Daemon, needs).JSON()
	if err != nil {
		return fmt.Errorf("write the policy of rotd's role: %w", err)
	}
	return w.sim.SetPolicy(w.rotd.AccessKeyID, string(policy))
}

// role makes the credentials of an assumed role.
func role(sim *awssim.Sim, name, session string) awssim.Principal {
	p := sim.NewAccessKey(demoAccount, name)
	p.Type, p.UserName = "AssumedRole", ""
	p.SessionIssuerARN = "arn:aws:iam::" + demoAccount + ":role/" + name
	p.SessionName = session
	p.ARN = "arn:aws:sts::" + demoAccount + ":assumed-role/" + name + "/" + session
	p.PrincipalID = ""
	return p
}

// furnish makes the queue, the topic and the keys.
func (w *demoWorld) furnish() error {
	w.deadLetter = w.sim.CreateQueue(demoRegion, demoAccount, "rotd-dead-letters")
	w.queue = w.sim.CreateQueue(demoRegion, demoAccount, "rotd")
	w.topic = w.sim.CreateTopic(demoRegion, demoAccount, "oncall")
	if err := w.redrive(); err != nil {
		return err
	}
	err := w.sim.AddEventRule(awssim.EventRule{
		Queue: w.queue, ReadOnly: true, Native: true, Delay: eventsWithin / 2, Jitter: eventsWithin / 2, Duplicates: 0.2,
	})
	if err != nil {
		return err
	}
	for name, o := range demoKeys(time.Now().UTC()) {
		o.Account = demoAccount
		if o.Region == "" {
			o.Region = demoRegion
		}
		arn, err := w.sim.KMS().CreateKey(o)
		if err != nil {
			return fmt.Errorf("key %s: %w", name, err)
		}
		w.keys[name] = arn
	}
	return nil
}

// demoKeys are one of every kind.
func demoKeys(now time.Time) map[string]awssim.KeyOptions {
	const day = 24 * time.Hour
	ago := func(days int) time.Time { return now.Add(-time.Duration(days) * day) }
	rotated := func(days ...int) (past []awssim.PastRotation) {
		for _, d := range days {
			past = append(past, awssim.PastRotation{At: ago(d), Type: types.RotationTypeAutomatic})
		}
		return past
	}
	alias := func(names ...string) []string { return names }
	return map[string]awssim.KeyOptions{
		"pay-cards": {
			Aliases: alias("alias/pay-cards"), Created: ago(400), RotationPeriod: 90, NextRotation: now.Add(60 * day),
			History: rotated(310, 220, 130, 30), Tags: map[string]string{"team": "payments"},
		},
		"pay-ledger": {
			Aliases: alias("alias/pay-ledger"), Created: ago(400), RotationPeriod: 90, NextRotation: now.Add(80 * day),
			History: rotated(310, 160),
		},
		"orders": {
			Aliases: alias("alias/orders"), Created: ago(100), RotationPeriod: 365, NextRotation: now.Add(265 * day),
		},
		"reports": {Aliases: alias("alias/reports"), Created: ago(200), Tags: map[string]string{"team": "data"}},
		"backup": {
			Aliases: alias("alias/backup"), Created: ago(50), RotationPeriod: 365, NextRotation: now.Add(315 * day),
			MultiRegion: true, Replicas: []string{demoOther},
		},
		"signing":  {Aliases: alias("alias/release-signing"), Created: ago(300), Spec: types.KeySpecEccNistP256},
		"hmac":     {Aliases: alias("alias/session-tokens"), Created: ago(300), Spec: types.KeySpecHmac256},
		"imported": {Aliases: alias("alias/bank-hsm"), Created: ago(30), Origin: types.OriginTypeExternal},
		"retired":  {Aliases: alias("alias/old-crm"), Created: ago(900), State: types.KeyStateDisabled},
		"aws-s3":   {Aliases: alias("alias/aws/s3"), Created: ago(900), Manager: types.KeyManagerTypeAws},
	}
}

// rotdYAML fills a story's rotd.yaml in.
func (w *demoWorld) rotdYAML(yaml string) string {
	return strings.NewReplacer(
		"{dir}", w.dir, "{queue}", w.queue, "{topic}", w.topic, "{account}", demoAccount, "{socket}", w.socket,
	).Replace(yaml)
}

// everydayYAML is the everyday story's rotd.yaml: guardrails that would be minutes are seconds.
const everydayYAML = `# The demo's rotd.yaml: what would be minutes in production is seconds here.
mode: enforce
state: {path: {dir}/rotd.db}
intake:
  queues: [{url: "{queue}", pollers: 4}]
accounts:
  - {id: "{account}", regions: [us-east-1, eu-west-1]}
policies:
  - name: payments
    match: {aliases: ["alias/pay-*"]}
    rotation: {max_age: 90d, automatic: 90d, rationale: "PCI DSS 4.0.1 3.7.4"}
    mode: enforce
    respond: [{rule: rotation-turned-off, action: restore}]
  - name: everything-else
    match: {origins: [AWS_KMS], specs: [SYMMETRIC_DEFAULT]}
    rotation: {max_age: 365d}
    mode: observe
alerts:
  topics: [{arn: "{topic}", min_severity: HIGH, format: text}]
  group_wait: 1s
  incident_wait: 3s
guardrails: {grace: 2s, startup_hold: 1s, key_cooldown: 1h, settle: 5s, arm_on_new_state: true}
admin: {socket: "{socket}", http: "127.0.0.1:0"}
`

func (w *demoWorld) close() error { return w.sim.Close() }

// redrive gives the queue its dead-letter queue.
func (w *demoWorld) redrive() error {
	client := sqs.NewFromConfig(w.sim.As(w.alice, demoRegion))
	_, err := client.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
		QueueUrl: &w.queue,
		Attributes: map[string]string{"RedrivePolicy": fmt.Sprintf(
			`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:rotd-dead-letters","maxReceiveCount":"20"}`, demoRegion, demoAccount)},
	})
	if err != nil {
		return fmt.Errorf("give the queue its dead-letter queue: %w", err)
	}
	return nil
}
