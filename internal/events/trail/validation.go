package trail

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Kind is what a verdict is about.
type Kind string

// Kinds.
const (
	OfLog    Kind = "log"
	OfDigest Kind = "digest"
)

// Integrity is what validation says of a file.
type Integrity string

// What there is to say. Only Valid means that nobody changed the file since CloudTrail delivered it.
const (
	Valid      Integrity = "valid"
	Altered    Integrity = "altered"     // the content is not the one that was delivered
	Missing    Integrity = "missing"     // it was delivered and is not there
	Uncovered  Integrity = "uncovered"   // a log file that no digest names
	Unproven   Integrity = "unproven"    // a log file that only digests name which are not valid themselves
	Unsigned   Integrity = "unsigned"    // a digest whose signature was not kept
	KeyUnknown Integrity = "key-unknown" // a digest whose public key is not at hand, or was not valid then
	Gap        Integrity = "gap"         // a digest before which there was a time that none is of
	Unreadable Integrity = "unreadable"
)

// Verdict is what validation says of a file that is not simply valid.
type Verdict struct {
	Kind    Kind      `json:"kind"`
	Path    string    `json:"path"`
	Verdict Integrity `json:"verdict"`
	Detail  string    `json:"detail,omitempty"`
}

// Validated is what validation says of an archive.
type Validated struct {
	Digests      int       `json:"digests"` // those there, and those missing
	ValidDigests int       `json:"valid_digests"`
	Logs         int       `json:"logs"` // those there, and those missing
	ValidLogs    int       `json:"valid_logs"`
	Invalid      int       `json:"invalid"` // verdicts, all of them
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"` // of the valid digests
	// Verdicts are of what is not valid, digests first, by path; no more than maxVerdicts.
	Verdicts []Verdict `json:"-"`
}

const maxVerdicts = 10_000

// Validation holds log files against CloudTrail's digests. It is pure: it is given hashes and contents. It keeps some
// 300 bytes for each log file. Files are known by the last part of their names, which is unique: where the archive was
// copied to does not matter.
type Validation struct {
	days    Days
	digests map[string]*judged   // by name
	named   map[string]*expected // log files by name
	unnamed map[string][]logFile // read, and not named so far
	last    map[string]*judged   // by account and Region
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
		unnamed: make(map[string][]logFile), last: make(map[string]*judged),
	}
}

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
		v.result.Digests++
		v.say(OfDigest, file, Unreadable, err.Error())
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

func (j *judged) sign(signature string) {
	if signature != "" && !slices.Contains(j.signatures, signature) {
		j.signatures = append(j.signatures, signature)
	}
}

// expect notes a log file that a digest names.
func (v *Validation) expect(l *namedLog, by *judged) {
	name := nameOf(l.Object)
	sum, err := hex.DecodeString(l.Hash)
	if v.named[name] != nil || !v.days.within(l.Object) {
		return
	}
	e := &expected{object: l.Object, by: by}
	v.named[name] = e
	if err != nil || len(sum) != sha256.Size || l.Algorithm != "SHA-256" {
		e.broken = true
		v.say(OfLog, l.Object, Unproven, fmt.Sprintf("its digest has no SHA-256 of it, but %q", l.Algorithm))
		return
	}
	e.sum = [sha256.Size]byte(sum)
	for _, f := range v.unnamed[name] {
		v.compare(e, f)
	}
	delete(v.unnamed, name)
}

// Log takes a log file by the SHA-256 of its unzipped content.
func (v *Validation) Log(file string, sum [sha256.Size]byte) {
	if !v.days.within(filepath.ToSlash(file)) {
		return
	}
	name := nameOf(file)
	if e := v.named[name]; e != nil {
		v.compare(e, logFile{file, sum})
		return
	}
	v.unnamed[name] = append(v.unnamed[name], logFile{file, sum})
}

// Unread takes a log file or digest that could not be read to its end.
func (v *Validation) Unread(file string, why string) {
	name := nameOf(file)
	switch {
	case !v.days.within(filepath.ToSlash(file)):
		return
	case isDigest(file):
		v.result.Digests++
		v.say(OfDigest, file, Unreadable, why)
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

// KeysOf says whose public keys are needed: those of which Regions, and over which time.
func (v *Validation) KeysOf() (regions []string, from, to time.Time) {
	for _, j := range v.digests {
		regions = append(regions, j.regions()...)
		if from.IsZero() || j.Start.Before(from) {
			from = j.Start
		}
		if j.end.After(to) {
			to = j.end
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions), from, to
}

// End judges everything that was taken, by CloudTrail's public keys.
func (v *Validation) End(keys []PublicKey) Validated {
	byFingerprint := make(map[string]*PublicKey, len(keys))
	for i := range keys {
		byFingerprint[keys[i].Fingerprint] = &keys[i]
	}
	v.link()
	for _, j := range v.digests {
		j.judge(byFingerprint)
		v.tell(j)
	}
	v.logs()
	slices.SortStableFunc(v.result.Verdicts, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Verdict, b.Verdict))
	})
	return v.result
}

// link gives each digest the signature that the next one has of it, and says where chains are broken. It is by that
// signature that a folder can be validated to which S3's metadata was not copied.
func (v *Validation) link() {
	chains := make(map[string][]*judged)
	for _, j := range v.digests {
		chains[j.chain()] = append(chains[j.chain()], j)
	}
	for _, chain := range chains {
		slices.SortFunc(chain, func(a, b *judged) int { return a.end.Compare(b.end) })
		for i, j := range chain {
			v.last[j.place()] = later(v.last[j.place()], j)
			if i > 0 {
				j.before = chain[i-1]
			}
			v.follow(j)
		}
	}
}

// follow goes from a digest to the one before.
func (v *Validation) follow(j *judged) {
	previous := v.digests[nameOf(j.Previous)]
	switch {
	case j.Previous == "" && j.before != nil:
		v.say(OfDigest, j.path, Gap, fmt.Sprintf("a new chain begins: no digest is of %s to %s, when the trail did not log or "+
			"did not make digests", j.before.EndText, j.Start.UTC().Format(time.RFC3339)))
	case j.Previous == "":
	case previous != nil:
		previous.sign(j.PreviousSignature)
	case j.before != nil || !v.days.From.IsZero() && v.days.within(j.Previous):
		v.result.Digests++
		v.say(OfDigest, j.Previous, Missing, "the digest "+path.Base(j.path)+" names it as the one before")
	}
}

// judge verifies a digest's signature.
func (j *judged) judge(keys map[string]*PublicKey) {
	key := keys[j.Fingerprint]
	switch {
	case j.Algorithm != "" && j.Algorithm != "SHA256withRSA":
		j.integrity, j.detail = KeyUnknown, fmt.Sprintf("it is signed by %q", j.Algorithm)
		return
	case len(j.signatures) == 0:
		j.integrity, j.detail = Unsigned, "its signature is in the metadata of S3's object, which was not kept, and no later "+
			"digest has it"
		return
	case key == nil:
		j.integrity, j.detail = KeyUnknown, "no public key has the fingerprint "+j.Fingerprint
		return
	}
	by, err := key.at(j.end)
	if err != nil {
		j.integrity, j.detail = KeyUnknown, err.Error()
		return
	}
	for _, signature := range j.signatures {
		if err = j.verify(signature, by); err == nil {
			j.integrity = Valid
			return
		}
	}
	j.integrity, j.detail = Altered, err.Error()
}

func (v *Validation) tell(j *judged) {
	v.result.Digests++
	if j.integrity != Valid {
		v.say(OfDigest, j.path, j.integrity, j.detail)
		return
	}
	v.result.ValidDigests++
	if v.result.From.IsZero() || j.Start.Before(v.result.From) {
		v.result.From = j.Start.UTC()
	}
	if j.end.After(v.result.To) {
		v.result.To = j.end.UTC()
	}
}

// logs judges the log files.
func (v *Validation) logs() {
	for _, e := range v.named {
		v.result.Logs += e.read
		switch {
		case e.broken:
		case e.read == 0:
			v.result.Logs++
			v.say(OfLog, e.object, Missing, "the digest "+path.Base(e.by.path)+" names it")
		case e.by.integrity == Valid:
			v.result.ValidLogs += e.read
		default:
			v.say(OfLog, e.object, Unproven, "only a digest names it that is "+string(e.by.integrity)+" itself: "+
				path.Base(e.by.path))
		}
	}
	for _, files := range v.unnamed {
		for _, f := range files {
			v.result.Logs++
			v.say(OfLog, f.path, Uncovered, v.why(f.path))
		}
	}
}

// why says why no digest may name a log file: those of the last hour come later.
func (v *Validation) why(file string) string {
	parts := strings.Split(nameOf(file), "_") // <account>_CloudTrail_<Region>_<time>_<random>.json
	if len(parts) != 5 {
		return "no digest names it"
	}
	last, delivered := v.last[parts[0]+"/"+parts[2]], parts[3]
	if last == nil || delivered < last.end.UTC().Format("20060102T1504Z") {
		return "no digest names it"
	}
	return "it was delivered after the last digest, which ends at " + last.EndText
}

// place is the account and Region that a digest is of.
func (d *digest) place() string {
	parts := strings.Split(path.Base(d.Object), "_")
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "/" + parts[2]
}

func later(a, b *judged) *judged {
	if a == nil || b.end.After(a.end) {
		return b
	}
	return a
}
