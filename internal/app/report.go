package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"rotd/internal/audit"
	"rotd/internal/history"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/report"
	"rotd/internal/state"
)

// Report writes a report on the keys as they are known.
func (b *backend) Report(ctx context.Context, q report.Query, to io.Writer) error {
	if err := b.started(); err != nil {
		return err
	}
	return b.d.writeReport(ctx, q, to)
}

// writeReport gathers what a report is made from and writes it.
func (d *daemonProcess) writeReport(ctx context.Context, q report.Query, to io.Writer) error {
	now, settings := time.Now().UTC(), d.engine.Settings()
	places, err := d.reportPlaces()
	if err != nil {
		return err
	}
	var head audit.Head
	if err := d.db.View(func(tx *state.Tx) error { head = tx.AuditHead(); return nil }); err != nil {
		return err
	}
	var exceptions []report.Exception
	for i := range settings.Exceptions {
		x := &settings.Exceptions[i]
		exceptions = append(exceptions, report.Exception{
			Name: x.Name, Keys: x.Keys, Checks: x.Checks, Author: x.Author, Approver: x.Approver, Reason: x.Reason,
			Expires: x.Expires,
		})
	}
	return report.Write(to, q, report.Source{
		Version: d.opts.Version, Shard: d.db.Shard(), Audit: head, Places: places, Exceptions: exceptions,
		Judging: report.Judging{
			Now: now, Judge: settings.Judge, Prices: *d.prices.Load(),
		},
		Each: func(whole bool, fn func(*report.Facts) error) error { return d.eachFacts(ctx, now, whole, fn) },
	})
}

// reportPlaces are the accounts and Regions that are read, and those that were.
func (d *daemonProcess) reportPlaces() ([]report.Place, error) {
	var swept []state.Coverage
	err := d.db.View(func(tx *state.Tx) (err error) {
		swept, err = tx.Places()
		return err
	})
	if err != nil {
		return nil, err
	}
	configured := make(map[[2]string]bool)
	for _, p := range d.engine.Places() {
		configured[[2]string{p.Account, p.Region}] = true
	}
	var places []report.Place
	for i := range swept {
		c := &swept[i]
		at := [2]string{c.Account, c.Region}
		places = append(places, report.Place{
			Account: c.Account, Region: c.Region, Configured: configured[at], LastComplete: c.LastComplete,
			LastSweep: c.LastSweep, LastKind: c.LastKind, Keys: c.Keys, Unread: c.Unread, Denied: c.Denied,
			LastError: c.LastError,
		})
		delete(configured, at)
	}
	for _, p := range d.engine.Places() {
		if configured[[2]string{p.Account, p.Region}] {
			places = append(places, report.Place{Account: p.Account, Region: p.Region, Configured: true})
		}
	}
	return places, nil
}

// factsPage is how many keys one transaction copies.
const factsPage = 250

// eachFacts hands over what is known of every key. No transaction is open while fn runs.
func (d *daemonProcess) eachFacts(
	ctx context.Context, now time.Time, whole bool, fn func(*report.Facts) error,
) error {
	for after := ""; ; {
		var page []report.Facts
		err := d.db.View(func(tx *state.Tx) error {
			keys, next, err := tx.Keys(after, factsPage, nil)
			after = next
			if lost := tx.PassedOver(); err == nil && len(lost) > 0 { // a report that left a key out would be no evidence
				err = fmt.Errorf("report on every key: %w; `rotd sweep inventory` reads it anew", lost[0])
			}
			page = make([]report.Facts, len(keys))
			for i := range keys {
				if err == nil {
					page[i], err = d.facts(tx, &keys[i], now, whole)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		for i := range page {
			if err := fn(&page[i]); err != nil {
				return err
			}
		}
		if after == "" {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// facts gathers what is known around a key.
func (d *daemonProcess) facts(tx *state.Tx, k *inventory.Key, now time.Time, whole bool) (f report.Facts, err error) {
	var exceptions policy.Exceptions
	if f.Context, exceptions, err = d.engine.KeyContext(tx, k, now); err != nil {
		return f, err
	}
	f.Except = func(check string) *policy.Exception { return exceptions.For(k, check, now) }
	if !whole || k.GoneAt != nil {
		return f, nil
	}
	if f.Open, err = tx.OpenAboutKey(k, maxOpenShown); err != nil {
		return f, err
	}
	if f.Moves, err = tx.MovesFrom(k.ARN, maxMovesShown); err != nil {
		return f, err
	}
	f.EventID, err = rotationEvent(tx, k)
	return f, err
}

// rotationEvent is the event that told of the key's last rotation, by its material or, where the event names none, by
// its time; "" when none is kept.
func rotationEvent(tx *state.Tx, k *inventory.Key) (string, error) {
	if k.Rotation == nil || len(k.Rotation.History) == 0 {
		return "", nil
	}
	last := k.Rotation.History[len(k.Rotation.History)-1]
	kept, err := tx.LatestHistory(k.ARN, history.EventKind("RotateKey"), keptRotations)
	if err != nil {
		return "", err
	}
	for _, entry := range slices.Backward(kept) {
		for i := range entry.Evidence {
			e := &entry.Evidence[i]
			apart := e.At.Sub(last.At).Abs()
			if e.Material != "" && e.Material == last.Material || e.Material == "" && apart < eventWithin {
				return e.EventID, nil
			}
		}
	}
	return "", nil
}

const (
	maxMovesShown = 8         // from a key to others
	keptRotations = 4         // of a key's newest that are looked through
	eventWithin   = time.Hour // of KMS's date of a rotation an event without a material is of that rotation
)

// maxOpenShown bounds the open findings that a report gathers of a key.
const maxOpenShown = 20
