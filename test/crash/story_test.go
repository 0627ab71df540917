package crash

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

const (
	day = 24 * time.Hour
	// ordinary is how many harmless events each round of the story has.
	ordinary = 100
	// patience bounds everything a story waits for: most are over in seconds, on a machine that does much else in minutes.
	patience = 4 * time.Minute
	// otherRegion is swept too, and has the replicas of keys.
	otherRegion = "us-west-2"
)

// story is what happens in a world while its daemon is killed: harmless events, one message that cannot be decoded,
// drift that the first sweep finds, attacks that rules find, and a person's requests, the latter two in rounds.
type story struct {
	w      *world.World
	lives  *lives
	rounds int
}

// newStory makes the world; nothing runs yet.
func newStory(t *testing.T, seed uint64, rounds, maxReceive int) *story {
	t.Helper()
	now := time.Now().UTC()
	ago := func(days int) time.Time { return now.Add(-time.Duration(days) * day) }
	healthy := awssim.KeyOptions{
		Created: ago(100), RotationPeriod: 90, NextRotation: now.Add(80 * day),
		History: []awssim.PastRotation{{At: ago(10), Type: types.RotationTypeAutomatic}},
	}
	overdue, drifted, replicated := healthy, healthy, healthy
	replicated.Replicas = []string{otherRegion}
	overdue.Created, overdue.History = ago(400), []awssim.PastRotation{{At: ago(160), Type: types.RotationTypeAutomatic}}
	drifted.RotationPeriod, drifted.NextRotation = 0, time.Time{}
	vault := awssim.KeyOptions{
		Created: ago(400), Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{}},
		Replicas: []string{otherRegion},
	}
	keys := map[string]awssim.KeyOptions{"ledger": overdue, "drifted": drifted, "vault": vault}
	for round := range rounds {
		for _, name := range []string{"cards", "orders", "reports", "wallet"} {
			keys[name+number(round)] = healthy
		}
		keys["seal"+number(round)] = replicated
		maps.Copy(keys, holdable(healthy, number(round)))
	}
	w := world.New(t, world.Options{
		Seed: seed, MaxReceive: maxReceive, Keys: keys,
		Rule: awssim.EventRule{ReadOnly: true, Native: true, Jitter: 100 * time.Millisecond, Duplicates: 0.2},
	})
	if err := w.Configure("regions: ["+world.Region+"]", "regions: ["+world.Region+", "+otherRegion+"]"); err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		_, err := w.Sim.KMS().AddGrant(w.Keys["seal"+number(round)], awssim.KMSGrant{
			Grantee: "arn:aws:iam::" + world.Account + ":role/pay-service", Operations: []string{"Decrypt"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &story{w: w, lives: newLives(w), rounds: rounds}
	for round := range rounds {
		s.grant(t, number(round))
	}
	return s
}

func number(round int) string { return fmt.Sprint(round + 1) }

// begin puts a backlog into the queue and starts the daemon.
func (s *story) begin() error {
	s.traffic()
	if _, err := s.w.Sim.Send(s.w.Queue, `{"Records":[{"eventVersion":`); err != nil {
		return fmt.Errorf("send what cannot be decoded: %w", err)
	}
	s.lives.begin()
	return nil
}

// traffic is a harmless use of a key, over and over.
func (s *story) traffic() {
	app, arn := s.w.App, s.w.Keys["ledger"]
	for range ordinary {
		s.w.Sim.EmitRecord(awssim.Record{
			UserIdentity: &awssim.UserIdentity{
				Type: "IAMUser", ARN: app.ARN, AccountID: world.Account, AccessKeyID: app.AccessKeyID, UserName: "app",
			},
			EventSource: "kms.amazonaws.com", EventName: "Decrypt", AWSRegion: world.Region, ReadOnly: true,
			SourceIPAddress: "10.1.2.3", EventType: "AwsApiCall", RecipientAccountID: world.Account,
			RequestParameters: map[string]any{"encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
			Resources:         []awssim.RecordResource{{AccountID: world.Account, Type: "AWS::KMS::Key", ARN: arn}},
		})
	}
}

// tell lets everything happen after the daemon's first look at the keys, and returns when AWS shows that all of it is
// dealt with and rotd says that nothing is left to do.
func (s *story) tell(ctx context.Context) error {
	err := s.until(ctx, "a digest of each Region", func() bool { return count(s.w.WasTold(), "digest") == 2 })
	if err != nil {
		return err
	}
	for round := range s.rounds {
		if err := s.attack(ctx, number(round)); err != nil {
			return err
		}
		s.traffic()
		if err := s.personRotates(ctx, "wallet"+number(round)); err != nil {
			return err
		}
		if err := s.personReplaces(ctx, "seal"+number(round)); err != nil {
			return err
		}
		if err := s.personContains(ctx, number(round)); err != nil {
			return err
		}
		seen := "finding-opened rotation-turned-off alias/pay-cards" + number(round)
		if err := s.until(ctx, seen, func() bool { return s.w.HasTold(seen) }); err != nil {
			return err
		}
	}
	return s.settled(ctx)
}

const worldPolicy = `{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},` +
	`{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}`

// attack is what mallory does in a round.
func (s *story) attack(ctx context.Context, round string) error {
	mallory := kms.NewFromConfig(s.w.Sim.As(s.w.Mallory, world.Region))
	_, disable := mallory.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{
		KeyId: aws.String(s.w.Keys["cards"+round]),
	})
	_, open := mallory.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(s.w.Keys["orders"+round]), PolicyName: aws.String("default"), Policy: aws.String(worldPolicy),
	})
	_, destroy := mallory.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
		KeyId: aws.String(s.w.Keys["reports"+round]), PendingWindowInDays: aws.Int32(7),
	})
	if err := errors.Join(disable, open, destroy); err != nil {
		return fmt.Errorf("attack %s: %w", round, err)
	}
	return nil
}

// personRotates asks for new material.
func (s *story) personRotates(ctx context.Context, name string) error {
	return s.asks(ctx, "rotate", name, func(alias string) error {
		_, err := s.w.Client.Rotate(ctx, admin.RotateRequest{Key: alias, Reason: "INC-1"})
		return err
	})
}

// personReplaces asks for a new key.
func (s *story) personReplaces(ctx context.Context, name string) error {
	return s.asks(ctx, "replace", name, func(alias string) error {
		_, err := s.w.Client.Replace(ctx, admin.ReplaceRequest{Key: alias, Reason: "INC-1"})
		return err
	})
}

// asks has a person ask as often as it takes, like one who sees the connection break: whether the request arrived is
// looked up before it is made again.
func (s *story) asks(ctx context.Context, what, name string, ask func(alias string) error) error {
	alias := "alias/pay-" + name
	var last error // but for what only says that the story's time is up
	err := s.until(ctx, "the request to "+what+" "+name, func() bool {
		detail, err := s.w.Client.Key(ctx, alias)
		if err == nil && len(detail.Actions) > 0 {
			return true
		}
		if err == nil {
			err = ask(alias)
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// settled waits until everything has been dealt with, and stays so.
func (s *story) settled(ctx context.Context) error {
	var left []string
	calm := 0
	err := s.until(ctx, "calm", func() bool {
		if left = s.left(ctx); len(left) > 0 {
			calm = 0
			return false
		}
		calm++
		return calm >= 5
	})
	if err != nil {
		return fmt.Errorf("%w: %q", err, left)
	}
	return nil
}

// left is what has yet to happen.
func (s *story) left(ctx context.Context) []string {
	left := missing(s.expected(), s.w.WasTold())
	if drained, err := s.w.Drained(); err != nil || !drained {
		left = append(left, "the queue is not empty")
	}
	status, err := s.w.Client.Status(ctx)
	switch {
	case err != nil:
		left = append(left, err.Error())
	case status.PendingActions > 0 || status.Outbox.Waiting > 0:
		left = append(left, fmt.Sprintf("%d actions, %d alerts", status.PendingActions, status.Outbox.Waiting))
	}
	return left
}

// until waits for something while a daemon lives.
func (s *story) until(ctx context.Context, what string, ok func() bool) error {
	return wait(ctx, s.lives.ended, what, ok, func() error { return s.lives.err })
}

// untilStopped waits for something that needs no daemon.
func (s *story) untilStopped(ctx context.Context, what string, ok func() bool) error {
	return wait(ctx, nil, what, ok, nil)
}

func wait(ctx context.Context, ended <-chan struct{}, what string, ok func() bool, why func() error) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ended:
			return fmt.Errorf("wait for %s: no daemon any more: %w", what, why())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
	return nil
}
