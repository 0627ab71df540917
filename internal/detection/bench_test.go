package detection

import (
	"fmt"
	"testing"
	"time"

	"rotd/internal/events"
)

// BenchmarkJudgeWithMemory learns from ordinary events and has every rule judge them, as the engine does, without what
// that takes besides: no decoding and no commit, and everything known is in maps.
func BenchmarkJudgeWithMemory(b *testing.B) {
	w := carefulWorld()
	calls := ordinaryCalls(b, w)
	for day := -28; day < 0; day++ {
		for i := range calls {
			calls[i].EventTime = noon.Add(time.Duration(day)*aDay + time.Duration(i)*time.Second)
			w.observes(calls[i])
		}
	}
	judge, c, findings := NewJudge(Settings{Learning: DefaultLearning}), w.context(), 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ev := calls[i%len(calls)]
		ev.EventTime = noon.Add(time.Duration(i) * time.Second)
		c.Observed = w.observes(ev)
		found, panics := judge.Event(c, ev)
		if len(panics) > 0 {
			b.Fatal(panics[0])
		}
		findings += len(found)
	}
	b.ReportMetric(float64(findings)/float64(b.N), "findings/op")
}

// ordinaryCalls are of 200 principals with three keys each of the 50 that the world gets to know: nine of ten read a
// secret, the others encrypt, look at a key, or are refused.
func ordinaryCalls(b *testing.B, w *world) (calls []*events.Event) {
	b.Helper()
	const principals, keys, rounds = 200, 50, 30
	for i := range keys {
		k := payKey()
		k.ID = fmt.Sprintf("1234abcd-12ab-34cd-56ef-%012d", i)
		k.ARN, k.Aliases = "arn:aws:kms:eu-west-1:111122223333:key/"+k.ID, []string{fmt.Sprint("alias/pay-", i)}
		w.keys[k.ARN], w.uses[k.ARN] = k, noon
	}
	for i := range principals * rounds {
		principal, round := i%principals, i/principals
		key := (principal*7 + round%3) % keys
		arn := fmt.Sprintf("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-%012d", key)
		given := []object{
			by(fmt.Sprint("pay-", principal)), id(fmt.Sprint("e-", i)), from(fmt.Sprintf("203.0.113.%d", principal)),
			{"resources": on(arn)["resources"]},
		}
		r := secretOf(round%10, 0, given...)
		switch i % 97 % 30 { // in no step with the principals
		case 0:
			r["eventName"] = "GenerateDataKey"
		case 1:
			r["eventName"] = "DescribeKey"
		case 2:
			r["errorCode"] = "AccessDenied"
		}
		calls = append(calls, decode(b, r))
	}
	return calls
}
