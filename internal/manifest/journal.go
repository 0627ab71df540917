package manifest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/go-json-experiment/json"

	"rotd/internal/reencrypt"
)

// What can stand in the way of writing results.
var (
	ErrThere  = errors.New("there is a file of this name already")
	ErrInUse  = errors.New("another rotd is writing these results")
	ErrNoRoom = errors.New("no room on the disk")
	ErrOther  = errors.New("the journal there is not of this request")
)

// Header says what results are of. It is durable before the first of them is asked for.
type Header struct {
	Manifest string `json:"manifest"` // SHA-256
	To       string `json:"to"`       // ARN of the destination key
	From     string `json:"from,omitempty"`
	DryRun   bool   `json:"dry_run,omitzero"`
	Job      string `json:"job"` // the daemon's id of it
}

// Journal is results on their way into a file. They grow in FILE.part, and FILE.journal says what they are of; at the
// end FILE.part becomes FILE. So FILE is whole or not there, and what was written before a kill is gone on with.
type Journal struct {
	Header Header // without a Job while nothing has begun
	Tally  Tally  // of what is done

	out    string
	header *os.File // locked
	part   *os.File
	last   int // number of the last line that is done
}

// Open opens the results of a file, as far as they are.
func Open(out string, overwrite bool) (*Journal, error) {
	j := &Journal{out: out}
	var err error
	if j.header, err = os.OpenFile(out+".journal", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	if err = syscall.Flock(int(j.header.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		_ = j.header.Close()
		return nil, fmt.Errorf("%s: %w", out, ErrInUse)
	}
	if err == nil {
		err = j.load(overwrite)
	}
	if err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

// load reads what is there. A journal that was not written whole began nothing.
func (j *Journal) load(overwrite bool) error {
	raw, err := io.ReadAll(io.LimitReader(j.header, 1<<16))
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	_ = json.Unmarshal(raw, &j.Header)
	if j.Header.Job == "" {
		if _, err := os.Lstat(j.out); !errors.Is(err, fs.ErrNotExist) && !overwrite {
			_ = os.Remove(j.out + ".journal")
			return fmt.Errorf("%s: %w", j.out, ErrThere)
		}
		return nil
	}
	if j.part, err = os.OpenFile(j.out+".part", os.O_RDWR, 0o600); errors.Is(err, fs.ErrNotExist) {
		j.part, err = os.OpenFile(j.out, os.O_RDWR, 0o600) // killed between the last two steps of the end
	}
	if err != nil {
		return fmt.Errorf("read the results: %w", err)
	}
	return j.replay()
}

// replay reads the results that are there, and cuts off what was not written whole.
func (j *Journal) replay() error {
	results, whole := bufio.NewReader(j.part), int64(0)
	for {
		raw, err := results.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the results: %w", err)
		}
		var r reencrypt.Result
		if err := json.Unmarshal(raw, &r); err != nil || r.Line <= j.last {
			break // nobody can tell what it was: it is asked for again, and all after it
		}
		j.note(&r)
		whole += int64(len(raw))
	}
	if err := j.part.Truncate(whole); err != nil {
		return fmt.Errorf("cut off a result that is not whole: %w", err)
	}
	_, err := j.part.Seek(whole, io.SeekStart)
	return err
}

// Begin makes durable what the results will be of. The file for them comes first: where it is missing, they are whole.
func (j *Journal) Begin(h Header) error {
	var err error
	if j.part, err = os.OpenFile(j.out+".part", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return writing(j.out+".part", err)
	}
	if err := syncFolder(filepath.Dir(j.out)); err != nil {
		return err
	}
	raw, err := json.Marshal(h)
	if err == nil {
		err = j.header.Truncate(0)
	}
	if err == nil {
		_, err = j.header.WriteAt(append(raw, '\n'), 0)
	}
	if err == nil {
		err = j.header.Sync()
	}
	if err != nil {
		return writing(j.out+".journal", err)
	}
	j.Header = h
	return nil
}

// Continues says why results begun for h cannot be gone on with for another request; nil when they can.
func (h *Header) Continues(other Header) error {
	switch {
	case h.Manifest != other.Manifest:
		return fmt.Errorf("%w: it is of another manifest, or the manifest was changed since", ErrOther)
	case h.To != other.To:
		return fmt.Errorf("%w: it is of ciphertext on its way to %s", ErrOther, h.To)
	case h.From != other.From:
		return fmt.Errorf("%w: it is of --from %q", ErrOther, h.From)
	case h.DryRun != other.DryRun:
		return fmt.Errorf("%w: one of the two is a dry run", ErrOther)
	}
	return nil
}

// Append makes results durable.
func (j *Journal) Append(results []reencrypt.Result) error {
	var buffer []byte
	for i := range results {
		raw, err := json.Marshal(&results[i])
		if err != nil {
			return fmt.Errorf("write a result: %w", err)
		}
		buffer = append(append(buffer, raw...), '\n')
	}
	if _, err := j.part.Write(buffer); err != nil {
		return writing(j.out+".part", err)
	}
	if err := j.part.Sync(); err != nil {
		return writing(j.out+".part", err)
	}
	for i := range results {
		j.note(&results[i])
	}
	return nil
}

func (j *Journal) note(r *reencrypt.Result) {
	j.last = r.Line
	j.Tally.add(r)
}

// Finish gives the results their name.
func (j *Journal) Finish() error {
	if j.part.Name() != j.out {
		if err := os.Rename(j.out+".part", j.out); err != nil {
			return writing(j.out, err)
		}
	}
	if err := syncFolder(filepath.Dir(j.out)); err != nil {
		return err
	}
	if err := os.Remove(j.out + ".journal"); err != nil {
		return fmt.Errorf("remove the journal: %w", err)
	}
	return nil
}

// Drop removes a journal of which nothing has begun.
func (j *Journal) Drop() {
	if j.Header.Job == "" {
		_ = os.Remove(j.out + ".journal") // it is empty: leaving it behind does no harm
	}
}

// Close lets go of the files; what is not finished stays to be gone on with.
func (j *Journal) Close() {
	_ = j.header.Close()
	if j.part != nil {
		_ = j.part.Close()
	}
}

// writing says what went wrong, and whether room would help.
func writing(path string, err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("write %s: %w (%w)", path, ErrNoRoom, full)
		}
	}
	return fmt.Errorf("write %s: %w", path, err)
}

// syncFolder makes names durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync the results' folder: %w", err)
	}
	defer folder.Close()
	_ = folder.Sync() // not every file system can, and then there is nothing to wait for
	return nil
}
