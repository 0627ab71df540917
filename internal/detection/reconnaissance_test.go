package detection

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// questions are readings of so many keys, so long after another.
func questions(n int, every time.Duration, given ...object) (all []object) {
	for i := range n {
		arn := fmt.Sprintf("arn:aws:kms:eu-west-1:111122223333:key/%d", i)
		all = append(all, record("DescribeKey", append(given, on(arn), id(fmt.Sprint("e-", i)),
			at(time.Duration(i)*every))...))
	}
	return all
}

func TestReconnaissance(t *testing.T) {
	const title = "LOW Somebody takes stock of the keys"
	forty := questions(40, 10*time.Second)
	backwards := slices.Clone(forty)
	slices.Reverse(backwards)
	testRule(t, reconnaissance(), []ruleTest{
		{
			name: "forty keys in seven minutes", events: forty, want: []string{title},
			says: []string{"role/admin asked 40 different things about keys within 10 min, lastly DescribeKey."},
		},
		{name: "told in the reverse order", events: backwards, want: []string{title}},
		{
			name:   "refused ones too",
			events: append(questions(39, time.Second, failing("AccessDenied")), record("ListAliases")), want: []string{title},
		},
		{
			name:   "by an allowed principal, of a key it is allowed",
			events: append(questions(39, time.Second, by("pay-api")), record("GetKeyPolicy", by("pay-api"))),
			want:   []string{"INFORMATIONAL expected Somebody takes stock of the keys"},
		},
		{name: "thirty-nine", events: questions(39, time.Second)},
		{name: "forty in a quarter of an hour", events: questions(40, 23*time.Second)},
		{name: "one key again and again", events: times(100, time.Second, "DescribeKey")},
		{name: "by a service", events: questions(60, time.Second, byConfig())},
		{name: "by rotd", world: func(w *world) { w.own = true }, events: questions(60, time.Second)},
		{name: "uses", events: times(60, time.Second, "Decrypt")},
		{name: "by nobody who is named", events: questions(60, time.Second, object{"userIdentity": nil})},
	})
}

func TestTheSameQuestionsADayLaterCountAgain(t *testing.T) {
	judge := newJudge([]Rule{reconnaissance()}, nil, Settings{})
	w := newWorld()
	for day := range 2 {
		found := 0
		for _, r := range questions(40, time.Second, id("x")) {
			ev := decode(t, r)
			ev.EventTime = ev.EventTime.AddDate(0, 0, day)
			got, _ := judge.Event(w.context(), ev)
			found += len(got)
		}
		if found != 1 {
			t.Errorf("on day %d %d were found", day, found)
		}
	}
}
