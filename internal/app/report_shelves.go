package app

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"rotd/internal/awss3"
	"rotd/internal/config"
	"rotd/internal/report"
)

// shelf is where finished reports are kept.
type shelf interface {
	// workshop is a folder for reports that are not finished.
	workshop() string
	// put keeps a finished file whole or not at all.
	put(ctx context.Context, name string, f *os.File, sha256Hex string) error
	names(ctx context.Context) ([]string, error)
	remove(ctx context.Context, name string) error
}

// shelfOf is where a report goes.
func (d *daemonProcess) shelfOf(r *config.Report) (shelf, error) {
	if !strings.HasPrefix(r.To, "s3://") {
		return folder{r.To}, nil
	}
	at, err := awss3.Parse(r.To)
	if err != nil {
		return nil, err
	}
	if !at.IsFolder() {
		at.Key += "/"
	}
	return bucket{d.store, at, report.MediaType(r.Format), filepath.Dir(d.db.Path())}, nil
}

// folder keeps reports on disk.
type folder struct{ path string }

func (f folder) workshop() string {
	_ = os.MkdirAll(f.path, 0o750) // creating a file there says better what is wrong
	return f.path
}

func (f folder) put(_ context.Context, name string, part *os.File, _ string) error {
	if err := part.Chmod(0o640); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), filepath.Join(f.path, name)); err != nil {
		return err
	}
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func (f folder) names(context.Context) ([]string, error) {
	entries, err := os.ReadDir(f.path)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (f folder) remove(_ context.Context, name string) error {
	return os.Remove(filepath.Join(f.path, name))
}

// objects is what a bucket needs of S3.
type objects interface {
	Put(ctx context.Context, at awss3.Location, up awss3.Upload) error
	List(ctx context.Context, prefix awss3.Location) iter.Seq2[awss3.Listed, error]
	Delete(ctx context.Context, at awss3.Location) error
}

// bucket keeps reports in S3.
type bucket struct {
	s3   objects
	at   awss3.Location // a folder
	kind string         // media type
	work string         // where reports are made
}

func (b bucket) workshop() string { return b.work }

func (b bucket) put(ctx context.Context, name string, part *os.File, sum string) error {
	info, err := part.Stat()
	if err != nil {
		return err
	}
	return b.s3.Put(ctx, b.object(name), awss3.Upload{
		Body: part, Size: info.Size(), SHA256: sum, ContentType: b.kind, Overwrite: true,
	})
}

func (b bucket) names(ctx context.Context) ([]string, error) {
	var names []string
	for o, err := range b.s3.List(ctx, b.object("rotd-")) {
		if err != nil {
			return nil, err
		}
		names = append(names, strings.TrimPrefix(o.Key, b.at.Key))
	}
	return names, nil
}

func (b bucket) remove(ctx context.Context, name string) error {
	return b.s3.Delete(ctx, b.object(name))
}

func (b bucket) object(name string) awss3.Location {
	at := b.at
	at.Key += name
	return at
}
