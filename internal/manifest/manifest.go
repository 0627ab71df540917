// Package manifest moves the ciphertexts of a manifest to another key through a daemon, and writes what became of each
// line into a file: in the manifest's order, whole or not at all, and going on where it stopped, whatever stopped it.
// What a line says is package reencrypt's, who calls KMS is the daemon.
package manifest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"rotd/internal/reencrypt"
)

// Survey is what a manifest is, before anything is done with it.
type Survey struct {
	SHA256 string // of the file, in hex
	Lines  int64  // that are not blank
	Blobs  int64  // lines that are in order and can be sent
}

// Read reads a manifest whole.
func Read(path string) (Survey, error) {
	var s Survey
	file, err := open(path)
	if err != nil {
		return s, err
	}
	defer file.Close()
	for {
		l, err := file.next()
		switch {
		case errors.Is(err, io.EOF):
			s.SHA256 = file.digest()
			return s, nil
		case err != nil:
			return s, err
		}
		s.Lines++
		if l.wrong == nil {
			s.Blobs++
		}
	}
}

// line is a line of a manifest that is not blank.
type line struct {
	number int // from 1, blank lines count
	bytes  int
	blob   *reencrypt.Line
	wrong  error // why it is none
}

// reader reads a manifest line by line, in bounded memory.
type reader struct {
	file   *os.File
	lines  *bufio.Reader
	sum    hash.Hash
	number int
}

func open(path string) (*reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, errors.Join(fmt.Errorf("read the manifest: %s is no regular file: it is read twice", path), err)
	}
	sum := sha256.New()
	return &reader{file: file, sum: sum, lines: bufio.NewReaderSize(io.TeeReader(file, sum), reencrypt.MaxLine+2)}, nil
}

func (r *reader) Close() { _ = r.file.Close() }

// digest is that of the whole file, once next has met its end.
func (r *reader) digest() string { return hex.EncodeToString(r.sum.Sum(nil)) }

// next returns the next line that is not blank; io.EOF after the last.
func (r *reader) next() (line, error) {
	for {
		raw, err := r.lines.ReadSlice('\n')
		l := line{number: r.number + 1, bytes: len(raw)}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			l.wrong = fmt.Errorf("the line has more than %d bytes", reencrypt.MaxLine)
			err = r.skip()
		case errors.Is(err, io.EOF) && len(raw) == 0:
			return l, io.EOF
		case errors.Is(err, io.EOF):
			err = nil // the last line has no end
		}
		if err != nil {
			return l, fmt.Errorf("read the manifest: %w", err)
		}
		r.number++
		if l.wrong == nil {
			if reencrypt.IsBlank(raw) {
				continue
			}
			l.blob, l.wrong = reencrypt.ParseLine(trimEnd(raw))
		}
		return l, nil
	}
}

// skip passes over the rest of a line.
func (r *reader) skip() error {
	for {
		_, err := r.lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF), err == nil:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

func trimEnd(raw []byte) []byte {
	if n := len(raw); n > 0 && raw[n-1] == '\n' {
		return raw[:n-1]
	}
	return raw
}
