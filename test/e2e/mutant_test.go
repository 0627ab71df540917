package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

const (
	mutants     = 2000
	mutantsSeed = 20261123
)

// TestMutatedMessages sends 2,000 messages made by damaging real ones, with real ones in between. Real ones are told,
// damaged ones are judged or end in the dead-letter queue, each is accounted for, and nothing is done on a forged word.
func TestMutatedMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{MaxReceive: 3, HTTP: freeAddress(t)}, "cards", "orders", "reports")
	d := ready(t, w)
	untilTold(t, w, "digest")
	random := rand.New(rand.NewPCG(mutantsSeed, 0)) // to be repeatable
	bodies := originals(w)
	for i := range mutants {
		body := mutate(random, bodies[random.IntN(len(bodies))], bodies)
		if _, err := w.Sim.Send(w.Queue, body); err != nil {
			t.Fatal(err)
		}
		if i == mutants/2 {
			deleteKeyEvent(w)
		}
	}
	untilTold(t, w, "finding-opened key-deleted alias/pay-reports")
	untilDrained(t, w)
	metrics := scrape(t, w.HTTP)
	if in, out := metrics["rotd_messages_received_total"], metrics["rotd_messages_total"]; in != out || in < mutants {
		t.Errorf("%v messages received, %v accounted for, %d sent", in, out, mutants)
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	if done := changes(w); len(done) > 0 {
		t.Errorf("rotd acted on a forged word: %+v", done)
	}
	dead, err := w.Sim.QueueDepth(w.DeadLetter)
	if err != nil || dead.Visible < mutants/20 || dead.Visible > mutants*9/10 {
		t.Errorf("%+v of %d mutants are in the dead-letter queue (%v)", dead, mutants, err)
	}
	wantNothingRepeated(t, w)
}

// deleteKeyEvent records what only KMS itself does.
func deleteKeyEvent(w *world.World) {
	w.Sim.EmitRecord(awssim.Record{
		UserIdentity: &awssim.UserIdentity{AccountID: world.Account, InvokedBy: "AWS Internal"},
		EventSource:  "kms.amazonaws.com", EventName: "DeleteKey", AWSRegion: world.Region, EventType: "AwsServiceEvent",
		SourceIPAddress: "AWS Internal", RecipientAccountID: world.Account,
		Resources: []awssim.RecordResource{{AccountID: world.Account, Type: "AWS::KMS::Key", ARN: w.Keys["reports"]}},
	})
}

// originals are messages as they come in, in several envelopes; all claim what KMS will deny.
func originals(w *world.World) []string {
	decrypt := decryptBody(w, "0b000000-0000-4000-8000-000000000001")
	off := strings.NewReplacer(`"Decrypt"`, `"DisableKeyRotation"`, `"readOnly":true`, `"readOnly":false`,
		`"requestParameters":null`, fmt.Sprintf(`"requestParameters":{"keyId":%q}`, w.Keys["cards"])).Replace(decrypt)
	open := strings.NewReplacer(`"Decrypt"`, `"PutKeyPolicy"`, `"readOnly":true`, `"readOnly":false`,
		`"requestParameters":null`, fmt.Sprintf(`"requestParameters":{"keyId":%q,"policyName":"default","policy":%q}`,
			w.Keys["cards"], `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*"}]}`),
	).Replace(decrypt)
	record := decrypt[strings.Index(decrypt, `"detail":`)+len(`"detail":`) : len(decrypt)-1]
	return []string{
		decrypt, off, open, record, `{"Records":[` + record + `,` + record + `]}`,
		fmt.Sprintf(`{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":%q}`, off),
		`{"version":"0","id":"1","detail-type":"KMS CMK Rotation","source":"aws.kms","account":"111122223333",` +
			`"time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":["` + w.Keys["cards"] + `"],` +
			`"detail":{"key-id":"1"}}`,
		`CloudTrail validation message.`,
	}
}

// mutate damages a body in one or two ways.
func mutate(random *rand.Rand, body string, all []string) string {
	b := []byte(body)
	at := func() int { return random.IntN(len(b) + 1) }
	for range 1 + random.IntN(2) {
		if len(b) == 0 {
			return "{"
		}
		from, to := at(), at()
		if from > to {
			from, to = to, from
		}
		switch random.IntN(9) {
		case 0: // another byte
			b[random.IntN(len(b))] = byte(random.IntN(256))
		case 1: // cut short
			b = b[:from]
		case 2: // a piece missing
			b = slices.Delete(b, from, min(to, from+40))
		case 3: // a piece twice
			b = slices.Insert(b, to, slices.Clone(b[from:min(to, from+60)])...)
		case 4: // a piece of another
			other := all[random.IntN(len(all))]
			cut := random.IntN(len(other))
			b = slices.Insert(b, from, []byte(other[cut:min(len(other), cut+30)])...)
		case 5: // other digits
			for i := from; i < min(to, from+200); i++ {
				if '0' <= b[i] && b[i] <= '9' {
					b[i] = byte('0' + random.IntN(10))
				}
			}
		case 6: // deep
			b = slices.Insert(b, from, []byte(strings.Repeat("[", 1+random.IntN(5000)))...)
		case 7: // long
			b = slices.Insert(b, from, []byte(strings.Repeat("x", random.IntN(20_000)))...)
		case 8: // another type
			b = []byte(strings.Replace(string(b), `":"`, []string{`":1e999,"`, `":null,"`, `":{"`, `":["`}[random.IntN(4)], 1))
		}
	}
	return string(b)
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scrape reads the metrics, each summed over its labels.
func scrape(t *testing.T, address string) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return sums(t, response.Body)
}

func sums(t *testing.T, metrics io.Reader) map[string]float64 {
	t.Helper()
	all := make(map[string]float64)
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		var value float64
		if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &value); err == nil {
			all[name] += value
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
