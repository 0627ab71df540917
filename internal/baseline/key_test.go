package baseline

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const day = 24 * time.Hour

func TestWhoIsNewToAKey(t *testing.T) {
	var k Key
	observe := func(principal string, when time.Time) Observed {
		var o Observed
		k.Observe(&Use{At: when, Principal: IDOf(principal)}, &o)
		return o
	}
	steps := []struct {
		name      string
		principal string
		when      time.Time
		isNew     bool
		newcomers int
		others    int
		keyFor    time.Duration
		usedFor   time.Duration
	}{
		{"the first of all is nobody new", "app", at(0, 9, 0), false, 0, 0, 0, 0},
		{"who used it before is not", "app", at(0, 10, 0), false, 0, 0, time.Hour, time.Hour},
		{"another is", "batch", at(0, 11, 0), true, 0, 1, 2 * time.Hour, 0},
		{"nobody counts as a newcomer in the first week", "app", at(1, 9, 0), false, 0, 1, day, day},
		{"somebody new after weeks is new", "thief", at(20, 9, 0), true, 0, 2, 20 * day, 0},
		{"and a newcomer to the next", "other", at(20, 10, 0), true, 1, 3, 20*day + time.Hour, 0},
		{"not to itself, a day later", "thief", at(21, 9, 0), false, 0, 3, 21 * day, day},
		{"nor to those before it", "app", at(21, 9, 0), false, 0, 3, 21 * day, 21 * day},
		{"a use told of late is an old one", "app", at(19, 9, 0), false, 0, 3, 19 * day, 19 * day},
		{"four weeks later nobody remembers newcomers", "new", at(49, 11, 0), true, 0, 4, 49*day + 2*time.Hour, 0},
	}
	for _, step := range steps {
		o := observe(step.principal, step.when)
		if o.NewPrincipal != step.isNew || o.Newcomers != step.newcomers || o.Others != step.others ||
			o.KeyFor != step.keyFor || o.UsedFor != step.usedFor {
			t.Errorf("%s: new %v, newcomers %d, others %d, known for %s, used for %s; want %+v", step.name, o.NewPrincipal,
				o.Newcomers, o.Others, o.KeyFor, o.UsedFor, step)
		}
	}
}

func TestOfAKeyWithTooManyPrincipalsNobodyIsNew(t *testing.T) {
	var k Key
	for i := range MaxPrincipals + 3 {
		var o Observed
		k.Observe(&Use{At: at(0, 0, i), Principal: IDOf(fmt.Sprint("role ", i))}, &o)
		if want := i > 0 && i <= MaxPrincipals; o.NewPrincipal != want {
			t.Fatalf("principal %d: new %v, want %v", i, o.NewPrincipal, want)
		}
	}
	if len(k.pairs) != MaxPrincipals {
		t.Errorf("%d principals are kept, want %d", len(k.pairs), MaxPrincipals)
	}
	var o Observed
	k.Observe(&Use{At: at(1, 0, 0), Principal: IDOf("role 2")}, &o)
	if o.NewPrincipal {
		t.Error("who was forgotten for want of room is called new")
	}
}

func TestWhetherAKeysCallsHaveContexts(t *testing.T) {
	var k Key
	steps := []struct {
		name   string
		use    Use
		with   int
		always bool
	}{
		{"nothing is known of a new key", Use{Context: secret(1), Symmetric: true}, 0, true},
		{"a call with one counts", Use{Context: secret(2), Symmetric: true}, 1, true},
		{"a signature could have none", Use{}, 2, true},
		{"the first call without one finds that there always was one", Use{Symmetric: true}, 2, true},
		{"the next finds that not", Use{Symmetric: true}, 2, false},
	}
	for i, step := range steps {
		step.use.At, step.use.Principal = at(0, i, 0), IDOf("app")
		var o Observed
		k.Observe(&step.use, &o)
		if o.WithContext != step.with || o.AlwaysContext != step.always {
			t.Errorf("%s: %d calls, always %v; want %d, %v", step.name, o.WithContext, o.AlwaysContext, step.with, step.always)
		}
	}
}

func TestAnHoursSecretsAreCounted(t *testing.T) {
	tests := []struct {
		name string
		uses []time.Time // each reads another secret
		want Counts      // around the last
	}{
		{"one", []time.Time{at(0, 9, 0)}, Counts{1, 1}},
		{"within the hour", []time.Time{at(0, 9, 0), at(0, 9, 30), at(0, 9, 49)}, Counts{3, 3}},
		{"over the hour's end by the clock", []time.Time{at(0, 9, 40), at(0, 9, 50), at(0, 10, 20)}, Counts{3, 3}},
		{"not what is an hour back", []time.Time{at(0, 9, 0), at(0, 9, 50), at(0, 10, 0)}, Counts{2, 2}},
		{"the one that comes late finds all", []time.Time{at(0, 9, 30), at(0, 9, 45), at(0, 9, 20)}, Counts{3, 3}},
		{"what comes an hour and more late counts nowhere", []time.Time{at(0, 12, 0), at(0, 10, 0)}, Counts{}},
		{"after a night nothing is left", []time.Time{at(0, 9, 0), at(1, 9, 0)}, Counts{1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var k Key
			var o Observed
			for n, when := range test.uses {
				o = Observed{}
				k.Observe(&Use{At: when, Principal: 1, Context: secret(n), Decrypts: true, Symmetric: true}, &o)
			}
			if o.Hour != test.want {
				t.Errorf("%+v, want %+v", o.Hour, test.want)
			}
		})
	}
}

func TestADaysSecretsAreCounted(t *testing.T) {
	tests := []struct {
		name string
		uses []time.Time // each reads another secret
		want Counts      // on the day of the last
	}{
		{"over the day", []time.Time{at(0, 0, 5), at(0, 9, 0), at(0, 23, 55)}, Counts{3, 3}},
		{"not yesterday's", []time.Time{at(0, 23, 55), at(1, 0, 5)}, Counts{1, 1}},
		{
			"what is told of after midnight belongs to the day before",
			[]time.Time{at(0, 9, 0), at(1, 0, 5), at(0, 23, 55)},
			Counts{2, 2},
		},
		{"what is told of an hour later counts nowhere", []time.Time{at(0, 9, 0), at(1, 1, 0), at(0, 23, 55)}, Counts{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var k Key
			var o Observed
			for n, when := range test.uses {
				o = Observed{}
				k.Observe(&Use{At: when, Principal: 1, Context: secret(n), Decrypts: true, Symmetric: true}, &o)
			}
			if o.Day != test.want {
				t.Errorf("%+v, want %+v", o.Day, test.want)
			}
		})
	}
}

func TestWhatElseIsReadOnADayHidesNoSecrets(t *testing.T) {
	k := &Key{}
	reads := func(class Class, n int) (last Observed) {
		for i := range n {
			u := Use{At: at(0, 9, i), Principal: 1, Context: secret(i), Decrypts: true, Symmetric: true}
			u.Context.Class, last = class, Observed{}
			k.Observe(&u, &last)
		}
		return last
	}
	reads(Logs, 20)
	if o, want := reads(Parameters, 10), (Counts{10, 10}); o.Day != want {
		t.Errorf("%+v parameters after log files, want %+v", o.Day, want)
	}
	if o, want := reads(Secrets, 12), (Counts{12, 12}); o.Day != want {
		t.Errorf("%+v secrets after parameters, want %+v", o.Day, want)
	}
	k.Observe(&Use{At: at(1, 0, 5), Principal: 1, Context: Context{Parameters, 1}, Decrypts: true}, &Observed{})
	k.Observe(&Use{At: at(1, 0, 6), Principal: 1, Context: secret(1), Decrypts: true}, &Observed{})
	k, err := DecodeKey(k.Append(nil)) // with both days of both classes
	if err != nil {
		t.Fatal(err)
	}
	var o Observed
	k.Observe(&Use{At: at(1, 9, 0), Principal: 1, Context: secret(2), Decrypts: true}, &o)
	if got := o.UsualDay(); got.N != 1 || got.Distinct.Median != 12 {
		t.Errorf("of secrets %+v are usual on a day, want one day of 12", got)
	}
}

func TestWhatIsUsualOnADay(t *testing.T) {
	var k Key
	for d := range 40 {
		k.reads("reader", at(d, 9, 0), 3+d%2*7)
	}
	o := k.reads("reader", at(40, 9, 0), 10)
	if got := o.UsualDay(); got.N != 20 || got.Distinct.Median != 10 || got.Calls.Median != 10 {
		t.Errorf("%+v, want 20 days of 10; those of 3 are few", got)
	}
	k.Observe(&Use{At: at(40, 10, 0), Principal: IDOf("reader"), Context: Context{Objects, 7}, Decrypts: true}, &o)
	if o.Day != (Counts{}) || o.UsualDay().N != 0 {
		t.Errorf("objects are counted by the day: %+v", o.Day)
	}
}

func TestOnlyReadingWithAContextCounts(t *testing.T) {
	var k Key
	for _, use := range []Use{
		{Context: secret(1), Symmetric: true},          // encrypts
		{Decrypts: true, Symmetric: true},              // no context
		{Principal: 2, Context: secret(1)},             // a principal of its own
		{Decrypts: true, Context: secret(1)},           // counts
		{Decrypts: true, Context: secret(1)},           // the same thing again
		{Decrypts: true, Context: Context{Objects, 7}}, // another class
	} {
		use.At = at(0, 9, 0)
		k.Observe(&use, &Observed{})
	}
	var o Observed
	k.Observe(&Use{At: at(0, 9, 1), Decrypts: true, Context: secret(3)}, &o)
	if want := (Counts{3, 2}); o.Hour != want || o.Class != Secrets {
		t.Errorf("%+v of class %d, want %+v", o.Hour, o.Class, want)
	}
}

func TestWhatIsUsualFollowsDayAndWeek(t *testing.T) {
	var k Key
	for day := range 21 { // a batch at two in the night, but not on Sundays' nights; some reading by day
		if day%7 != 6 {
			k.reads("batch", at(day, 2, 0), 40+day%3)
		}
		k.reads("batch", at(day, 12, 0), 5)
	}
	tests := []struct {
		name  string
		when  time.Time
		times Times
		n     int
		calls Robust
	}{
		{"at its time on a working day", at(21, 2, 0), SameTime, 15, Robust{41, 1}},
		{"an hour later in summer", at(21, 3, 0), SameTime, 15, Robust{41, 1}},
		{"at noon, when it reads few", at(21, 12, 0), SameTime, 0, Robust{}},
		{"at noon, of all times", at(21, 12, 0), AnyTime, 18, Robust{41, 1}},
		{"at its time on any day", at(21, 2, 0), TimeOfDay, 18, Robust{41, 1}},
		{"on a Saturday", at(26, 2, 0), SameTime, 3, Robust{41, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := k.reads("batch", test.when, 1)
			got := o.Usual(test.times)
			if got.N != test.n || got.Calls != test.calls {
				t.Errorf("%d hours, %+v calls; want %d, %+v", got.N, got.Calls, test.n, test.calls)
			}
			// Distinct things are counted to a few percent.
			if off := got.Distinct.Median - test.calls.Median; off < -4 || off > 4 || got.Most.Distinct < got.Distinct.Median {
				t.Errorf("%+v, at most %+v", got.Distinct, got.Most)
			}
		})
	}
	if o := k.reads("other", at(21, 2, 0), 1); o.Usual(AnyTime).N != 0 {
		t.Error("what is usual of one principal is taken for another's")
	}
}

func TestOneAttackIsNotUsual(t *testing.T) {
	var k Key
	for day := range 5 {
		k.reads("app", at(day, 9, 0), 12)
	}
	k.reads("app", at(7, 9, 0), 200)
	usual := func() Usual { o := k.reads("app", at(8, 9, 0), 1); return o.Usual(SameTime) }()
	if usual.N != 6 || usual.Calls != (Robust{12, 0}) {
		t.Errorf("%+v", usual)
	}
}

func TestDistinctThingsAreCountedToSomePercent(t *testing.T) {
	for _, n := range []int{1, 2, 10, 30, 100, 300} {
		worst := 0.0
		for seed := range 20 {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
			var s things
			for range n {
				s.add(random.Uint64())
			}
			off := float64(s.distinct()-n) / float64(n)
			worst = max(worst, off, -off)
		}
		if worst > 0.2 {
			t.Errorf("%d things are counted up to %.0f %% wrong", n, 100*worst)
		}
	}
}

// TestTheOrderOfUsesDoesNotMatter: within 15 minutes they come in any order.
func TestTheOrderOfUsesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var uses []Use
		when := monday
		for range rapid.IntRange(1, 40).Draw(t, "uses") {
			when = when.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "pause")) * time.Second)
			uses = append(uses, Use{
				At: when, Principal: ID(rapid.IntRange(1, 3).Draw(t, "principal")),
				Context: secret(rapid.IntRange(0, 60).Draw(t, "secret")), Decrypts: true, Symmetric: true,
			})
		}
		shuffled := make([]Use, len(uses))
		copy(shuffled, uses)
		for i := 1; i < len(shuffled); i++ { // each may change places with an earlier one of the quarter of an hour
			j := rapid.IntRange(max(0, i-3), i).Draw(t, "place")
			if shuffled[i].At.Sub(shuffled[j].At) <= 15*time.Minute && inTime(shuffled, j, i) {
				shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
			}
		}
		end := when.Add(24 * time.Hour)
		if a, b := told(uses, end), told(shuffled, end); !cmp.Equal(a, b) {
			t.Fatalf("in order %v\nout of it %v", a, b)
		}
	})
}

// inTime reports whether the uses between two places may wait for each other.
func inTime(uses []Use, from, to int) bool {
	oldest, newest := uses[from].At, uses[from].At
	for _, u := range uses[from : to+1] {
		if u.At.Before(oldest) {
			oldest = u.At
		}
		if u.At.After(newest) {
			newest = u.At
		}
	}
	return newest.Sub(oldest) <= 15*time.Minute
}

// told is what a key's record says after the uses, whatever order they came in, when all their windows are over.
func told(uses []Use, end time.Time) []byte {
	var k Key
	for i := range uses {
		k.Observe(&uses[i], &Observed{})
	}
	for principal := range 4 {
		k.Observe(&Use{At: end, Principal: ID(principal)}, &Observed{})
	}
	k.Tidy()
	return k.Append(nil)
}
