package replay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"rotd/internal/awss3"
	"rotd/internal/events/trail"
)

// Read is what became of an archive's files and records.
type Read struct {
	Summary  Summary
	Skipped  int       // files of digests, Insights and such, which hold no calls
	Problems []Problem // the first of them
	Failed   int       // all of them; 0: everything was read and judged
	// Unread counts the files and folders that the disk or S3 does not give, which it may the next time.
	Unread int
}

// reading goes over an archive's records.
type reading struct {
	o       *Options
	archive *trail.Archive
	record  func(path string, number int, raw []byte) // number is the position in the file, from 1
	read    Read
	denials Problem // objects denied in a row, so far not told of; without a path: none
}

// all reads everything under the paths, until ctx ends.
func (r *reading) all(ctx context.Context) error {
	for _, path := range r.o.Paths {
		r.path(ctx, path)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if r.read.Summary.Files == 0 && r.read.Failed == 0 {
		r.problem(Problem{
			Path: strings.Join(r.o.Paths, ", "), What: "no log files there (.json, .jsonl, .gz)",
		})
	}
	return nil
}

// maxDenied is how many log files in a row are denied until the others of a path are not asked for any more. Digests do
// not count: who may not read them may read the log files, which come later.
const maxDenied = 10

// path reads the log files under one path.
func (r *reading) path(ctx context.Context, path string) {
	defer r.tellDenials()
	denied := 0
	for file, err := range r.archive.Files(ctx, path) {
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.unreadable(&file, err)
			r.untried()
			continue
		case r.o.Validation != nil && file.IsDigest():
			r.digest(ctx, &file)
			continue
		case file.Skipped != "":
			r.read.Skipped++
			continue
		}
		if err = r.file(ctx, &file); awss3.ClassOf(err) != awss3.Denied {
			denied = 0
			r.tellDenials()
			continue
		}
		if denied++; denied == maxDenied {
			r.problem(Problem{
				Path: path, What: fmt.Sprintf("%d objects in a row were denied: the others were not tried", denied),
			})
			r.untried()
			return
		}
	}
}

// untried has the validation know that files were left out that may be there.
func (r *reading) untried() {
	if r.o.Validation != nil {
		r.o.Validation.Untried()
	}
}

// file reads one log file's records.
func (r *reading) file(ctx context.Context, file *trail.File) error {
	s := &r.read.Summary
	number := 0
	stats, err := r.archive.Read(ctx, file, func(raw []byte) error {
		number++
		s.Records++
		r.record(file.Path, number, raw)
		return nil
	})
	s.Stored += file.Size
	if stats.Digest {
		r.read.Skipped++
		return nil
	}
	s.Files++
	s.Bytes += stats.Bytes
	if err != nil && ctx.Err() == nil {
		r.unreadable(file, err)
	}
	if v := r.o.Validation; v != nil && stats.Sum != nil {
		v.Log(file.Path, *stats.Sum)
	} else if v != nil && err != nil {
		v.Unread(file.Path, wordsOf(err))
	}
	if r.o.Progress != nil {
		r.o.Progress(file.Path, *s)
	}
	return err
}

// digest gives a digest to the validation.
func (r *reading) digest(ctx context.Context, file *trail.File) {
	raw, signature, err := r.archive.ReadDigest(ctx, file)
	r.read.Summary.Stored += file.Size
	if err != nil {
		r.o.Validation.Unread(file.Path, wordsOf(err))
		r.unreadable(file, err)
		return
	}
	r.tellDenials()
	r.o.Validation.Digest(file.Path, raw, signature)
}

func (r *reading) unreadable(file *trail.File, err error) {
	if _, damaged := errors.AsType[*trail.FileError](err); !damaged {
		r.read.Unread++
	}
	p := Problem{Path: file.Path, What: wordsOf(err)}
	switch {
	case awss3.ClassOf(err) != awss3.Denied:
		r.problem(p)
	case r.denials.Path != "":
		r.denials.More++
	default:
		r.denials = p
	}
}

// tellDenials tells of the objects that were denied in a row: together, since it is for one reason.
func (r *reading) tellDenials() {
	if p := r.denials; p.Path != "" {
		r.denials = Problem{}
		r.problem(p)
	}
}

func (r *reading) problem(p Problem) {
	r.tellDenials()
	r.read.Failed++
	if len(r.read.Problems) < maxProblems {
		r.read.Problems = append(r.read.Problems, p)
	}
}

// wordsOf says what is wrong with a file whose path is said beside it.
func wordsOf(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return "cannot be read: " + at.Err.Error()
	}
	if location, ok := errors.AsType[*awss3.ParseError](err); ok {
		return location.Err.Error()
	}
	if s3, ok := errors.AsType[*awss3.Error](err); ok {
		words := "cannot be read: " + s3.Answer()
		if advice := s3.Advice(); advice != "" {
			words += "; " + advice
		}
		return words
	}
	return err.Error()
}
