package awskms

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rotd/internal/inventory"
)

// Page is what a sweep read of one page of keys.
type Page struct {
	Keys   []*inventory.Key // as read, in the order they were listed; denied and gone ones among them
	Failed []Failure        // keys that could not be read
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
	Denied int // of those, keys for which KMS refused an operation
	Gone   int // of those, keys that KMS no longer knows
	Failed int // keys that could not be read
}

// Complete says that the sweep saw every key there was to see: only then does what it did not find mean anything.
func (c Coverage) Complete() bool { return c.Failed == 0 && c.Read == c.Total }

// SweepInventory lists all keys and reads them whole, a page of up to a thousand at a time. known returns what is known
// of a key, nil if nothing. each gets the pages in order, one at a time, and ends the sweep with its error. One key's
// failure ends nothing. Keys that KMS no longer lists are not among the pages.
func (c *Client) SweepInventory(ctx context.Context, known func(arn string) *inventory.Key, each func(Page) error) (
	Coverage, error,
) {
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
	err = c.ListKeys(ctx, func(arns []string) error {
		return c.page(ctx, &done, arns, func(ctx context.Context, i int) (*inventory.Key, error) {
			prev := known(arns[i])
			names, at := aliases.Of(keyID(arns[i])), listedAt
			if !listed && prev != nil {
				names, at = prev.Aliases, prev.AliasesAt
			}
			key, err := c.ReadWhole(ctx, arns[i], names, prev)
			if err == nil {
				key.AliasesAt = at
			}
			return key, err
		}, each)
	})
	return done, err
}

// driftPage is how many keys a drift sweep hands over at a time.
const driftPage = 1000

// SweepDrift re-reads metadata and rotation status of known keys, and hands them over as SweepInventory does.
func (c *Client) SweepDrift(ctx context.Context, keys []*inventory.Key, each func(Page) error) (Coverage, error) {
	var done Coverage
	for len(keys) > 0 {
		part := keys[:min(driftPage, len(keys))]
		keys = keys[len(part):]
		arns := make([]string, len(part))
		for i, k := range part {
			arns[i] = k.ARN
		}
		err := c.page(ctx, &done, arns, func(ctx context.Context, i int) (*inventory.Key, error) {
			return c.ReadDrift(ctx, part[i])
		}, each)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// page reads keys concurrently and hands them over together.
func (c *Client) page(ctx context.Context, done *Coverage, arns []string,
	read func(context.Context, int) (*inventory.Key, error), each func(Page) error,
) error {
	keys, errs := make([]*inventory.Key, len(arns)), make([]error, len(arns))
	var group errgroup.Group
	group.SetLimit(c.opts.Concurrency)
	for i := range arns {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			keys[i], errs[i] = c.contained(ctx, arns[i], i, read)
			return nil
		})
	}
	_ = group.Wait() // the keys' errors are in errs
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sweeping keys: %w", err)
	}
	return each(collect(done, arns, keys, errs))
}

// contained reads one key. A panic is that key's failure.
func (c *Client) contained(ctx context.Context, arn string, i int,
	read func(context.Context, int) (*inventory.Key, error),
) (key *inventory.Key, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.opts.Logger.Error("panic while reading a key", zap.String("key_arn", arn), zap.Any("panic", p),
				zap.ByteString("stack", debug.Stack()))
			key, err = nil, fmt.Errorf("reading key %s: panic: %v", arn, p)
		}
	}()
	return read(ctx, i)
}

func collect(done *Coverage, arns []string, keys []*inventory.Key, errs []error) Page {
	var page Page
	done.Total += len(arns)
	for i, key := range keys {
		if errs[i] != nil {
			done.Failed++
			page.Failed = append(page.Failed, Failure{ARN: arns[i], Err: errs[i]})
			continue
		}
		done.Read++
		if len(key.Denied) > 0 {
			done.Denied++
		}
		if key.GoneAt != nil {
			done.Gone++
		}
		page.Keys = append(page.Keys, key)
	}
	return page
}
