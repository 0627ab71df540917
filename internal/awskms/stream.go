package awskms

import (
	"context"
	"fmt"
	"sync"

	"rotd/internal/inventory"
)

// item is a key that is to be read.
type item struct {
	arn  string
	prev *inventory.Key // with a drift sweep
}

// reader reads one key; nil when nothing of it was due.
type reader func(context.Context, item) (*inventory.Key, error)

const (
	pageSize   = 250 // keys that are handed over together
	pagesAhead = 2   // read and waiting, besides the one being taken and the one being begun
)

// page is keys on their way through a sweep.
type page struct {
	items []item
	keys  []*inventory.Key
	errs  []error
	reads sync.WaitGroup
}

// sweep reads what list starts and hands it over page by page. The reading goes on while a page is being taken, so that
// the quota is used without a gap; it stays no more than a few pages ahead.
func (c *Client) sweep(ctx context.Context, done *Coverage,
	list func(ctx context.Context, start func([]item) error) error, read reader, each func(Page) error,
) error {
	ctx, cancel := context.WithCancel(ctx)
	pages := make(chan *page, pagesAhead)
	var listing error
	go func() {
		defer close(pages)
		listing = list(ctx, func(items []item) error { return c.begun(ctx, items, read, pages) })
	}()
	var err error
	for p := range pages {
		p.reads.Wait()
		if err == nil && ctx.Err() == nil {
			if err = each(p.collect(done)); err != nil {
				cancel()
			}
		}
	}
	defer cancel()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("sweeping keys: %w", ctx.Err())
	}
	return listing
}

// begun starts to read items, a page at a time, and sends the pages on.
func (c *Client) begun(ctx context.Context, items []item, read reader, pages chan<- *page) error {
	for len(items) > 0 {
		n := min(pageSize, len(items))
		p := &page{items: items[:n], keys: make([]*inventory.Key, n), errs: make([]error, n)}
		items = items[n:]
		for i := range p.items {
			select {
			case <-ctx.Done():
				p.reads.Wait()
				return ctx.Err()
			case c.slots <- struct{}{}:
			}
			p.reads.Go(func() {
				defer func() { <-c.slots }()
				p.keys[i], p.errs[i] = c.contained(ctx, p.items[i], read)
			})
		}
		pages <- p // sweep takes every page, also after an error
	}
	return nil
}

// collect counts what became of the page's keys.
func (p *page) collect(done *Coverage) Page {
	out := Page{Last: p.items[len(p.items)-1].arn}
	done.Total += len(p.items)
	for i, key := range p.keys {
		switch {
		case p.errs[i] != nil:
			done.Failed++
			out.Failed = append(out.Failed, Failure{ARN: p.items[i].arn, Err: p.errs[i]})
			continue
		case key == nil:
			done.Fresh++
			out.Fresh = append(out.Fresh, p.items[i].arn)
			continue
		}
		done.Read++
		if len(key.Denied) > 0 {
			done.Denied++
		}
		if key.GoneAt != nil {
			done.Gone++
		}
		out.Keys = append(out.Keys, key)
	}
	return out
}
