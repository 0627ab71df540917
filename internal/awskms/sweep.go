package awskms

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"rotd/internal/inventory"
)

// Page is what a sweep read of some keys, in the order they were listed.
type Page struct {
	Keys   []*inventory.Key // as read; denied and gone ones among them
	Fresh  []string         // ARNs of keys of which nothing was due
	Failed []Failure        // keys that could not be read
	Last   string           // ARN of the last key of the page
}

// Failure is a key a sweep could not read.
type Failure struct {
	ARN string
	Err error
}

// Coverage counts what became of the keys of a sweep.
type Coverage struct {
	Total  int // keys it was to read
	Read   int // keys read, those denied in part or gone included
	Fresh  int // keys of which nothing was due
	Denied int // of those read, keys for which KMS refused an operation
	Gone   int // of those read, keys that KMS no longer knows
	Failed int // keys that could not be read
}

// Complete says that the sweep saw every key there was to see: only then does what it did not find mean anything.
func (c Coverage) Complete() bool { return c.Failed == 0 && c.Read+c.Fresh == c.Total }

// Ask says what an inventory is to read.
type Ask struct {
	Known func(arn string) *inventory.Key            // what is known of a key, nil if nothing
	Due   func(known *inventory.Key) inventory.Facts // of a key with the aliases it had; nil: of every key
}

// SweepInventory lists all keys and reads what is due of each, but nothing dear: waiting for that would hold up the
// whole sweep, so it is left to ReadFacts. each gets the pages in order, one at a time, while the next ones are being
// read, and ends the sweep with its error. One key's failure ends nothing. A key whose aliases changed is read whole.
// Keys that KMS no longer lists are not among the pages.
func (c *Client) SweepInventory(ctx context.Context, ask Ask, each func(Page) error) (Coverage, error) {
	var done Coverage
	listedAt := time.Now().UTC()
	aliases, err := c.Aliases(ctx)
	listed := err == nil
	if err != nil && Classify(err) != AccessDenied {
		return done, err
	}
	if !listed {
		c.opts.Logger.Warn("keys are read without their aliases: kms:ListAliases is denied",
			zap.String("account", c.place.Account), zap.String("region", c.place.Region))
	}
	read := func(ctx context.Context, it item) (*inventory.Key, error) {
		prev, due := ask.Known(it.arn), inventory.FactState|inventory.FactConfig
		if ask.Due != nil {
			due = ask.Due(prev)
		}
		names, at := aliases.Of(keyID(it.arn)), listedAt
		if prev != nil && prev.WasDenied(string(listAliases)) == listed {
			due |= inventory.FactState | inventory.FactConfig // a permission was given or taken
		}
		switch {
		case prev != nil && (!listed || prev.AliasesAt.After(listedAt)):
			names, at = prev.Aliases, prev.AliasesAt
		case prev != nil && !slices.Equal(names, prev.Aliases):
			due |= inventory.FactState | inventory.FactConfig
		}
		if due == 0 {
			return nil, nil //nolint:nilnil // nothing was due, and nothing went wrong
		}
		key, err := c.read(ctx, it.arn, names, prev, due)
		if err == nil {
			key.AliasesAt = at
			key.SetDenied(string(listAliases), !listed)
		}
		return key, err
	}
	err = c.sweep(ctx, &done, func(ctx context.Context, start func([]item) error) error {
		return c.ListKeys(ctx, func(arns []string) error {
			items := make([]item, len(arns))
			for i, arn := range arns {
				items[i].arn = arn
			}
			return start(items)
		})
	}, read, each)
	return done, err
}

// SweepDrift re-reads metadata and rotation status of known keys, which keys hands over in parts. The pages come as
// SweepInventory's do.
func (c *Client) SweepDrift(ctx context.Context, keys func(start func([]*inventory.Key) error) error,
	each func(Page) error,
) (Coverage, error) {
	var done Coverage
	err := c.sweep(ctx, &done, func(_ context.Context, start func([]item) error) error {
		return keys(func(part []*inventory.Key) error {
			items := make([]item, len(part))
			for i, k := range part {
				items[i] = item{arn: k.ARN, prev: k}
			}
			return start(items)
		})
	}, func(ctx context.Context, it item) (*inventory.Key, error) {
		return c.read(ctx, it.arn, it.prev.Aliases, it.prev, inventory.FactState)
	}, each)
	return done, err
}

// contained reads one key. A panic is that key's failure.
func (c *Client) contained(ctx context.Context, it item, read reader) (key *inventory.Key, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.opts.Logger.Error("panic while reading a key", zap.String("key_arn", it.arn), zap.Any("panic", p),
				zap.ByteString("stack", debug.Stack()))
			key, err = nil, fmt.Errorf("reading key %s: panic: %v", it.arn, p)
		}
	}()
	return read(ctx, it)
}
