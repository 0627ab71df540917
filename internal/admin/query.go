package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// MaxRows is how many rows a page has at most, and when the caller does not say.
const MaxRows = 1000

// Page is a part of a list. Next is where the following page begins, "" at the end; to clients it is opaque.
type Page[T any] struct {
	Schema string `json:"schema"` // rotd.findings/1, …; set by the server
	Items  []T    `json:"items"`
	Next   string `json:"next"`
	// Partial says that rotd knows of rows it cannot show: keys of a Region that could not be swept.
	Partial bool `json:"partial"`
	// Unreadable are the ids of rows that stand where the page is and cannot be read from the state.
	Unreadable []string `json:"unreadable,omitempty"`
}

// Range says which part of a list is wanted. Backends get a Limit from 1 to MaxRows, and in After what they gave as
// Page.Next.
type Range struct {
	After string
	Limit int
}

// Any is the filter value that lets every status and state through.
const Any = "all"

// FindingQuery says which findings are wanted, newest first. Zero fields do not filter.
type FindingQuery struct {
	Range
	Status          string           // open, resolved
	Severity        finding.Severity // this one or graver
	Rule            string
	Key             string // ARN, id or alias
	Account, Region string
	Since           time.Time // seen at or after
	Hidden          bool      // also those that nobody is told of, because a suppression hides them
}

// Keep reports whether a finding is wanted.
func (q FindingQuery) Keep(f *finding.Finding) bool {
	return (q.Status == "" || string(f.Status) == q.Status) &&
		f.Severity >= q.Severity &&
		(q.Rule == "" || f.RuleID == q.Rule) &&
		(q.Key == "" || isNamed(q.Key, f.KeyARN, f.Alias)) &&
		(q.Account == "" || f.Account == q.Account) &&
		(q.Region == "" || f.Region == q.Region) &&
		!f.LastSeen.Before(q.Since) &&
		(q.Hidden || !f.Hidden)
}

// KeyQuery says which keys are wanted, in the order of their ARNs. Zero fields do not filter.
type KeyQuery struct {
	Range
	Account, Region string
	State           string // KMS's word, in any case
	Policy          string // the rotation policy's name
	Search          string // part of an alias, id, description or ARN, in any case
}

// Keep reports whether a key is wanted; policyName is the rotation policy that applies to it.
func (q KeyQuery) Keep(k *inventory.Key, policyName string) bool {
	return (q.Account == "" || k.Account == q.Account) &&
		(q.Region == "" || k.Region == q.Region) &&
		(q.State == "" || strings.EqualFold(k.State, q.State)) &&
		(q.Policy == "" || policyName == q.Policy) &&
		(q.Search == "" || q.found(k))
}

func (q KeyQuery) found(k *inventory.Key) bool {
	search := strings.ToLower(q.Search)
	for _, text := range append([]string{k.ARN, k.Description}, k.Aliases...) {
		if strings.Contains(strings.ToLower(text), search) {
			return true
		}
	}
	return false
}

// Pending is the state that stands for every one that is not final.
const Pending = "pending"

// ActionQuery says which actions are wanted, newest first. Zero fields do not filter.
type ActionQuery struct {
	Range
	State string // a state, or Pending
	Key   string // ARN, id or alias
	Since time.Time
}

// Keep reports whether an action is wanted.
func (q ActionQuery) Keep(a *remediation.Action) bool {
	inState := q.State == "" || string(a.State) == q.State || q.State == Pending && !a.State.Final()
	return inState && (q.Key == "" || isNamed(q.Key, a.KeyARN, a.Alias)) && !a.Created.Before(q.Since)
}

// isNamed reports whether name is the key's ARN, id, alias or alias ARN.
func isNamed(name, arn, alias string) bool {
	return name == arn || name == alias && alias != "" || strings.HasSuffix(arn, ":key/"+name) ||
		alias != "" && strings.HasPrefix(name, "arn:") && strings.HasSuffix(name, ":"+alias)
}

// values collects query parameters, leaving out what is not set.
type values url.Values

func (v values) text(name, value string) {
	if value != "" {
		v[name] = []string{value}
	}
}

func (v values) at(name string, t time.Time) {
	if !t.IsZero() {
		v[name] = []string{t.UTC().Format(time.RFC3339)}
	}
}

func (v values) limits(r Range) {
	v.text("after", r.After) // as the server gave it
	if r.Limit > 0 {
		v["limit"] = []string{strconv.Itoa(r.Limit)}
	}
}

func (q FindingQuery) values() values {
	v := values{}
	v.limits(q.Range)
	v.text("status", q.Status)
	if q.Severity > finding.Informational {
		v.text("severity", q.Severity.String())
	}
	v.text("rule", q.Rule)
	v.text("key", q.Key)
	v.text("account", q.Account)
	v.text("region", q.Region)
	v.at("since", q.Since)
	if q.Hidden {
		v.text("suppressed", "true")
	}
	return v
}

func (q KeyQuery) values() values {
	v := values{}
	v.limits(q.Range)
	v.text("account", q.Account)
	v.text("region", q.Region)
	v.text("state", q.State)
	v.text("policy", q.Policy)
	v.text("search", q.Search)
	return v
}

func (q ActionQuery) values() values {
	v := values{}
	v.limits(q.Range)
	v.text("state", q.State)
	v.text("key", q.Key)
	v.at("since", q.Since)
	return v
}

// Cursors are keys of the state, some of them binary: outside they are base64, with a sum over the list they belong to,
// so that what is mistyped or another list's does not begin just anywhere.
func sealCursor(schema, next string) string {
	return base64.RawURLEncoding.EncodeToString(append(cursorSum(schema, next), next...))
}

func openCursor(schema, after string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(after)
	if err == nil && len(raw) > crc32.Size {
		if next := string(raw[crc32.Size:]); bytes.Equal(raw[:crc32.Size], cursorSum(schema, next)) {
			return next, nil
		}
	}
	return "", invalid("after: %q is not a position of this list; give what `next` said", after)
}

func cursorSum(schema, next string) []byte {
	return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(schema+"\n"+next)))
}
