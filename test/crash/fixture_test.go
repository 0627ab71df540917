package crash

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/internal/state"
	"rotd/test/crash/world"
)

var fixtureFlag = flag.String("fixture", "", "where to write the state that the story leaves, compressed")

// TestTheStoryLeavesAFixture writes a state as the real rotd of this schema leaves it after a full life, for later ones
// to be held to (internal/state/testdata/schema). It is stopped with something of everything in it: paused with an
// action that waits, SNS away, a key disabled, keys changed that no event told of.
func TestTheStoryLeavesAFixture(t *testing.T) {
	if *fixtureFlag == "" {
		t.Skip("writes a file: -fixture names it")
	}
	s := newStory(t, *seedFlag, 1, 5)
	manifest, _ := sealed(t, s.w)
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.lives.abandon)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	if err := s.tell(ctx); err != nil {
		t.Fatalf("%v\n%s", err, s.lives.log())
	}
	if out, err := moveAll(ctx, t, s.w, manifest, "alias/pay-wallet1").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := errors.Join(s.again(ctx), s.people(ctx), s.unfinished(ctx)); err != nil {
		t.Fatalf("%v\n%s", err, s.lives.log())
	}
	if err := s.lives.stop(); err != nil {
		t.Fatal(err)
	}
	if err := writeFixture(s.w.StatePath, *fixtureFlag); err != nil {
		t.Fatal(err)
	}
}

// again has the daemon start once more: it folds then what it counted of keys' use.
func (s *story) again(ctx context.Context) error {
	s.lives.kill()
	d, err := s.lives.daemon(ctx, 2)
	if err != nil {
		return err
	}
	return d.Ready(ctx)
}

// people do what the story does without.
func (s *story) people(ctx context.Context) error {
	client := s.w.Client
	open, err := client.Findings(ctx, admin.FindingQuery{Rule: "key-policy-made-public"})
	if err != nil || len(open.Items) == 0 {
		return fmt.Errorf("find a finding to acknowledge: %v, %w", open, err)
	}
	_, errAck := client.Acknowledge(ctx, open.Items[0].ID, admin.AckRequest{Reason: "being looked into"})
	_, errSuppress := client.Suppress(ctx, admin.SuppressRequest{
		Rules: []string{"denied-burst"}, Keys: []string{s.w.Keys["ledger"]}, Reason: "the auditors' scan",
		Expires: time.Now().Add(day),
	})
	i, err := client.OpenIncident(ctx, admin.IncidentRequest{Keys: []string{s.w.Keys["cards1"]}, Reason: "a lost laptop"})
	if err != nil {
		return fmt.Errorf("open an incident: %w", err)
	}
	_, errNote := client.NoteIncident(ctx, i.ID, "told the owners")
	_, errBegin := client.Reencrypt(ctx, admin.ReencryptRequest{
		From: "alias/pay-cards1", To: "alias/pay-wallet1", Manifest: strings.Repeat("0", 64), Total: 9, Reason: "INC-1",
	})
	_, errHold := client.Contain(ctx, admin.ContainRequest{Key: "alias/pay-stolen1", Disable: true, Reason: "INC-3"})
	return errors.Join(errAck, errSuppress, errNote, errBegin, errHold, s.until(ctx, "a deadline", func() bool {
		return count(s.w.WasTold(), "finding-opened contained-key-deadline alias/pay-stolen1") == 2
	}))
}

// unfinished leaves the daemon with what it has yet to do.
func (s *story) unfinished(ctx context.Context) error {
	mallory := kms.NewFromConfig(s.w.Sim.As(s.w.Mallory, world.Region))
	_, errPause := s.w.Client.Pause(ctx, "moving accounts", "")
	s.w.Sim.Plan(awssim.Fault{Operation: "Publish", DropConnection: true})
	_, errDisable := mallory.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: aws.String(s.w.Keys["wallet1"])})
	_, errAlias := mallory.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/pay-orders1")})
	old := time.Now().Add(-20 * day)
	s.w.Sim.EmitRecord(awssim.Record{
		UserIdentity: &awssim.UserIdentity{Type: "AWSService", InvokedBy: "AWS Internal"}, EventTime: old,
		EventSource: "kms.amazonaws.com", EventName: "DisableKey", AWSRegion: world.Region, EventType: "AwsApiCall",
		RecipientAccountID: world.Account,
		Resources: []awssim.RecordResource{
			{AccountID: world.Account, Type: "AWS::KMS::Key", ARN: s.w.Keys["reports1"]},
		},
	})
	if err := errors.Join(errPause, errDisable, errAlias); err != nil {
		return err
	}
	err := s.until(ctx, "an action and alerts that wait", func() bool {
		status, err := s.w.Client.Status(ctx)
		return err == nil && status.PendingActions > 0 && status.Outbox.Waiting > 0
	})
	if err != nil {
		return err
	}
	s.w.Sim.RemoveEventRules()
	if _, err := mallory.DisableKey(ctx, &kms.DisableKeyInput{KeyId: aws.String(s.w.Keys["doomed1"])}); err != nil {
		return err
	}
	_, err = s.w.Client.Sweep(ctx, "inventory", time.Minute)
	return err
}

// writeFixture compacts the state and compresses it.
func writeFixture(path, to string) error {
	db, err := state.Open(state.Options{Path: path, Shard: "default", Now: time.Now(), Compact: true})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err == nil {
		_, err = io.Copy(packed, from)
	}
	return errors.Join(err, packed.Close(), file.Close())
}
