package usage

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// call is one that names a resource, so many hours before noon; an id of 0 names none.
func call(resource uint32, hoursAgo int, vouched bool) *Tuple {
	return &Tuple{
		Principal: 99, Operation: 1, Shape: 98, Resource: resource, Vouched: vouched,
		Hour: HourOf(noon()) - uint32(hoursAgo), Calls: Calls{Count: 1},
	}
}

// volume is the name behind an id.
func volume(id uint32) string { return Resource("aws:ebs:id", fmt.Sprint("vol-", id)) }

func TestWhatCallsNameIsUnderTheKey(t *testing.T) {
	rec := &Record{}
	for _, one := range []*Tuple{
		call(30, 5, false), call(30, 2, false), call(20, 9, true), call(20, 1, false), call(None, 0, true),
		call(Others, 0, false),
	} {
		rec.Fold(one)
	}
	rec.Bound(noon(), MaxPrincipals)
	want := &Contents{More: true, Items: []Item{
		{"aws:ebs:id", "vol-20", noon().Add(-time.Hour), true},
		{"aws:ebs:id", "vol-30", noon().Add(-2 * time.Hour), false},
	}}
	if diff := cmp.Diff(want, rec.Held.Contents(volume)); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

func TestResourcesOutliveTheCallsThatNamedThem(t *testing.T) {
	rec := &Record{}
	rec.Fold(call(20, 0, true))
	for _, test := range []struct{ days, pairs, resources int }{
		{KeepDays - 1, 1, 1}, {KeepDays, 0, 1}, {KeepHeld - 1, 0, 1}, {KeepHeld, 0, 0},
	} {
		rec.Bound(noon().AddDate(0, 0, test.days), MaxPrincipals)
		if len(rec.Pairs) != test.pairs || len(rec.Held.Resources) != test.resources {
			t.Errorf("after %d days: %d pairs, %d resources", test.days, len(rec.Pairs), len(rec.Held.Resources))
		}
	}
}

func TestNamesThatCallersMakeUpDoNotDriveOutTrueOnes(t *testing.T) {
	rec := &Record{}
	for id := range uint32(10) {
		rec.Fold(call(FirstName+id, 24*30, true)) // a service, long ago
	}
	for id := range uint32(MaxHeld + 100) {
		rec.Fold(call(1000+id, 0, false))
	}
	rec.Bound(noon(), MaxPrincipals)
	vouched := 0
	for _, r := range rec.Held.Resources {
		if r.Vouched {
			vouched++
		}
	}
	if len(rec.Held.Resources) != MaxHeld || vouched != 10 || !rec.Held.MoreResources {
		t.Errorf("%d resources, %d named by services, more: %t", len(rec.Held.Resources), vouched, rec.Held.MoreResources)
	}
	rec.Bound(noon().AddDate(0, 0, KeepHeld-10), MaxPrincipals)
	if len(rec.Held.Resources) != MaxHeld-10 || rec.Held.MoreResources {
		t.Errorf("later: %d resources, more: %t", len(rec.Held.Resources), rec.Held.MoreResources)
	}
}
