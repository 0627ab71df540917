package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rotd/internal/admin"
	"rotd/internal/history"
	"rotd/internal/inventory"
)

// attackPolicy and calmPolicy are a key policy before and after it was opened.
const (
	calmPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"Admin","Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`
	attackPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"Admin","Effect":"Allow",` +
		`"Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}`
)

// someHistory is what happened to the payments key: it is written as the engine writes it, from readings.
func someHistory(now inventory.Key) *history.Kept {
	kept := &history.Kept{Dropped: map[history.Kind]history.Drop{
		history.Tags: {Count: 4312, Until: before(20 * day)},
	}}
	readings := []struct {
		ago      time.Duration // of the reading
		change   func(k *inventory.Key)
		evidence []history.Evidence
	}{
		{ago: 25 * day, change: func(k *inventory.Key) { k.Rotation.Enabled = false }, evidence: []history.Evidence{mallory(
			"DisableKeyRotation", 25*day+3*time.Second, "x\r\nAll is well\x07")}},
		{
			ago: 25*day - time.Minute, change: func(k *inventory.Key) { k.Rotation.Enabled = true },
			evidence: []history.Evidence{{
				EventID: "30000000-7425-40de-944b-e07fc1f90ae7", Operation: "EnableKeyRotation",
				At: before(25*day - 50*time.Second), Own: true, ActionID: "act_01JPK00000000000000000AAAA",
				Principal: "arn:aws:iam::111122223333:role/rotd", Session: "rotd-default",
			}},
		},
		{ago: 10 * day, change: func(k *inventory.Key) { k.Policy = attackPolicy }, evidence: []history.Evidence{mallory(
			"PutKeyPolicy", 10*day+2*time.Second, "ci")}},
		{ago: 9 * day, change: func(k *inventory.Key) { k.Policy = calmPolicy }, evidence: []history.Evidence{{
			EventID: "50000000-7425-40de-944b-e07fc1f90ae7", Operation: "PutKeyPolicy", At: before(9*day + 4*time.Second),
			Principal: "arn:aws:iam::111122223333:user/ann", SourceIP: "10.0.4.17",
		}}},
		{ago: 6 * day, change: func(k *inventory.Key) { k.Aliases = []string{evil} }},
		{ago: 5 * day, change: func(k *inventory.Key) { k.Aliases = []string{"alias/pay-cards"} }},
		{
			ago: 3 * day, change: func(k *inventory.Key) { k.State, k.DeletionDate = "PendingDeletion", at(4*day) },
			evidence: []history.Evidence{mallory("ScheduleKeyDeletion", 3*day+time.Second, "ci")},
		},
		{
			ago: 3*day - time.Hour, change: func(k *inventory.Key) { k.State, k.DeletionDate = "Enabled", nil },
			evidence: []history.Evidence{{
				EventID: "70000000-7425-40de-944b-e07fc1f90ae7", Operation: "CancelKeyDeletion",
				At: before(3*day - time.Hour + 2*time.Second), Principal: "arn:aws:iam::111122223333:user/ann",
			}},
		},
	}
	was := copied(now)
	was.ReadAt, was.FullAt, was.WholeBy = now.FirstRead, now.FirstRead, now.FirstRead
	was.Policy = calmPolicy
	for _, r := range readings {
		is := copied(*was)
		r.change(is)
		is.ReadAt, is.FullAt, is.WholeBy = before(r.ago), before(r.ago), before(r.ago)
		for _, e := range history.Diff(was, is, before(r.ago)) {
			e.Evidence = r.evidence
			e.SetMoves(payARN, func(string) string { return ordersARN })
			kept.Entries = append(kept.Entries, e)
		}
		was = is
	}
	flood := mallory("TagResource", 2*day, "ci")
	flood.Count, flood.LastAt = 4000, before(2*day-50*time.Minute)
	kept.Entries = append(kept.Entries, history.Entry{
		Kind: history.EventKind("TagResource"), SeenAt: before(2 * day), Evidence: []history.Evidence{flood},
	})
	return kept
}

func mallory(operation string, ago time.Duration, session string) history.Evidence {
	return history.Evidence{
		EventID: fmt.Sprintf("%08x-7425-40de-944b-e07fc1f90ae7", int(ago.Seconds())), Operation: operation, At: before(ago),
		Principal: "arn:aws:iam::111122223333:role/deploy", Session: session, SourceIP: "198.51.100.24",
	}
}

func copied(k inventory.Key) *inventory.Key {
	if k.Rotation != nil {
		rotation := *k.Rotation
		k.Rotation = &rotation
	}
	return &k
}

func (d *fakeDaemon) keyAndHistory(ctx context.Context, name string) (*inventory.Key, *history.Kept, error) {
	detail, err := d.Key(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	key := detail.Key.Key
	if key.ARN != payARN {
		return &key, &history.Kept{}, nil
	}
	key.Policy = calmPolicy
	return &key, someHistory(key), nil
}

func (d *fakeDaemon) History(ctx context.Context, q admin.HistoryQuery) (page admin.Page[history.Line], err error) {
	key, kept, err := d.keyAndHistory(ctx, q.Key)
	if err == nil {
		page.Items, page.Next = history.Page(history.Timeline(key, kept), q.After, q.Limit, q.Keep)
	}
	return page, err
}

func (d *fakeDaemon) AsOf(ctx context.Context, name string, at time.Time) (*history.Past, error) {
	key, kept, err := d.keyAndHistory(ctx, name)
	if err != nil {
		return nil, err
	}
	past, err := history.AsOf(key, kept, at)
	if _, ok := errors.AsType[*history.BeforeKnownError](err); ok {
		err = admin.As(admin.ErrNotFound, err)
	}
	return past, err
}
