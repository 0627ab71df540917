package config

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml/token"
)

// MaxSize is how large a rotd.yaml may be, in bytes.
const MaxSize = 1 << 20

// ErrUnread means that a file could not be read at all.
var ErrUnread = errors.New("read the configuration")

// Load reads and checks a file. What is wrong with its content is an *Errors; anything else wraps ErrUnread.
// The ids of all rules and checks may be given; without, ids in the file are not compared with anything.
func Load(path string, ruleIDs ...string) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	return Parse(path, data, ruleIDs...)
}

// Parse checks the content of a file; name is what problems call it. The error is an *Errors that has every problem.
func Parse(name string, data []byte, ruleIDs ...string) (*Config, error) {
	r := &reader{file: name, places: map[string]*token.Token{}}
	c := Default()
	if body := r.document(data); body != nil {
		layout(c, ruleIDs).read(r, "", body)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	warn(r, c)
	lowerModes(c)
	c.Warnings = sortProblems(r.warnings)
	return c, nil
}
