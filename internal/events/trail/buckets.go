package trail

import (
	"slices"
	"sync"

	"rotd/internal/events"
)

const (
	// wholeBucket is how many different objects must be denied in a row before the bucket is taken to be: a message
	// may name one object that is nobody's to read, or that another account wrote.
	wholeBucket = 3
	// maxBuckets bounds what is remembered; messages choose the names.
	maxBuckets = 256
)

// buckets remembers how reading went, bucket by bucket.
type buckets struct {
	mu    sync.Mutex
	known map[string]*bucket
}

type bucket struct {
	denied []string // keys denied since one was last read
}

func (b *buckets) get(name string) *bucket {
	if one, ok := b.known[name]; ok {
		return one
	}
	if len(b.known) >= maxBuckets {
		clear(b.known)
	}
	one := &bucket{}
	b.known[name] = one
	return one
}

func (b *buckets) allowed(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one, ok := b.known[name]; ok {
		one.denied = nil
	}
}

// denied makes of an object's denial a bucket's when enough different objects were denied in a row.
func (b *buckets) denied(ref events.ObjectRef, class Class) Class {
	if class != Forbidden {
		return class
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.get(ref.Bucket)
	if len(one.denied) < wholeBucket && !slices.Contains(one.denied, ref.Key) {
		one.denied = append(one.denied, ref.Key)
	}
	if len(one.denied) >= wholeBucket {
		return BucketDenied
	}
	return Forbidden
}
