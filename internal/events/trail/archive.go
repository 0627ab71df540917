package trail

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"iter"
	"strings"
	"time"

	"rotd/internal/awss3"
	"rotd/internal/events"
)

// Store is S3 as archives need it: an *awss3.Client.
type Store interface {
	Getter
	ListAfter(ctx context.Context, prefix awss3.Location, after string) iter.Seq2[awss3.Listed, error]
}

// Archive is where log files are: in folders on disk, and under prefixes in S3.
type Archive struct {
	Store  Store // for paths of the form s3://bucket/prefix; nil: there are none
	Days   Days
	Limits Limits
	// Validates has log files hashed, and digests read beside them: see Validation.
	Validates bool
}

// File is a log file of an archive.
type File struct {
	Path string // on disk, or s3://bucket/key
	// Skipped says why it is not to be read, "" when it is: CloudTrail keeps digests, Insights, network activity and
	// aggregates, none of which are calls, in folders of their own.
	Skipped string
	Size    int64 // in bytes, as stored

	at      awss3.Location // in S3
	fetched *fetched       // nil: not asked for ahead
}

const inS3 = "s3://"

// Files goes over the log files under paths: a file as it is given, a folder's or prefix's .json, .jsonl and .gz files
// in the order of their names. What lies outside of the days is passed over. An error is about one path, and file.Path
// names it; the others follow. Objects that come next are fetched already while one is read.
func (a *Archive) Files(ctx context.Context, paths ...string) iter.Seq2[File, error] {
	return a.files(ctx, paths, true)
}

// Size is how many bytes the log files under paths are, as stored; what cannot be listed is left out.
func (a *Archive) Size(ctx context.Context, paths ...string) (bytes int64) {
	for file, err := range a.files(ctx, paths, false) {
		if err == nil && file.Skipped == "" {
			bytes += file.Size
		}
	}
	return bytes
}

func (a *Archive) files(ctx context.Context, paths []string, fetch bool) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for _, path := range paths {
			files := a.onDisk(path)
			if strings.HasPrefix(path, inS3) {
				files = a.inStore(ctx, path)
				if fetch {
					files = a.ahead(ctx, files)
				}
			}
			for file, err := range files {
				if !yield(file, err) {
					return
				}
			}
		}
	}
}

// inStore lists a prefix's log files.
func (a *Archive) inStore(ctx context.Context, path string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		prefix, err := awss3.Parse(path)
		if err != nil {
			yield(File{Path: path}, err)
			return
		}
		for o, err := range a.objects(ctx, prefix) {
			file := File{Path: o.String(), Size: o.Size, Skipped: skipped(o.Key), at: o.Location}
			switch {
			case err != nil:
				file.Path = path
			case !events.IsLogName(o.Key):
				continue
			}
			if !yield(file, err) {
				return
			}
		}
	}
}

// objects lists a prefix, and leaps over the days that are not wanted: an archive of years has millions of objects.
func (a *Archive) objects(ctx context.Context, prefix awss3.Location) iter.Seq2[awss3.Listed, error] {
	return func(yield func(awss3.Listed, error) bool) {
		for after, leap := "", true; leap; {
			leap = false
			for o, err := range a.Store.ListAfter(ctx, prefix, after) {
				if err == nil {
					if next := a.daysOf(o.Key).next(o.Key); next != "" {
						after, leap = next, true
						break
					}
				}
				if !yield(o, err) {
					return
				}
			}
		}
	}
}

const (
	attempts  = 4
	firstWait = 200 * time.Millisecond
)

// Read hands out a file's records, as Stream does. Where S3 is busy or the connection breaks it tries again, and hands
// out no record twice.
func (a *Archive) Read(ctx context.Context, file *File, each Each) (stats Stats, err error) {
	handed := 0
	var own error
	err = a.again(ctx, file, func() (err error) {
		number := 0
		stats, err = a.read(ctx, file, func(raw []byte) error {
			if number++; number <= handed {
				return nil
			}
			handed = number
			own = each(raw)
			return own
		})
		if own != nil {
			err = nil // it is not for trying again
		}
		return err
	})
	return stats, cmp.Or(own, err)
}

// passing reports whether the trouble may be over the next time.
func passing(file *File, err error) bool {
	_, damaged := errors.AsType[*FileError](err)
	return file.at.Key != "" && !damaged && awss3.Passing(err)
}

func (a *Archive) read(ctx context.Context, file *File, each Each) (Stats, error) {
	object, err := a.open(ctx, file)
	if err != nil {
		return Stats{}, err
	}
	body := object.Body
	defer body.Close()
	var sum hash.Hash
	if a.Validates {
		sum = sha256.New()
	}
	f := &framer{each: each, lines: isLines(file.Path)}
	return streamed(&source{ctx: ctx, r: body}, a.Limits, f, sum)
}

// daysOf are the days of files like this one.
func (a *Archive) daysOf(path string) Days {
	if isDigest(path) {
		return a.Days.ofDigests()
	}
	return a.Days
}

func (a *Archive) open(ctx context.Context, file *File) (*awss3.Object, error) {
	if file.at.Key == "" {
		return openFile(file.Path)
	}
	if f := file.fetched; f != nil {
		file.fetched = nil // the next attempt asks anew
		if object, err := f.object(); object != nil || err != nil {
			return object, err
		}
	}
	object, err := a.Store.Get(ctx, file.at)
	if err != nil {
		return nil, fmt.Errorf("opening a log file: %w", err)
	}
	return object, nil
}

// again calls try until it succeeds, what is wrong will not pass, or it was tried often enough.
func (a *Archive) again(ctx context.Context, file *File, try func() error) error {
	for attempt, wait := 1, firstWait; ; attempt, wait = attempt+1, 2*wait {
		err := try()
		if err == nil || attempt == attempts || !passing(file, err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
