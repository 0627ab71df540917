package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/goccy/go-yaml/token"

	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/suggest"
)

// CasesName is the file beside rotd.yaml that cases are looked for in.
const CasesName = "rotd-test.yaml"

// Case is a key's facts, and what rotd.yaml has to make of them.
type Case struct {
	Name     string
	File     string
	Line     int
	Now      time.Time
	Key      *inventory.Key
	Primary  *inventory.Key // of a replica; nil: out of view
	LastUse  time.Time
	Policy   string   // the name of the policy that must match; empty: none may
	Findings []string // ids of the checks that must find something, and no others
}

// CasesBeside is where the cases of a rotd.yaml are by default.
func CasesBeside(path string) string { return filepath.Join(filepath.Dir(path), CasesName) }

// LoadCases reads and checks a file of cases for this configuration. What is wrong with its content is an *Errors;
// anything else wraps ErrUnread.
func (c *Config) LoadCases(path string, known Known) ([]Case, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return c.ParseCases(path, data, known)
}

// ParseCases checks the content of a file of cases.
func (c *Config) ParseCases(name string, data []byte, known Known) ([]Case, error) {
	r := &reader{file: name, places: map[string]*token.Token{}}
	f := &caseFile{policies: c.Policies, checks: known.Checks}
	if body := r.document(data); body != nil {
		f.layout().read(r, "", body)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	cases := make([]Case, 0, len(f.cases))
	for i := range f.cases {
		one := f.cases[i].build(f.now)
		one.File, one.Line = name, r.places[fmt.Sprintf("cases[%d].name", i)].Position.Line
		cases = append(cases, one)
	}
	return cases, nil
}

// caseFile is a file of cases as it is read.
type caseFile struct {
	policies policy.Set
	checks   []string
	now      time.Time
	cases    []rawCase
}

// rawCase is a case before its times are known: they may be told as so long before now.
type rawCase struct {
	name     string
	now      time.Time
	policy   string
	findings []string
	key      keyFacts
}

// noPolicy is what a case says where no policy may match.
const noPolicy = "none"

func (f *caseFile) layout() shape {
	return object{fields: []field{
		{
			key: "now", doc: "When the cases are judged, unless one says otherwise.", value: moment(&f.now),
			need: "now: 2026-12-01",
		},
		{
			key: "cases", doc: "Keys, and what rotd.yaml has to make of them.", need: "cases: [{name: …, key: …}]",
			value: list[rawCase]{
				fresh: func() rawCase { return rawCase{key: newKeyFacts()} },
				shape: f.oneCase,
				keep:  func(c rawCase) { f.cases = append(f.cases, c) },
				id:    func(c rawCase) string { return c.name },
				least: 1,
			},
		},
	}}
}

func (f *caseFile) oneCase(c *rawCase) shape {
	return object{fields: []field{
		{key: "name", doc: "What is so.", value: text(&c.name, "a line of text", checkSaid), need: "name: a key in order"},
		{key: "now", doc: "When this case is judged.", value: moment(&c.now)},
		{key: "key", doc: "The key's facts; what is not said is as KMS makes keys.", value: c.key.layout(), need: "key: {}"},
		{
			key: "policy", doc: "Name of the policy that must match, or none.", need: "policy: payments",
			value: text(&c.policy, "a policy's name", f.checkPolicy),
		},
		{
			key: "findings", doc: "Ids of the checks that must find something; no others may.", need: "findings: []",
			value: texts(&c.findings, "the id of a check", checkCheck(f.checks, ", and a case has no events that rules judge")),
		},
	}}
}

func (f *caseFile) checkPolicy(name string) error {
	if name == noPolicy || f.policies.Named(name) != nil {
		return nil
	}
	var names []string
	for i := range f.policies {
		names = append(names, f.policies[i].Name)
	}
	return fmt.Errorf("%q is no policy of rotd.yaml, and not none%s", shorten(name), suggest.DidYouMean(name, names))
}

func (c *rawCase) build(now time.Time) Case {
	if !c.now.IsZero() {
		now = c.now
	}
	one := Case{Name: c.name, Now: now, Policy: c.policy, Findings: slices.Sorted(slices.Values(c.findings))}
	if one.Policy == noPolicy {
		one.Policy = ""
	}
	one.Key = c.key.build(now)
	one.LastUse = c.key.lastUse.before(now)
	if one.Key.MultiRegion == "REPLICA" && c.key.primaryInView {
		primary := *one.Key
		primary.MultiRegion, primary.ARN, primary.PrimaryARN = "PRIMARY", one.Key.PrimaryARN, ""
		one.Primary = &primary
	}
	return one
}
