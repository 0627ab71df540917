package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rotd/internal/usage"
)

// naive answers from a list of all uses.
func naive(uses []usage.Use, arn string, w usage.Window) *usage.Usage {
	step := 24 * time.Hour
	if w.ByHour {
		step = time.Hour
	}
	u := &usage.Usage{
		From: w.From, To: w.To, By: w.By(),
		Principals: []usage.Principal{}, Services: []usage.Service{}, Contexts: []usage.Context{},
		Aliases: []usage.ByAlias{},
	}
	for at := w.From; !at.After(w.To); at = at.Add(step) {
		u.Counts = append(u.Counts, usage.Point{At: at})
	}
	oldest := w.To.Truncate(24*time.Hour).AddDate(0, 0, -(usage.KeepDays - 1))
	kept := map[string]bool{} // principals used within the days that are kept
	for _, one := range uses {
		if one.Key == arn && !one.At.Before(oldest) {
			kept[one.Principal] = true
		}
	}
	principals, services := map[string]*usage.Principal{}, map[string]*usage.Service{}
	contexts := map[string]*usage.Context{}
	bits, aliases := map[string]uint64{}, map[[2]string]time.Time{}
	for _, one := range uses {
		if one.Key != arn || !kept[one.Principal] {
			continue
		}
		p := principals[one.Principal]
		if p == nil {
			p = &usage.Principal{ARN: one.Principal, FirstUse: one.At, LastUse: one.At}
			principals[one.Principal] = p
		}
		p.FirstUse, p.LastUse = earlier(p.FirstUse, one.At), later(p.LastUse, one.At)
		u.FirstUse, u.LastUse = earlier(cmp.Or(u.FirstUse, one.At), one.At), later(u.LastUse, one.At)
		bits[one.Shape] |= one.Contexts
		if one.At.Before(w.From) {
			continue
		}
		i := min(int(one.At.Sub(w.From)/step), len(u.Counts)-1)
		u.Counts[i].Calls++
		u.Calls++
		p.Calls++
		hour := one.At.Truncate(time.Hour)
		p.Operations = append(p.Operations, "Decrypt")
		if one.Operation == 2 {
			p.Operations[len(p.Operations)-1] = "Encrypt"
		}
		p.Networks = appendText(p.Networks, one.Network.String())
		p.Services = appendText(p.Services, one.Service)
		p.Contexts = appendText(p.Contexts, strings.ReplaceAll(one.Shape, "\x1f", ","))
		if one.Alias != "" {
			at := [2]string{one.Alias, one.Principal}
			aliases[at] = later(aliases[at], hour)
		}
		if one.Service != "" {
			s := services[one.Service]
			if s == nil {
				s = &usage.Service{Name: one.Service}
				services[one.Service] = s
			}
			s.Calls++
			s.LastHour = later(s.LastHour, hour)
		}
		if one.Shape != "" {
			c := contexts[one.Shape]
			if c == nil {
				c = &usage.Context{Names: usage.ShapeNames(one.Shape)}
				contexts[one.Shape] = c
			}
			c.Calls++
			c.LastHour = later(c.LastHour, hour)
		}
	}
	for _, p := range principals {
		for _, set := range []*[]string{&p.Operations, &p.Networks, &p.Services, &p.Contexts} {
			slices.Sort(*set)
			*set = slices.Compact(*set)
		}
		if p.Calls > 0 {
			u.Principals = append(u.Principals, *p)
		}
	}
	for _, s := range services {
		u.Services = append(u.Services, *s)
	}
	for shape, c := range contexts {
		c.Distinct, c.AtLeast = usage.Distinct(bits[shape])
		u.Contexts = append(u.Contexts, *c)
	}
	for at, last := range aliases {
		u.Aliases = append(u.Aliases, usage.ByAlias{Alias: at[0], Principal: at[1], LastHour: last})
	}
	slices.SortFunc(u.Aliases, func(a, b usage.ByAlias) int {
		return cmp.Or(cmp.Compare(a.Alias, b.Alias), b.LastHour.Compare(a.LastHour), cmp.Compare(a.Principal, b.Principal))
	})
	slices.SortFunc(u.Principals, func(a, b usage.Principal) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), b.LastUse.Compare(a.LastUse), cmp.Compare(a.ARN, b.ARN))
	})
	slices.SortFunc(u.Services, func(a, b usage.Service) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(u.Contexts, func(a, b usage.Context) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), slices.Compare(a.Names, b.Names))
	})
	return u
}

// cameBack reports whether a principal or a shape of contexts was away from a key for about as long as uses are kept:
// whether it was forgotten meanwhile depends on when its key was folded.
func cameBack(uses []usage.Use) bool {
	const away = (usage.KeepDays - 16) * 24 * time.Hour // uses come up to 14 days late
	times := map[string][]time.Time{}
	for _, one := range uses {
		for _, of := range []string{one.Key + " by " + one.Principal, one.Key + " as " + one.Shape} {
			times[of] = append(times[of], one.At)
		}
	}
	for _, at := range times {
		slices.SortFunc(at, time.Time.Compare)
		for i := range at[1:] {
			if at[i+1].Sub(at[i]) > away {
				return true
			}
		}
	}
	return false
}

// naiveContents answers from a list of all uses.
func naiveContents(uses []usage.Use, arn string, now time.Time) *usage.Contents {
	oldest := now.Truncate(24*time.Hour).AddDate(0, 0, -(usage.KeepHeld - 1))
	items := map[string]*usage.Item{}
	for _, one := range uses {
		if one.Key != arn || one.Resource == "" || one.At.Before(oldest) {
			continue
		}
		item := items[one.Resource]
		if item == nil {
			name, value, _ := strings.Cut(one.Resource, "\x1f")
			item = &usage.Item{Name: name, Value: value}
			items[one.Resource] = item
		}
		item.LastHour = later(item.LastHour, one.At.Truncate(time.Hour))
		item.Vouched = item.Vouched || one.Vouched
	}
	c := &usage.Contents{Items: []usage.Item{}}
	for _, resource := range slices.Sorted(maps.Keys(items)) {
		c.Items = append(c.Items, *items[resource])
	}
	return c
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func appendText(all []string, text string) []string {
	if text == "" {
		return all
	}
	return append(all, text)
}

// someUse draws a call at about a time: backlogs bring old ones.
func someUse(t *rapid.T, now time.Time) usage.Use {
	age := rapid.OneOf(
		rapid.IntRange(0, 3600), rapid.IntRange(0, 14*24*3600), rapid.IntRange(-3600, 0),
	).Draw(t, "age")
	network, service := usage.Source(rapid.SampledFrom([]string{
		"10.0.4.17", "10.0.4.200", "192.0.2.1", "2001:db8:7::1", "s3.amazonaws.com", "AWS Internal", "",
	}).Draw(t, "source"))
	u := usage.Use{
		Key:       keyARN(rapid.IntRange(0, 2).Draw(t, "key")),
		Principal: fmt.Sprint("arn:aws-cn:iam::111122223333:role/r", rapid.IntRange(0, 4).Draw(t, "principal")),
		Operation: uint8(rapid.IntRange(1, 2).Draw(t, "operation")),
		Network:   network, Service: service,
		At: now.Add(-time.Duration(age) * time.Second).Truncate(time.Second),
	}
	var s usage.Shaper
	for _, name := range []string{"table", "tenant"}[:rapid.IntRange(0, 2).Draw(t, "names")] {
		s.Add(name, fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "value")))
	}
	u.Shape, u.Contexts = s.Shape()
	if u.Shape != "" && rapid.Bool().Draw(t, "resource") {
		u.Resource = usage.Resource("aws:ebs:id", fmt.Sprint("vol-", rapid.IntRange(0, 5).Draw(t, "volume")))
		u.Vouched = rapid.Bool().Draw(t, "vouched")
	}
	if rapid.Bool().Draw(t, "by alias") {
		u.Alias = fmt.Sprint("alias/", rapid.IntRange(0, 2).Draw(t, "alias"))
	}
	return u
}

func TestUsageIsExactHoweverItIsBatchedFoldedAndTrimmed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		db := openTest(t)
		db.bolt.NoSync = true // nothing is pulled from under it
		update(t, db, func(tx *Tx) error {
			for n := range 2 { // the third key is one that the inventory does not know
				if err := tx.PutKey(testKey(n)); err != nil {
					return err
				}
			}
			return nil
		})
		now, all := day(), []usage.Use(nil)
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"uses", "uses", "uses", "fold", "reopen", "time", "retain"}).Draw(r, "step") {
			case "uses":
				var b usage.Batch
				for range rapid.IntRange(1, 30).Draw(r, "n") {
					u := someUse(r, now)
					all = append(all, u)
					b.Add(&u)
				}
				if cameBack(all) {
					return // from here on the answer depends on when folding was; all before was compared
				}
				update(t, db, func(tx *Tx) error { _, _, err := tx.AppendUsage(&b, now); return err })
			case "fold":
				if _, err := db.FoldUsage(t.Context(), now); err != nil {
					r.Fatal(err)
				}
			case "reopen":
				db = reopen(t, db)
				db.bolt.NoSync = true
			case "time":
				now = now.Add(time.Duration(rapid.IntRange(1, 40*24*60).Draw(r, "minutes")) * time.Minute)
			case "retain":
				if _, err := db.Retain(now); err != nil {
					r.Fatal(err)
				}
			}
			since := now.Add(-time.Duration(rapid.IntRange(0, 100*24).Draw(r, "since")) * time.Hour)
			w := usage.NewWindow(since, now)
			for n := range 3 {
				known := all
				if n == 2 {
					known = nil
				}
				want := naive(known, keyARN(n), w)
				alone, among := bothUsages(t, db, keyARN(n), w)
				if diff := gocmp.Diff(want, alone); diff != "" {
					r.Fatalf("key %d since %v (-want +got):\n%s", n, w.From, diff)
				}
				if diff := gocmp.Diff(want, among); diff != "" {
					r.Fatalf("key %d among others since %v (-want +got):\n%s", n, w.From, diff)
				}
				if diff := gocmp.Diff(naiveContents(known, keyARN(n), now), contentsOf(t, db, n, now)); diff != "" {
					r.Fatalf("what is under key %d at %v (-want +got):\n%s", n, now, diff)
				}
			}
		}
	})
}

// bothUsages asks for a key's usage alone, and for it among others'.
func bothUsages(t testing.TB, db *DB, arn string, w usage.Window) (alone, among *usage.Usage) {
	t.Helper()
	view(t, db, func(tx *Tx) (err error) {
		if alone, err = tx.Usage(arn, w); err != nil {
			return err
		}
		reader, err := tx.UsageReader()
		if err == nil {
			among, err = reader.Of(arn, w)
		}
		return err
	})
	return alone, among
}

// usesOf are calls of so many principals with a key, from so many networks each.
func usesOf(key, principals, perPrincipal int, at time.Time) (all []usage.Use) {
	for p := range principals {
		for i := range perPrincipal {
			n, _ := usage.Source(fmt.Sprintf("10.%d.%d.1", p, i))
			all = append(all, usage.Use{
				Key: keyARN(key), Principal: fmt.Sprint("role/", p), Operation: 1, Network: n,
				At: at.Add(time.Duration(p) * time.Second),
			})
		}
	}
	return all
}

func appendUses(t testing.TB, db *DB, now time.Time, uses ...usage.Use) (logged, dropped int) {
	t.Helper()
	var b usage.Batch
	for i := range uses {
		b.Add(&uses[i])
	}
	update(t, db, func(tx *Tx) (err error) { logged, dropped, err = tx.AppendUsage(&b, now); return err })
	return logged, dropped
}

func usageOf(t testing.TB, db *DB, n int, now time.Time) (u *usage.Usage) {
	t.Helper()
	view(t, db, func(tx *Tx) (err error) {
		u, err = tx.Usage(keyARN(n), usage.NewWindow(now.AddDate(0, 0, -30), now))
		return err
	})
	return u
}

func contentsOf(t testing.TB, db *DB, n int, now time.Time) (c *usage.Contents) {
	t.Helper()
	view(t, db, func(tx *Tx) error {
		rec, err := tx.UsageRecord(keyARN(n), now)
		if err == nil {
			c = rec.Held.Contents(tx.UsageName)
		}
		return err
	})
	return c
}

func fold(t testing.TB, db *DB, now time.Time) Folded {
	t.Helper()
	f, err := db.FoldUsage(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFoldingThatEndsHalfwayIsFinishedByTheNext(t *testing.T) {
	db := openTest(t)
	const keys = 3 * foldKeys
	var all []usage.Use
	update(t, db, func(tx *Tx) error {
		for n := range keys {
			all = append(all, usesOf(n, 2, 1, day())...)
			if err := tx.PutKey(testKey(n)); err != nil {
				return err
			}
		}
		return nil
	})
	appendUses(t, db, day(), all...)
	ctx := &endsAfter{Context: t.Context(), asks: 2}
	f, err := db.FoldUsage(ctx, day())
	if err == nil || f.Keys == 0 || f.Keys == keys {
		t.Fatalf("folding did not end halfway: %+v, %v", f, err)
	}
	db = reopen(t, db)
	appendUses(t, db, day(), usesOf(0, 1, 1, day())...)
	check := func(when string) {
		for n := range keys {
			want := uint64(2)
			if n == 0 {
				want = 3
			}
			if got := usageOf(t, db, n, day()).Calls; got != want {
				t.Errorf("%s: key %d has %d calls, want %d", when, n, got, want)
			}
		}
	}
	check("before")
	fold(t, db, day())
	check("after")
	view(t, db, func(tx *Tx) error {
		same(t, "log", tx.sub(bucketUsage, usageLog).Stats().KeyN, 0)
		return nil
	})
	same(t, "folding nothing", fold(t, db, day()), Folded{})
}

// endsAfter is a context that ends after it was asked so often.
type endsAfter struct {
	context.Context
	asks int
}

func (c *endsAfter) Err() error {
	if c.asks--; c.asks < 0 {
		return context.Canceled
	}
	return nil
}

func TestUsageIsBounded(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return tx.PutKey(testKey(0)) })
	const principals = usage.MaxPrincipals + 20
	for range 2 {
		appendUses(t, db, day(), usesOf(0, principals, 1, day())...)
		fold(t, db, day())
	}
	u := usageOf(t, db, 0, day())
	same(t, "principals", len(u.Principals), usage.MaxPrincipals)
	same(t, "calls", u.Calls, 2*principals)
	if u.Others == nil || u.Others.Calls == 0 {
		t.Fatalf("others: %+v", u.Others)
	}
	if u.Principals[0].ARN != fmt.Sprint("role/", principals-1) {
		t.Errorf("the principal used last is not kept: %+v", u.Principals[0])
	}

	appendUses(t, db, day(), usesOf(0, 1, usage.MaxNetworks+5, day().Add(time.Hour))...)
	fold(t, db, day())
	one := usageOf(t, db, 0, day()).Principals[0]
	same(t, "networks", len(one.Networks), usage.MaxNetworks)
	same(t, "more", one.More, []string{"networks"})
}

func TestUsageIsBoundedOverAllKeys(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for n := range 4 {
			if err := tx.PutKey(testKey(n)); err != nil {
				return err
			}
		}
		return nil
	})
	db.bounds.usagePairs = 10
	for n := range 4 {
		appendUses(t, db, day(), usesOf(n, 4, 1, day())...)
		fold(t, db, day())
	}
	calls, kept := uint64(0), 0
	for n := range 4 {
		u := usageOf(t, db, n, day())
		calls += u.Calls
		kept += len(u.Principals)
	}
	same(t, "calls", calls, 16)
	same(t, "pairs", kept, 10)

	db.bounds.usageNames[kindPrincipal] = 0
	appendUses(t, db, day(), usage.Use{Key: keyARN(0), Principal: "new", Operation: 1, At: day()})
	same(t, "calls of a principal without room", usageOf(t, db, 0, day()).Others.Calls, 1)

	db.bounds.usageLog = 1
	_, dropped := appendUses(t, db, day(), usesOf(0, 1, 3, day())...)
	same(t, "dropped by a full log", dropped, 3)
}

func TestUsageGoesWithItsKeyAndWithTime(t *testing.T) {
	db := openTest(t)
	gone := testKey(0)
	update(t, db, func(tx *Tx) error { return cmp.Or(tx.PutKey(gone), tx.PutKey(testKey(1)), tx.PutKey(testKey(2))) })
	appendUses(t, db, day(), append(usesOf(0, 2, 1, day()), usesOf(1, 3, 1, day())...)...)
	fold(t, db, day())
	appendUses(t, db, day(), usesOf(0, 1, 1, day())...)
	update(t, db, func(tx *Tx) error { return tx.forgetKey(gone) })
	fold(t, db, day())
	same(t, "a forgotten key's calls", usageOf(t, db, 0, day()).Calls, 0)
	view(t, db, func(tx *Tx) error {
		same(t, "records", tx.sub(bucketUsage, usageKeys).Stats().KeyN, 1)
		return nil
	})

	later := day().AddDate(0, 0, usage.KeepDays)
	dropped, err := db.Retain(later)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "records and names dropped", []int{dropped.Usage, dropped.UsageNames}, []int{1, 0})
	appendUses(t, db, later, usage.Use{Key: keyARN(2), Principal: "role/1", Operation: 1, At: later})
	later = later.AddDate(0, 0, trimUsageAfter+9)
	if dropped, err = db.Retain(later); err != nil {
		t.Fatal(err)
	}
	same(t, "names dropped", dropped.UsageNames, 2) // two roles; a third was used since, and keys' names stay longer
	same(t, "its name stays", usageOf(t, db, 2, later).Principals[0].ARN, "role/1")
	appendUses(t, db, later, usesOf(1, 1, 1, later)...)
	fold(t, db, later)
	same(t, "a name that comes again", usageOf(t, db, 1, later).Principals[0].ARN, "role/0")
}

func TestDamagedUsageStopsNothing(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return tx.PutKey(testKey(0)) })
	appendUses(t, db, day(), usesOf(0, 3, 1, day())...)
	fold(t, db, day())
	appendUses(t, db, day(), usesOf(0, 1, 1, day())...)
	update(t, db, func(tx *Tx) error {
		id, _ := tx.usageID(kindKey, keyARN(0))
		return cmp.Or(tx.sub(bucketUsage, usageKeys).Put(uint32Bytes(id), []byte{1, 2, 3}),
			tx.sub(bucketUsage, usageLog).Put(uint64Bytes(1000), []byte{9}), tx.count(totalUsageLog, 1))
	})
	f := fold(t, db, day())
	same(t, "folded", f, Folded{Tuples: 1, Keys: 1, Damaged: 2})
	same(t, "calls", usageOf(t, db, 0, day()).Calls, 1)
	update(t, db, func(tx *Tx) error { return tx.count(totalUsagePairs, -3) }) // those of the damaged record
}

func TestSharedCallsAreOneWithinAMinute(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for _, step := range []struct {
			id    string
			at    time.Time
			fresh bool
		}{
			{"shared-1", day().Add(5 * time.Second), true},
			{"shared-1", day().Add(6 * time.Second), false},
			{"shared-2", day().Add(5 * time.Second), true},
		} {
			fresh, err := tx.MarkShared(step.id, step.at)
			if err != nil {
				return err
			}
			same(t, step.id, fresh, step.fresh)
		}
		return nil
	})
}

func TestTheNameCacheHoldsOnlyWhatIsDurable(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return tx.PutKey(testKey(0)) })
	var b usage.Batch
	for _, u := range usesOf(0, 3, 1, day()) {
		b.Add(&u)
	}
	refused := errors.New("refused")
	err := db.Update(func(tx *Tx) error { _, _, err := tx.AppendUsage(&b, day()); return cmp.Or(err, refused) })
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	same(t, "names in the cache", db.names.size, 0)
	db.bounds.usageCached = 2
	appendUses(t, db, day(), usesOf(0, 3, 1, day())...)
	if len(db.names.names[kindPrincipal]) > 2 {
		t.Errorf("the cache holds %v", slices.Collect(maps.Keys(db.names.names[kindPrincipal])))
	}
	same(t, "calls", usageOf(t, db, 0, day()).Calls, 3)
}
