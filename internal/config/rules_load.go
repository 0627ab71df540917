package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"

	"rotd/internal/detection"
	"rotd/internal/userrules"
)

// maxRules bounds users' rules: each is asked about every event it wants.
const maxRules = 500

// ruleSet gathers the rules of all files.
type ruleSet struct {
	rules []UserRule
	ids   []string          // of rules that are in order and of those that are not
	at    map[string]string // id → file:line
}

// name takes an id, which must be no other rule's.
func (s *ruleSet) name(o *seen, file, id string) {
	switch before := s.at[id]; {
	case isCatalogued(id):
		o.fail("id", "%s is a rule or check of rotd's own: choose another id", id)
		return
	case before != "":
		o.fail("id", "%s is there already, at %s: ids are unique over all files", id, before)
		return
	}
	s.at[id] = fmt.Sprintf("%s:%d", file, o.where("id").Position.Line)
	s.ids = append(s.ids, id)
}

func isCatalogued(id string) bool {
	return slices.ContainsFunc(detection.Catalogue(), func(e detection.Entry) bool { return e.ID == id })
}

func (s *ruleSet) keep(file string, r *rawRule) {
	one := UserRule{Rule: r.compiled, File: file, Line: r.id.Position.Line}
	for i := range r.tests {
		one.Tests = append(one.Tests, r.tests[i].build(file))
	}
	s.rules = append(s.rules, one)
}

// LoadRules reads files of users' rules. What is wrong with any of them is one *Errors; anything else wraps ErrUnread.
func LoadRules(paths ...string) ([]UserRule, error) {
	set, _, err := loadRules(paths)
	if err != nil {
		return nil, err
	}
	return set.rules, nil
}

// ParseRules checks the content of a file of users' rules.
func ParseRules(name string, data []byte) ([]UserRule, error) {
	language, err := userrules.NewLanguage()
	if err != nil {
		return nil, err
	}
	set := &ruleSet{at: map[string]string{}}
	problems := set.read(language, name, data)
	if len(problems) > 0 {
		return nil, &Errors{Problems: problems}
	}
	return set.rules, nil
}

// loadRules reads the files and hashes them. With an *Errors the set has what is in order, and all ids.
func loadRules(paths []string) (set *ruleSet, digest string, err error) {
	set = &ruleSet{at: map[string]string{}}
	if len(paths) == 0 {
		return set, "", nil
	}
	language, err := userrules.NewLanguage()
	if err != nil {
		return nil, "", err
	}
	hash := sha256.New()
	var problems []Problem
	for _, path := range paths {
		data, err := readFile(path)
		if err != nil {
			return nil, "", err
		}
		hash.Write(fmt.Appendf(nil, "%d\n", len(data)))
		hash.Write(data)
		problems = append(problems, set.read(language, path, data)...)
	}
	if len(set.ids) > maxRules {
		problems = append(problems, Problem{
			File: paths[0], Message: fmt.Sprintf("%d rules are more than %d", len(set.ids), maxRules),
		})
	}
	if len(problems) > 0 {
		return set, "", &Errors{Problems: problems}
	}
	return set, fmt.Sprintf("%x", hash.Sum(nil)), nil
}

// read takes one file's rules and returns what is wrong with them.
func (s *ruleSet) read(language *userrules.Language, name string, data []byte) []Problem {
	r := &reader{file: name, places: map[string]*token.Token{}}
	f := &ruleFile{lines: strings.Split(string(data), "\n"), language: language, rules: s}
	if body := r.document(data); body != nil {
		f.layout(name).read(r, "", body)
	}
	return sortProblems(r.problems)
}

// readFile is a file's content, and a byte more than is allowed.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	return data, nil
}

// users reads the files of users' rules that a rotd.yaml names. The rest of it is not looked at.
func users(name string, data []byte) (set *ruleSet, digest string, err error) {
	r := &reader{file: name, places: map[string]*token.Token{}}
	c := Default()
	if body := r.document(data); body != nil {
		layout(c, Known{}).read(r, "", body)
	}
	var paths []string
	var problems []Problem
	for i, pattern := range c.Detections.Rules {
		found, err := filepath.Glob(beside(name, pattern))
		if err == nil && len(found) == 0 {
			err = errors.New("no file is there")
		}
		if err != nil {
			at := fmt.Sprintf("detections.rules[%d]", i)
			message := fmt.Sprintf("%s: %v", shorten(pattern), err)
			problems = append(problems, r.problem(r.places["detections.rules"], at, message))
		}
		for _, path := range found {
			if !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	set, digest, err = loadRules(paths)
	var wrong *Errors
	if err != nil && !errors.As(err, &wrong) {
		return nil, "", err
	}
	if wrong != nil {
		problems = append(problems, wrong.Problems...)
	}
	if len(problems) > 0 {
		return set, "", &Errors{Problems: problems}
	}
	return set, digest, nil
}

// beside is a path as it is meant in a file: relative to that.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}
