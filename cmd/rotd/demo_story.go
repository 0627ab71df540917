package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
)

// demoStory is what happens in the demo, chapter by chapter.
type demoStory struct {
	world  *demoWorld
	daemon *demoDaemon
	tell   *teller
	shown  int // published messages already told of
}

// demoChapter is a part of a story.
type demoChapter struct {
	title string
	tell  func(context.Context) error
}

// everyday is the story of a day with rotd.
func (s *demoStory) everyday() []demoChapter {
	return []demoChapter{
		{"rotd starts and looks at every key", s.firstLook},
		{"Ordinary traffic", s.ordinaryTraffic},
		{"Somebody switches rotation off", s.rotationOff},
		{"A key is opened to the world, and its deletion scheduled", s.attack},
		{"An emergency rotation, and a power cut in the middle of it", s.emergency},
		{"Afterwards", s.afterwards},
	}
}

// run tells every chapter. An error means that the story could not go on.
func (s *demoStory) run(ctx context.Context, chapters []demoChapter) error {
	fmt.Fprintf(s.tell.out, "rotd demo: a simulated AWS on %s, account %s; nothing leaves this machine.\n",
		strings.TrimPrefix(s.world.sim.URL(), "http://"), demoAccount)
	for _, c := range chapters {
		s.tell.chapter(c.title)
		if err := c.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.title, err)
		}
	}
	return nil
}

// permissions tells whether the policy of rotd's role was enough.
func (s *demoStory) permissions() {
	requests := s.world.sim.Requests(func(r awssim.Request) bool { return r.AccessKeyID == s.world.rotd.AccessKeyID })
	refused := slices.DeleteFunc(slices.Clone(requests), func(r awssim.Request) bool {
		return !strings.HasPrefix(r.ErrorCode, "AccessDenied")
	})
	s.tell.check(len(refused) == 0, "rotd's role had the policy that `rotd iam print-policy` prints: AWS refused %d of "+
		"its %d calls", len(refused), len(requests))
}

// as gives a KMS client of a principal.
func (s *demoStory) as(p awssim.Principal) *kms.Client {
	return kms.NewFromConfig(s.world.sim.As(p, demoRegion))
}

// patience is how long one thing may take that should take seconds.
const patience = 20 * time.Second

// await waits until a message was published that has all the words, shows it, and says how long it took.
func (s *demoStory) await(ctx context.Context, what string, words ...string) error {
	start := time.Now()
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for n := s.shown; ; n++ {
		published, err := s.world.sim.WaitPublished(limit, s.world.topic, n+1)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			s.tell.check(false, "%s: no such message within %v", what, patience)
			return fmt.Errorf("wait for the message about %s: %w", what, err)
		}
		message := published[n]
		s.shown = n + 1
		s.tell.quote("SNS: "+message.Subject, message.Message)
		if containsAll(message.Message, words) {
			s.tell.check(true, "%s, told after %.1f s", what, time.Since(start).Seconds())
			return nil
		}
	}
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// firstLook starts the daemon on a fleet it does not know.
func (s *demoStory) firstLook(ctx context.Context) error {
	s.tell.say("The account has a key of every kind: symmetric, asymmetric, HMAC, one for imported material,")
	s.tell.say("multi-Region, disabled, AWS managed. The policy for alias/pay-* says: rotate every 90 days, and put")
	s.tell.say("drift right (mode enforce).")
	if err := s.daemon.start(ctx); err != nil {
		return err
	}
	if err := s.await(ctx, "what is found first is told in one digest for each Region", "rotation-overdue"); err != nil {
		return err
	}
	s.tell.say("alias/pay-ledger last got new material 160 days ago and its schedule is 80 days away: rotd rotates it.")
	err := s.await(ctx, "the overdue key has new material, verified by KMS", "alias/pay-ledger", "stays decryptable")
	if err != nil {
		return err
	}
	ledger, _ := s.world.sim.KMS().Key(s.world.keys["pay-ledger"])
	s.tell.check(ledger.OnDemandUsed == 1, "KMS's own record: %d on-demand rotation of alias/pay-ledger",
		ledger.OnDemandUsed)
	return nil
}

const ordinaryCalls = 150

// ordinaryTraffic must not be found suspicious.
func (s *demoStory) ordinaryTraffic(ctx context.Context) error {
	app := s.as(s.world.app)
	data, err := app.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: aws.String("alias/pay-cards"), KeySpec: types.DataKeySpecAes256,
		EncryptionContext: map[string]string{"card": "4711"},
	})
	if err != nil {
		return fmt.Errorf("generate a data key: %w", err)
	}
	for range ordinaryCalls {
		_, err := app.Decrypt(ctx, &kms.DecryptInput{
			CiphertextBlob: data.CiphertextBlob, EncryptionContext: map[string]string{"card": "4711"},
		})
		if err != nil {
			return fmt.Errorf("decrypt: %w", err)
		}
	}
	if err := s.drained(ctx); err != nil {
		return err
	}
	published := s.world.sim.Published(s.world.topic)
	s.tell.check(len(published) == s.shown, "%d decryptions by the payment service, some delivered twice: no alert",
		ordinaryCalls)
	return nil
}

// drained waits until the queue is empty and everything in it was deleted.
func (s *demoStory) drained(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for quiet := 0; quiet < 5; {
		depth, err := s.world.sim.QueueDepth(s.world.queue)
		if err != nil {
			return err
		}
		quiet++
		if depth.Visible+depth.InFlight+depth.Delayed > 0 {
			quiet = 0
		}
		select {
		case <-limit.Done():
			return fmt.Errorf("wait for the queue to be empty: %w (%+v)", limit.Err(), depth)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// rotationOff lets somebody switch rotation off; the policy puts it back.
func (s *demoStory) rotationOff(ctx context.Context) error {
	s.tell.say("mallory, with a stolen access key from 203.0.113.66, switches the rotation of alias/pay-cards off.")
	_, err := s.as(s.world.mallory).DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{
		KeyId: aws.String(s.world.keys["pay-cards"]),
	})
	if err != nil {
		return fmt.Errorf("switch rotation off: %w", err)
	}
	if err := s.await(ctx, "found", "alias/pay-cards", "user/mallory"); err != nil {
		return err
	}
	if err := s.await(ctx, "put back by rotd after the grace period, verified by KMS", "alias/pay-cards"); err != nil {
		return err
	}
	key, _ := s.world.sim.KMS().Key(s.world.keys["pay-cards"])
	s.tell.check(key.RotationPeriod == 90, "KMS says: automatic rotation of alias/pay-cards every %d days",
		key.RotationPeriod)
	return nil
}

const worldPolicy = `{"Version":"2012-10-17","Statement":[
  {"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
  {"Sid":"Temporary","Effect":"Allow","Principal":"*","Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*"}]}`

// attack opens a key to everybody and schedules another one's deletion.
func (s *demoStory) attack(ctx context.Context) error {
	mallory := s.as(s.world.mallory)
	_, err := mallory.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(s.world.keys["orders"]), PolicyName: aws.String("default"), Policy: aws.String(worldPolicy),
	})
	if err != nil {
		return fmt.Errorf("open a key to the world: %w", err)
	}
	if err := s.await(ctx, "a key policy that lets anybody decrypt", "CRITICAL", "alias/orders", "Temporary"); err != nil {
		return err
	}
	_, err = mallory.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
		KeyId: aws.String(s.world.keys["reports"]), PendingWindowInDays: aws.Int32(7),
	})
	if err != nil {
		return fmt.Errorf("schedule a deletion: %w", err)
	}
	return s.await(ctx, "a deletion in the shortest window, with the commands that undo it",
		"alias/reports", "cancel-key-deletion", "enable-key")
}

// emergency lets a responder rotate a key, and the power fail after KMS acted and before rotd knew.
func (s *demoStory) emergency(ctx context.Context) error {
	before, _ := s.world.sim.KMS().Key(s.world.keys["pay-cards"])
	s.tell.say("alice, the responder, gives alias/pay-cards new material. In the moment in which KMS has done it and")
	s.tell.say("before its answer arrives, rotd is killed with SIGKILL. %d more events come while it is down.",
		ordinaryCalls)
	killed := s.world.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "RotateKeyOnDemand", Nth: 1, Times: 1, When: awssim.AfterEffect, DropConnection: true,
		Do: s.killBetweenEvents,
	})
	args := []string{
		"rotate", "alias/pay-cards", "--emergency", "--reason", "INC-4711: access key of mallory stolen", "--yes",
	}
	output, status := s.daemon.command(ctx, args...)
	s.tell.quote("$ rotd "+quoteArgs(args), output)
	if err := s.daemon.gone(ctx); err != nil {
		return err
	}
	s.tell.check(killed.Fired() == 1 && status != 0, "rotd was killed; the command says so with exit status %d", status)
	if err := s.ordinaryBacklog(ctx); err != nil {
		return err
	}
	if err := s.daemon.start(ctx); err != nil {
		return err
	}
	if err := s.await(ctx, "started again, rotd asks KMS what became of the rotation, and tells it",
		"alias/pay-cards", "INC-4711", "stays decryptable"); err != nil {
		return err
	}
	after, _ := s.world.sim.KMS().Key(s.world.keys["pay-cards"])
	calls := s.callsOn("RotateKeyOnDemand", s.world.keys["pay-cards"])
	s.tell.check(after.OnDemandUsed == before.OnDemandUsed+1 && calls == 1,
		"one rotation and no second call: KMS received %d RotateKeyOnDemand for alias/pay-cards", calls)
	return s.drained(ctx)
}

// killBetweenEvents kills rotd while it has no event in hand: one that it had would come back only after its visibility
// timeout of a minute, and the story would have to wait for it.
func (s *demoStory) killBetweenEvents() {
	time.Sleep(eventsWithin + 100*time.Millisecond)
	for range 200 {
		if depth, err := s.world.sim.QueueDepth(s.world.queue); err != nil || depth.Visible+depth.InFlight == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.daemon.kill()
}

// ordinaryBacklog fills the queue while nobody is there to empty it.
func (s *demoStory) ordinaryBacklog(ctx context.Context) error {
	app := s.as(s.world.app)
	for range ordinaryCalls {
		_, err := app.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId: aws.String("alias/pay-cards"), KeySpec: types.DataKeySpecAes256,
		})
		if err != nil {
			return fmt.Errorf("generate a data key: %w", err)
		}
	}
	return nil
}

// callsOn counts the requests for a key that the simulated KMS received.
func (s *demoStory) callsOn(operation, arn string) int {
	return len(s.world.sim.Requests(awssim.OfOperation(operation), awssim.OfResource(arn)))
}

// afterwards looks at what is left, with rotd's own commands, and at what AWS says.
func (s *demoStory) afterwards(ctx context.Context) error {
	for _, args := range [][]string{{"sweep", "drift"}, {"status"}, {"findings", "list"}} {
		output, status := s.daemon.command(ctx, args...)
		s.tell.quote("$ rotd "+quoteArgs(args), output)
		s.tell.check(status == 0, "exit status %d", status)
	}
	unplanned, _ := s.daemon.command(ctx, "findings", "list", "--rule", "rotation-unplanned", "-o", "jsonl")
	s.tell.check(strings.TrimSpace(unplanned) == "", "rotd knows its own calls: none of them is a finding%s", unplanned)
	emptied := s.drained(ctx) // the records of the sweep's own calls still come
	dead, err := s.world.sim.QueueDepth(s.world.deadLetter)
	if err != nil {
		return err
	}
	s.tell.check(emptied == nil && dead.Visible == 0,
		"nothing lost: the queue is empty, and so is the dead-letter queue")
	twice := s.toldTwice()
	s.tell.check(len(twice) == 0, "nothing told twice: %d messages, %d of their alert_ids repeated",
		len(s.world.sim.Published(s.world.topic)), len(twice))
	return nil
}

// toldTwice lists the alert ids that more than one message carries.
func (s *demoStory) toldTwice() []string {
	seen := make(map[string]int)
	var twice []string
	for _, message := range s.world.sim.Published(s.world.topic) {
		for word := range strings.FieldsSeq(message.Message) {
			if strings.HasPrefix(word, "v1:") {
				if seen[word]++; seen[word] == 2 {
					twice = append(twice, word)
				}
			}
		}
	}
	return twice
}

// quoteArgs shows a command line as it would be typed.
func quoteArgs(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; strings.ContainsAny(a, " :") {
			quoted[i] = "'" + a + "'"
		}
	}
	return strings.Join(quoted, " ")
}
