package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/goccy/go-yaml/token"
)

// MaxSize is how large a rotd.yaml may be, in bytes.
const MaxSize = 1 << 20

// ErrUnread means that a file could not be read at all.
var ErrUnread = errors.New("read the configuration")

// Known are the ids that a file may name; what is not given is not compared with anything.
type Known struct {
	Rules, Checks []string
	Remedies      map[string][]string // by rule: what a policy's respond may answer with
}

func (k Known) all() []string { return slices.Concat(k.Rules, k.Checks) }

// Load reads and checks a file, with the ids that it may name if the caller knows them. What is wrong with its content
// is an *Errors; anything else wraps ErrUnread.
func Load(path string, known ...Known) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	return Parse(path, data, known...)
}

// Parse checks the content of a file; name is what problems call it. The error is an *Errors that has every problem.
func Parse(name string, data []byte, known ...Known) (*Config, error) {
	r := &reader{file: name, places: map[string]*token.Token{}}
	var ids Known
	for _, k := range known {
		ids.Rules, ids.Checks = append(ids.Rules, k.Rules...), append(ids.Checks, k.Checks...)
		ids.Remedies = k.Remedies
	}
	c := Default()
	if body := r.document(data); body != nil {
		layout(c, ids).read(r, "", body)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	c.Origins = r.lines()
	c.Digest = fmt.Sprintf("%x", sha256.Sum256(data))
	warn(r, c)
	warnExceptions(r, c, time.Now())
	warnSuppressions(r, c, time.Now())
	lowerModes(c)
	c.Warnings = sortProblems(r.warnings)
	return c, nil
}
