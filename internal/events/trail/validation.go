package trail

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Validation holds log files against CloudTrail's digests. It is pure: it is given hashes and contents. It keeps some
// 300 bytes for each log file. Files are known by the last part of their names, which is unique: where the archive was
// copied to does not matter.
type Validation struct {
	days    Days
	digests map[string]*judged   // by name
	named   map[string]*expected // log files by name
	unnamed map[string][]logFile // read, and not named so far
	last    map[string]*judged   // by account and Region
	unread  map[string]bool      // digests that could not be read, by name, and the accounts and Regions they are of
	partial bool                 // not every file there was tried
	result  Validated
}

// judged is a digest under validation.
type judged struct {
	*digest
	path       string
	signatures []string
	integrity  Integrity
	detail     string
	before     *judged // in its chain, as far as it is there
}

// expected is a log file that a digest names.
type expected struct {
	object string
	sum    [sha256.Size]byte
	by     *judged
	read   int // how many files of this name were read and had this sum
	broken bool
}

type logFile struct {
	path string
	sum  [sha256.Size]byte
}

// NewValidation begins one of the log files that were delivered on some days, as their paths tell.
func NewValidation(days Days) *Validation {
	return &Validation{
		days: days, digests: make(map[string]*judged), named: make(map[string]*expected),
		unnamed: make(map[string][]logFile), last: make(map[string]*judged), unread: make(map[string]bool),
	}
}

// Untried takes that not every file under the paths was tried: what a digest names may be among them.
func (v *Validation) Untried() { v.partial = true }

// nameOf is what a file is known by, zipped or not.
func nameOf(file string) string { return strings.TrimSuffix(path.Base(filepath.ToSlash(file)), ".gz") }

// Digest takes a digest file, unzipped, and its signature in hex, "" where that was not kept.
func (v *Validation) Digest(file string, raw []byte, signature string) {
	if !v.days.ofDigests().within(filepath.ToSlash(file)) {
		return
	}
	d, err := parseDigest(raw)
	switch {
	case err != nil:
		v.unreadDigest(file, err.Error())
		return
	case nameOf(d.Object) != nameOf(file):
		v.result.Digests++
		v.say(OfDigest, file, Altered, "it is another one: it was delivered as "+d.Object)
		return
	}
	name := nameOf(file)
	if known := v.digests[name]; known != nil && known.sum == d.sum {
		known.sign(signature)
		return // the same file once more
	} else if known != nil {
		v.result.Digests++
		v.say(OfDigest, file, Altered, "it differs from "+known.path)
		return
	}
	j := &judged{digest: d, path: file}
	j.sign(signature)
	v.digests[name] = j
	for i := range d.Logs {
		v.expect(&d.Logs[i], j)
	}
	d.Logs = nil
}

func (v *Validation) unreadDigest(file, why string) {
	v.result.Digests++
	v.unread[nameOf(file)], v.unread[placeOf(file)] = true, true
	v.say(OfDigest, file, Unreadable, why)
}

func (j *judged) sign(signature string) {
	if signature != "" && !slices.Contains(j.signatures, signature) {
		j.signatures = append(j.signatures, signature)
	}
}

// expect notes a log file that a digest names.
func (v *Validation) expect(l *namedLog, by *judged) {
	name := nameOf(l.Object)
	sum, err := hex.DecodeString(l.Hash)
	if v.named[name] != nil || !v.asked(l.Object) {
		return
	}
	e := &expected{object: l.Object, by: by}
	v.named[name] = e
	if err != nil || len(sum) != sha256.Size || l.Algorithm != "SHA-256" {
		e.broken = true
		v.say(OfLog, l.Object, Unproven, fmt.Sprintf("its digest has no SHA-256 of it, but %q", l.Algorithm))
	} else {
		e.sum = [sha256.Size]byte(sum)
	}
	for _, f := range v.unnamed[name] {
		v.compare(e, f)
	}
	delete(v.unnamed, name)
}

// Log takes a log file by the SHA-256 of its unzipped content.
func (v *Validation) Log(file string, sum [sha256.Size]byte) {
	if !v.asked(file) {
		return
	}
	name := nameOf(file)
	if e := v.named[name]; e != nil {
		v.compare(e, logFile{file, sum})
		return
	}
	v.unnamed[name] = append(v.unnamed[name], logFile{file, sum})
}

// asked reports whether a log file is of the days that are asked about: by the folder it is in or, where a copy is in
// another, by the time in its name.
func (v *Validation) asked(file string) bool {
	file = filepath.ToSlash(file)
	if _, day := dated(file); day == "" {
		if at, err := time.Parse(deliveryLayout, deliveredAt(file)); err == nil {
			file = at.Format(dayLayout) + "/" + path.Base(file)
		}
	}
	return v.days.within(file)
}

// Unread takes a log file or digest that could not be read to its end.
func (v *Validation) Unread(file string, why string) {
	name := nameOf(file)
	switch {
	case isDigest(file):
		if v.days.ofDigests().within(filepath.ToSlash(file)) {
			v.unreadDigest(file, why)
		}
		return
	case !v.asked(file):
		return
	case v.named[name] == nil:
		v.named[name] = &expected{object: file} // which no digest needs to name any more
	}
	v.result.Logs++
	v.named[name].broken = true
	v.say(OfLog, file, Unreadable, why)
}

func (v *Validation) compare(e *expected, f logFile) {
	switch {
	case e.broken:
		v.result.Logs++
	case e.sum == f.sum:
		e.read++
	default:
		v.result.Logs++
		e.broken = true
		v.say(OfLog, f.path, Altered, "its content is not the one whose hash "+path.Base(e.by.path)+" has")
	}
}

func (v *Validation) say(kind Kind, file string, what Integrity, detail string) {
	v.result.Invalid++
	if len(v.result.Verdicts) < maxVerdicts {
		v.result.Verdicts = append(v.result.Verdicts, Verdict{kind, file, what, detail})
	}
}
