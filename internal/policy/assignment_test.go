package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

func monday() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

// tiers is a set from strict to lax, chosen by a tag; frozen keys are left out of all of them.
func tiers() Set {
	tier := func(name string, maxAge time.Duration) Policy {
		return Policy{
			Name: name, Mode: Enforce, Rotation: Rotation{Method: Auto, MaxAge: maxAge, Automatic: maxAge},
			Match: Match{
				Tags: map[string]string{"tier": name}, Exclude: &Match{Tags: map[string]string{"frozen": "yes"}},
			},
		}
	}
	return Set{tier("gold", 90*day), tier("silver", 180*day), tier("bronze", 365*day), tier("silver-2", 180*day)}
}

func tagged(tags map[string]string, aliases ...string) *inventory.Key {
	return &inventory.Key{ARN: "arn:k", ID: "k", Tags: tags, Aliases: aliases}
}

func tier(name string) *inventory.Key { return tagged(map[string]string{"tier": name}) }

func TestReassign(t *testing.T) {
	now := monday()
	earlier := now.Add(-time.Hour)
	const lets = "exception legacy lets it off every rotation-* check"
	pending := func(had, gets string) *Assignment {
		return &Assignment{Policy: had, Since: earlier, Pending: &Pending{
			Policy: gets, Since: earlier, Laxer: []string{"x"}, Changed: []string{"y"},
		}}
	}
	waits := func(had, gets string, since time.Time, changed string, laxer ...string) *Assignment {
		return &Assignment{Policy: had, Since: since, Pending: &Pending{
			Policy: gets, Since: since, Laxer: laxer, Changed: []string{changed},
		}}
	}
	held := func(name string) *Assignment {
		return &Assignment{Policy: name, Since: now, Hold: now.Add(HoldAfterMove)}
	}
	toSilver := []string{"max_age 180d instead of 90d", "automatic 180d instead of 90d"}
	toBronze := []string{"max_age 365d instead of 90d", "automatic 365d instead of 90d"}
	tests := []struct {
		name       string
		set        func(Set) Set
		remembered *Assignment
		was, is    *inventory.Key
		want       *Assignment
	}{
		{name: "a key not known before", is: tier("gold")},
		{name: "nothing changed", was: tier("gold"), is: tier("gold")},
		{
			name: "a tag that no policy looks at", was: tier("gold"),
			is: tagged(map[string]string{"tier": "gold", "cost": "7"}),
		},
		{name: "as strict a policy", was: tier("silver"), is: tier("silver-2")},
		{
			name: "a laxer policy waits", was: tier("gold"), is: tier("silver"),
			want: waits("gold", "silver", now, "tag tier=silver instead of gold", toSilver...),
		},
		{
			name: "no policy waits", was: tier("gold"), is: tagged(nil),
			want: waits("gold", "", now, "tag tier=gold removed", "no policy: nothing is asked of the key"),
		},
		{
			name: "out of a policy through an exclusion", was: tier("gold"),
			is:   tagged(map[string]string{"tier": "gold", "frozen": "yes"}),
			want: waits("gold", "", now, "tag frozen=yes added", "no policy: nothing is asked of the key"),
		},
		{name: "a stricter policy counts and is held", was: tier("silver"), is: tier("gold"), want: held("gold")},
		{name: "a policy after none counts and is held", was: tagged(nil), is: tier("bronze"), want: held("bronze")},
		{
			name: "what waits goes on waiting", remembered: pending("gold", "silver"), was: tier("silver"), is: tier("silver"),
			want: waits("gold", "silver", earlier, "y", toSilver...),
		},
		{
			name: "laxer still", remembered: pending("gold", "silver"), was: tier("silver"), is: tier("bronze"),
			want: waits("gold", "bronze", earlier, "tag tier=bronze instead of silver", toBronze...),
		},
		{
			name: "less lax, and still laxer than what is in force", remembered: pending("gold", "bronze"),
			was: tier("bronze"), is: tier("silver"),
			want: waits("gold", "silver", earlier, "tag tier=silver instead of bronze", toSilver...),
		},
		{name: "taken back", remembered: pending("gold", "silver"), was: tier("silver"), is: tier("gold")},
		{
			name: "a stricter one than what is in force", remembered: pending("silver", "bronze"), was: tier("bronze"),
			is: tier("gold"), want: held("gold"),
		},
		{
			name: "a reload removed what was in force", remembered: pending("platinum", "silver"), was: tier("silver"),
			is: tier("silver"),
		},
		{
			name: "a reload made it no laxer", remembered: pending("gold", "silver"), was: tier("silver"), is: tier("silver"),
			set: func(s Set) Set { s[1].Rotation = s[0].Rotation; return s },
		},
		{
			name: "a reload alone moves no key", was: tier("gold"), is: tier("gold"),
			set: func(s Set) Set { return s[1:] },
		},
		{
			name: "a hold goes on", remembered: &Assignment{Policy: "gold", Since: earlier, Hold: now.Add(time.Hour)},
			was: tier("gold"), is: tier("gold"),
			want: &Assignment{Policy: "gold", Since: earlier, Hold: now.Add(time.Hour)},
		},
		{
			name: "a hold ends", remembered: &Assignment{Policy: "gold", Since: earlier, Hold: now},
			was: tier("gold"), is: tier("gold"),
		},
		{
			name: "tags that could not be read before are not taken for changed",
			was:  &inventory.Key{ARN: "arn:k", ID: "k", Denied: []string{"ListResourceTags"}}, is: tier("bronze"),
		},
		{
			name: "tags that KMS refused for a while are", is: tier("silver"),
			was: &inventory.Key{
				ARN: "arn:k", ID: "k", Tags: map[string]string{"tier": "gold"}, Denied: []string{"ListResourceTags"},
			},
			want: waits("gold", "silver", now, "tag tier=silver instead of gold", toSilver...),
		},
		{
			name: "an alias that brings the key under an exception waits, policy or none",
			was:  tagged(nil), is: tagged(nil, "alias/legacy-1"),
			want: &Assignment{Since: now, Pending: &Pending{
				Exceptions: []string{"legacy"}, Since: now, Changed: []string{"alias/legacy-1 added"}, Laxer: []string{lets},
			}},
		},
		{
			name: "and goes on waiting",
			remembered: &Assignment{Since: earlier, Pending: &Pending{
				Exceptions: []string{"legacy"}, Since: earlier, Changed: []string{"y"}, Laxer: []string{lets},
			}},
			was: tagged(nil, "alias/legacy-1"), is: tagged(nil, "alias/legacy-1"),
			want: &Assignment{Since: earlier, Pending: &Pending{
				Exceptions: []string{"legacy"}, Since: earlier, Changed: []string{"y"}, Laxer: []string{lets},
			}},
		},
		{
			name: "until the alias is gone",
			remembered: &Assignment{Since: earlier, Pending: &Pending{
				Exceptions: []string{"legacy"}, Since: earlier, Changed: []string{"y"}, Laxer: []string{lets},
			}},
			was: tagged(nil, "alias/legacy-1"), is: tagged(nil),
		},
		{name: "an expired exception brings nothing", was: tagged(nil), is: tagged(nil, "alias/expired-1")},
	}
	exceptions := Exceptions{
		{Name: "legacy", Keys: []string{"alias/legacy-*"}, Expires: now.Add(time.Second)},
		{Name: "expired", Keys: []string{"alias/expired-*"}, Expires: now},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := tiers()
			if tt.set != nil {
				set = tt.set(set)
			}
			got := Reassign(set, exceptions, tt.remembered, tt.was, tt.is, now)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMoveIsKnownByWhatItWouldLetCount(t *testing.T) {
	move := func(change func(*Pending)) string {
		p := Pending{
			Policy: "silver", Exceptions: []string{"legacy"}, Since: monday(), Laxer: []string{"max_age 180d instead of 90d"},
			Changed: []string{"tag tier=silver instead of gold"},
		}
		change(&p)
		return p.ID()
	}
	read := move(func(*Pending) {})
	for name, tt := range map[string]struct {
		change func(*Pending)
		same   bool
	}{
		"seen again, by other tags":     {func(p *Pending) { p.Changed = []string{"tag cost=7 added"} }, true},
		"told in another time zone":     {func(p *Pending) { p.Since = p.Since.In(time.FixedZone("x", 3600)) }, true},
		"another policy, as lax":        {func(p *Pending) { p.Policy = "silver-2" }, false},
		"laxer in another thing":        {func(p *Pending) { p.Laxer = append(p.Laxer, "method none") }, false},
		"another exception":             {func(p *Pending) { p.Exceptions = []string{"legacy-2"} }, false},
		"taken back and made once more": {func(p *Pending) { p.Since = p.Since.Add(time.Nanosecond) }, false},
		"one thing's name is another's": {
			func(p *Pending) { p.Exceptions, p.Laxer = nil, append(p.Exceptions, p.Laxer...) }, false,
		},
	} {
		if got := move(tt.change); (got == read) != tt.same {
			t.Errorf("%s: %s, and %s as read", name, got, read)
		}
	}
}

func TestInForceIsWhatWasBeforeUntilTheChangeIsAccepted(t *testing.T) {
	set, key := tiers(), tagged(map[string]string{"tier": "silver"}, "alias/legacy-1")
	exceptions := Exceptions{{Name: "legacy", Keys: []string{"alias/legacy-*"}}, {Name: "other", Keys: []string{"x"}}}
	a := &Assignment{Policy: "gold", Pending: &Pending{Policy: "silver", Exceptions: []string{"legacy"}}}
	inForce := func(a *Assignment) string { return name(set.InForce(a, key)) }
	if got := inForce(a); got != "gold" {
		t.Errorf("waiting: %q", got)
	}
	if got := exceptions.InForce(a); len(got) != 1 || got[0].Name != "other" {
		t.Errorf("waiting: %v", got)
	}
	if a.Spent(monday()) {
		t.Error("what waits is spent")
	}
	a.Accept(monday())
	if got := inForce(a); got != "silver" {
		t.Errorf("accepted: %q", got)
	}
	if got := exceptions.InForce(a); len(got) != 2 {
		t.Errorf("accepted: %v", got)
	}
	if !a.Spent(monday()) || !a.Since.Equal(monday()) || a.Policy != "silver" {
		t.Errorf("accepted: %+v", a)
	}
	if got := inForce(nil); got != "silver" {
		t.Errorf("nothing remembered: %q", got)
	}
	if got := inForce(&Assignment{Policy: "platinum", Pending: &Pending{}}); got != "silver" {
		t.Errorf("a policy that is no more: %q", got)
	}
}
