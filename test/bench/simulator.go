package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"time"

	"rotd/internal/awssim"
)

// Where everything lives.
const (
	account = "111122223333"
	region  = "us-east-1"
	latency = time.Millisecond // of each answer: one in no time at all would beat the request's own write in Go's client

	fewKeys = 5 // besides those that the alerts are about
	logged  = 2000
)

// AWS is what a client needs to find the simulated AWS.
type AWS struct {
	URL, AccessKeyID, Secret string
	Queue                    string // URL
	Topic                    string // ARN
}

// simulator is the simulated AWS in a process of its own, so that its CPU time and memory count for nobody. It is
// driven over net/rpc through standard input and output, and ends with them.
type simulator struct {
	sim  *awssim.Sim
	aws  AWS
	key  string   // ARN of the key that the intake's events are about
	runs int      // so far
	next []string // bodies ready for the next run
	seen int64    // requests that had arrived when the bodies were made ready

	alertKeys []string // ARNs
}

// serveSimulator runs the simulator until in ends.
func serveSimulator(in io.ReadCloser, out io.WriteCloser) error {
	s := &simulator{sim: awssim.New(awssim.Options{Latency: latency, LogLimit: logged, Seed: 1})}
	if err := s.sim.Start(); err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	defer s.sim.Close()
	who := s.sim.NewAccessKey(account, "rotd")
	s.aws = AWS{
		URL: s.sim.URL(), AccessKeyID: who.AccessKeyID, Secret: who.SecretAccessKey,
		Queue: s.sim.CreateQueue(region, account, "rotd"),
		Topic: s.sim.CreateTopic(region, account, "everything"),
	}
	for i := range fewKeys {
		arn, err := s.newKey(fmt.Sprintf("alias/pay-%d", i))
		if err != nil {
			return err
		}
		s.key = arn
	}
	server := rpc.NewServer()
	if err := server.RegisterName("Simulator", &Control{s}); err != nil {
		return fmt.Errorf("offer the simulator's control: %w", err)
	}
	server.ServeConn(pipe{in, out})
	return nil
}

func (s *simulator) newKey(alias string) (string, error) {
	arn, err := s.sim.KMS().CreateKey(awssim.KeyOptions{
		Account: account, Region: region, RotationPeriod: 90, Aliases: []string{alias},
	})
	if err != nil {
		return "", fmt.Errorf("create the key %s: %w", alias, err)
	}
	return arn, nil
}

// pipe is a connection made of two files.
type pipe struct {
	io.ReadCloser
	out io.WriteCloser
}

func (p pipe) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p pipe) Close() error                { return errors.Join(p.ReadCloser.Close(), p.out.Close()) }

// Control is what the benchmark asks of the simulator.
type Control struct{ s *simulator }

// Where tells where the simulated AWS is.
func (c *Control) Where(_ int, aws *AWS) error {
	*aws = c.s.aws
	return nil
}

// Load are the messages of a run.
type Load struct {
	Messages int
	Now      time.Time // when the last of the events was
	Run      int       // part of their ids; PrepareAt answers with it
}

// Prepare makes the bodies of the next run ready, so that filling the queue costs little, and makes sure that nothing
// is left of the run before.
func (c *Control) Prepare(messages int, _ *int) error {
	return c.PrepareAt(Load{Messages: messages, Now: time.Now()}, new(int))
}

// PrepareAt is Prepare for events of known times.
func (c *Control) PrepareAt(load Load, run *int) (err error) {
	s := c.s
	depth, err := s.sim.QueueDepth(s.aws.Queue)
	if err == nil && depth != (awssim.QueueDepth{}) {
		err = fmt.Errorf("the queue was not drained: %+v", depth)
	}
	if err != nil {
		return err
	}
	if log := s.sim.Requests(); len(log) > 0 {
		s.seen = log[len(log)-1].Seq
	}
	s.runs++
	*run = s.runs
	s.next, err = decrypts(s.runs, load.Messages, s.key, load.Now)
	return err
}

// Left tells how many messages are in the queue.
func (c *Control) Left(_ int, left *int) error {
	depth, err := c.s.sim.QueueDepth(c.s.aws.Queue)
	*left = depth.Visible + depth.InFlight + depth.Delayed
	return err
}

// LeftUntil waits until there were more messages in the queue than so many, and a client has dealt with the others.
func (c *Control) LeftUntil(most int, left *int) error {
	filled := false
	return until(time.Minute, func() (bool, error) {
		err := c.Left(0, left)
		filled = filled || *left > most
		return filled && *left <= most, err
	})
}

// Polling waits until so many receives wait for messages at the same time.
func (c *Control) Polling(pollers int, _ *int) error {
	waiting := func(r awssim.Request) bool {
		return r.Seq > c.s.seen && r.Operation == "ReceiveMessage" && !r.Answered
	}
	return until(time.Minute, func() (bool, error) { return len(c.s.sim.Requests(waiting)) >= pollers, nil })
}

// fill puts all messages into the queue and holds back what the client asks for meanwhile, so that all of them seem to
// arrive at once. Only those long polls bring an incomplete batch that were under way before.
func (s *simulator) fill() error {
	filled := make(chan struct{})
	held := s.sim.Plan(awssim.Fault{Service: "sqs", Operation: "ReceiveMessage", Do: func() { <-filled }})
	defer close(filled)
	defer held.Remove()
	for _, body := range s.next {
		if _, err := s.sim.Send(s.aws.Queue, body); err != nil {
			return fmt.Errorf("fill the queue: %w", err)
		}
	}
	s.next = nil
	return nil
}

// Took is how long a client took for a run.
type Took struct {
	Most time.Duration `json:"most"` // until 90 % of the messages were deleted
	All  time.Duration `json:"all"`
}

// Intake fills the queue and waits until a client has emptied it.
func (c *Control) Intake(_ int, took *Took) error {
	s := c.s
	messages := len(s.next)
	if err := s.fill(); err != nil {
		return err
	}
	start := time.Now()
	return until(5*time.Minute, func() (bool, error) {
		var left int
		err := c.Left(0, &left)
		if took.Most == 0 && left <= messages/10 {
			took.Most = time.Since(start)
		}
		took.All = time.Since(start)
		return left == 0, err
	})
}

// Trickle puts the messages into the queue so far apart, and waits until a client has dealt with them.
func (c *Control) Trickle(apart time.Duration, left *int) error {
	tick := time.NewTicker(apart)
	defer tick.Stop()
	for _, body := range c.s.next {
		if _, err := c.s.sim.Send(c.s.aws.Queue, body); err != nil {
			return fmt.Errorf("put a message into the queue: %w", err)
		}
		<-tick.C
	}
	c.s.next = nil
	return until(time.Minute, func() (bool, error) {
		err := c.Left(0, left)
		return *left == 0, err
	})
}

// until asks a few hundred times a second whether something has happened.
func until(limit time.Duration, happened func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := happened()
		if yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nothing happened within %v", limit)
		case <-tick.C:
		}
	}
}
