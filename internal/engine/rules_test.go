package engine

import (
	"slices"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
)

func TestRulesKnowTheRegionsAndThePolicies(t *testing.T) {
	w := newWorld(t, silent, byTag)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 90, Tags: map[string]string{"tier": "gold"}})
	w.sweep(Inventory)
	replicate := func(region string) string {
		return w.aRecord("ReplicateKey", arn).with("requestParameters", map[string]any{
			"keyId": arn, "replicaRegion": region,
		}).bridged()
	}
	tag := func(name string) string {
		return w.aRecord("TagResource", arn).with("requestParameters", map[string]any{
			"keyId": arn, "tags": []any{map[string]any{"tagKey": name, "tagValue": "x"}},
		}).bridged()
	}
	w.settle(replicate(region), tag("color"))
	for _, f := range w.findings() {
		t.Errorf("found %s", f.Title)
	}
	w.settle(replicate("ap-south-1"), tag("tier"))
	if w.found("key-replicated") == nil || w.found("key-tags-changed") == nil {
		t.Errorf("found %+v", w.findings())
	}
}

func TestABurstIsFoundWhicheverOfItsEventsComesLast(t *testing.T) {
	w := newWorld(t, silent)
	at := time.Now().Add(-time.Hour)
	var bodies []string
	for i := range 3 {
		arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
		bodies = append(bodies, newRecord("DisableKey", arn, w.engineer, at.Add(time.Duration(i)*time.Minute)).bridged())
	}
	w.sweep(Inventory)
	slices.Reverse(bodies)
	for i, body := range bodies {
		if w.found("key-mass-destruction") != nil {
			t.Fatalf("found after %d keys", i)
		}
		w.settle(body) // a transaction each
	}
	if f := w.found("key-mass-destruction"); f == nil || f.Severity != finding.Critical {
		t.Errorf("got %+v", f)
	}
}

func TestARevokedGrantEndsItsFinding(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	stranger := "arn:aws:iam::444455556666:role/x"
	w.settle(w.aRecord("CreateGrant", arn).with("requestParameters", map[string]any{
		"keyId": arn, "granteePrincipal": stranger, "operations": []any{"Decrypt"},
	}).bridged())
	read := func(grants ...inventory.Grant) finding.Status {
		key := w.known(arn)
		key.ReadAt = time.Now().Add(2 * time.Second) // events' times are to the second
		key.Grants = &inventory.Grants{ReadAt: key.ReadAt, Count: len(grants), List: grants}
		w.check(w.engine.note(time.Now(), func(n *notebook) error { return n.reading(key, true) }))
		return w.found("grant-to-outsider").Status
	}
	if got := read(inventory.Grant{Grantee: stranger}); got != finding.Open {
		t.Errorf("%s while the grant is there", got)
	}
	w.settle(w.aRecord("RevokeGrant", arn).bridged())
	if got := read(); got != finding.Resolved {
		t.Errorf("%s when it is gone", got)
	}
}
