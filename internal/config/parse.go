package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
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
	Users         []string            // of Rules those of users
	Remedies      map[string][]string // by rule: what a policy's respond may answer with
}

func (k Known) all() []string { return slices.Concat(k.Rules, k.Checks) }

// Load reads and checks a file and the files of users' rules that it names, with the ids that it may name if the caller
// knows them. What is wrong with their content is an *Errors, of all of them together; anything else wraps ErrUnread.
func Load(path string, known ...Known) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	set, digest, err := users(path, data)
	var wrong *Errors
	if err != nil && !errors.As(err, &wrong) {
		return nil, err
	}
	own := Known{Users: set.ids}
	if len(known) > 0 {
		own.Rules, own.Remedies = set.ids, known[len(known)-1].Remedies
	}
	known = append(slices.Clone(known), own)
	c, err := Parse(path, data, known...)
	var also *Errors
	switch {
	case err != nil && !errors.As(err, &also):
		return nil, err
	case also != nil && wrong != nil:
		return nil, &Errors{Problems: append(also.Problems, wrong.Problems...)}
	case also != nil:
		return nil, also
	case wrong != nil:
		return nil, wrong
	}
	c.Detections.Users, c.Detections.UsersDigest = set.rules, digest
	return c, nil
}

// Parse checks the content of a file; name is what problems call it. The error is an *Errors that has every problem.
func Parse(name string, data []byte, known ...Known) (*Config, error) {
	r := &reader{file: name, places: map[string]*token.Token{}}
	var ids Known
	for _, k := range known {
		ids.Rules, ids.Checks = append(ids.Rules, k.Rules...), append(ids.Checks, k.Checks...)
		ids.Users, ids.Remedies = append(ids.Users, k.Users...), k.Remedies
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
