package app

import (
	"errors"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/impact"
	"rotd/internal/state"
	"rotd/internal/usage"
)

func TestWhatHangsOnAKeyIsToldByWhateverName(t *testing.T) {
	d := reporting(t, 2)
	d.up.Store(true)
	now := time.Now().UTC()
	key, other := someKey(0, now), someKey(1, now)
	var uses usage.Batch
	uses.Add(&usage.Use{
		Key: key.ARN, Principal: "service:dynamodb.amazonaws.com", Operation: 1, Service: "dynamodb.amazonaws.com",
		Shape: "aws:dynamodb:tableName", Resource: usage.Resource("aws:dynamodb:tableName", "cards"), Vouched: true, At: now,
	})
	if err := d.db.Update(func(tx *state.Tx) error {
		if err := tx.PutKey(key); err != nil {
			return err
		}
		_, _, err := tx.AppendUsage(&uses, now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b := &backend{d}
	for _, name := range []string{key.ARN, key.ID, key.Aliases[0]} {
		a, err := b.Impact(t.Context(), name)
		if err != nil || a.KeyARN != key.ARN || len(a.Principals) != 1 || len(a.Services) != 1 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if _, err := b.Impact(t.Context(), "alias/nope"); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
	for _, test := range []struct {
		name, to, want string
		err            error
	}{
		{"not chosen yet", "", impact.NewKey, nil},
		{"an alias that rotd knows is the key behind it", other.Aliases[0], other.ARN, nil},
		{"one that it does not know may be there", "alias/elsewhere", "alias/elsewhere", nil},
		{"the key itself, by its alias", key.Aliases[0], "", admin.ErrInvalid},
		{"no name of a key", "'; reboot", "", admin.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := b.Contents(t.Context(), key.ID, test.to)
			if !errors.Is(err, test.err) || err == nil && (c.To != test.want || c.Groups[0].Items[0].Value != "cards") {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}
