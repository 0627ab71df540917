// Package trail reads CloudTrail's log objects: gzip or plain, from S3 or from files, record by record, with memory
// that does not grow with the file.
//
// It knows how a log file is put together and nothing of what a record means: records are handed out as bytes, for
// package events to decode. It does not receive the notifications that name the objects (package queue),
// nor does it talk to S3 (package awss3).
package trail

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Limits bounds what one log file may cost. CloudTrail's own are at most some 50 MB unzipped, at a ratio of 10 to 60.
type Limits struct {
	Bytes int64 // unzipped; 0 means 1 GiB
	Ratio int64 // unzipped to zipped, once more than 16 MiB are unzipped; 0 means 300
}

const (
	defaultBytes = 1 << 30
	defaultRatio = 300
	ratioFloor   = 16 << 20
	bufferSize   = 64 << 10
)

// Stats is how much of a log file was read, also when it ended in an error.
type Stats struct {
	Records int   // handed out, malformed ones too
	Bytes   int64 // unzipped
	Read    int64 // as stored
	Digest  bool  // the file is a digest: a list of log files, which holds no records
	// Sum is the SHA-256 of the unzipped file; nil when nobody asked for it, or the file was not read to its end.
	Sum *[sha256.Size]byte
}

// Each is given one record at a time. raw is reused after it returns. An error ends the reading and is returned as it
// is.
type Each func(raw []byte) error

// The ways in which a file refuses to be read, inside a FileError.
var (
	ErrNotJSON  = errors.New("neither JSON nor gzip")
	ErrCutShort = errors.New("ends in the middle of a value")
	ErrTooLarge = errors.New("too large when unzipped")
	ErrBomb     = errors.New("unzips to suspiciously much")
)

// FileError is a file's own fault: what stands in it cannot be read beyond what was already handed out.
type FileError struct {
	Stats Stats
	Err   error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("log file is damaged after %d records (byte %d unzipped): %v", e.Stats.Records, e.Stats.Bytes,
		e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// Stream hands out the records of one log file. It may be {"Records":[…]}, an array of records, one record, or
// records one after the other, as in JSON lines. Whatever stands where a record should be is handed out for the
// decoder to judge, cut off after events.MaxRecord+1 bytes. The error is a *FileError when the file is at fault, and
// otherwise that of r, ctx or each.
func Stream(ctx context.Context, r io.Reader, limits Limits, each Each) (Stats, error) {
	return stream(ctx, r, limits, false, each)
}

func stream(ctx context.Context, r io.Reader, limits Limits, lines bool, each Each) (Stats, error) {
	return streamed(&source{ctx: ctx, r: r}, limits, &framer{each: each, lines: lines}, nil)
}

// streamed lets a framer read a file; sum, which may be nil, is given the plain text.
func streamed(src *source, limits Limits, f *framer, sum hash.Hash) (Stats, error) {
	plain, err := open(src, limits)
	if err == nil {
		f.r = plain
		if sum != nil {
			f.r = io.TeeReader(plain, sum)
		}
		err = f.file()
		f.finish(sum)
	}
	f.stats.Read = src.n
	f.stats.Bytes = f.read
	switch {
	case err == nil || f.own != nil:
		return f.stats, f.own
	case src.err != nil:
		return f.stats, fmt.Errorf("reading a log file: %w", src.err)
	}
	return f.stats, &FileError{Stats: f.stats, Err: err}
}

// finish has the sum of all of the text, of which the framer may have left some unread.
func (f *framer) finish(sum hash.Hash) {
	if sum == nil || f.own != nil {
		return
	}
	if _, err := io.Copy(io.Discard, f.r); err == nil && (f.err == nil || errors.Is(f.err, io.EOF)) {
		f.stats.Sum = (*[sha256.Size]byte)(sum.Sum(nil))
	}
}

// open looks at the first bytes and returns the plain text.
func open(src *source, limits Limits) (io.Reader, error) {
	buffered := bufio.NewReaderSize(src, bufferSize)
	plain := &guard{limits: limits.orDefault(), stored: &src.n}
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		plain.r, plain.limits.Ratio = buffered, 0
		return plain, nil
	}
	unzip, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	plain.r = unzip
	return plain, nil
}

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Ratio <= 0 {
		l.Ratio = defaultRatio
	}
	return l
}

// source is the file as stored. It remembers an error of its own, to tell a broken connection from a broken file.
type source struct {
	ctx context.Context
	r   io.Reader
	n   int64
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// guard is the unzipped text, as long as there is not too much of it.
type guard struct {
	r      io.Reader
	limits Limits
	n      int64
	stored *int64
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.n += int64(n)
	switch {
	case g.n > g.limits.Bytes:
		return n, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, g.limits.Bytes)
	case g.limits.Ratio > 0 && g.n > ratioFloor && g.n / *g.stored >= g.limits.Ratio:
		return n, fmt.Errorf("%w: more than %d times its size", ErrBomb, g.limits.Ratio)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, ErrCutShort
	}
	return n, err
}
