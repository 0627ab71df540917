package trail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"

	"rotd/internal/awss3"
)

// What is fetched ahead: as many objects as hide S3's answering time behind the judging of others, and no more memory
// than their product.
const (
	aheadObjects = 16
	aheadBytes   = 2 << 20 // of one; a larger object is streamed when its turn comes
)

// fetched is an object that was asked for before its turn.
type fetched struct {
	done chan struct{} // closed when the others are set
	body []byte
	meta map[string]string
	err  error
}

// ahead fetches the objects that come next while one is in hand.
func (a *Archive) ahead(ctx context.Context, files iter.Seq2[File, error]) iter.Seq2[File, error] {
	type listed struct {
		file File
		err  error
	}
	return func(yield func(File, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var waiting []listed
		defer func() {
			cancel()
			for _, l := range waiting {
				if l.file.fetched != nil {
					<-l.file.fetched.done
				}
			}
		}()
		next := func() bool {
			first := waiting[0]
			waiting = waiting[1:]
			if first.file.fetched != nil {
				<-first.file.fetched.done // so that nothing outlives the iteration
			}
			return yield(first.file, first.err)
		}
		for file, err := range files {
			if err == nil && (file.Skipped == "" || a.Validates && file.IsDigest()) && file.Size <= aheadBytes {
				file.fetched = fetch(ctx, a.Store, file)
			}
			waiting = append(waiting, listed{file, err})
			if len(waiting) > aheadObjects && !next() {
				return
			}
		}
		for len(waiting) > 0 {
			if !next() {
				return
			}
		}
	}
}

func fetch(ctx context.Context, store Getter, file File) *fetched {
	f := &fetched{done: make(chan struct{})}
	go func() {
		defer close(f.done)
		object, err := store.Get(ctx, file.at)
		if err != nil {
			f.err = fmt.Errorf("opening a log file: %w", err)
			return
		}
		defer object.Body.Close()
		f.meta = object.Metadata
		if f.body, err = io.ReadAll(io.LimitReader(object.Body, aheadBytes+1)); err != nil {
			f.err = fmt.Errorf("reading a log file: %w", err)
		}
	}()
	return f
}

// object returns what was fetched; nothing when the object has become too large meanwhile.
func (f *fetched) object() (*awss3.Object, error) {
	<-f.done
	switch {
	case f.err != nil:
		return nil, f.err
	case len(f.body) > aheadBytes:
		return nil, nil //nolint:nilnil // it is streamed instead
	}
	return &awss3.Object{
		Body: io.NopCloser(bytes.NewReader(f.body)), Size: int64(len(f.body)), Metadata: f.meta,
	}, nil
}
