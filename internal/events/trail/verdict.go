package trail

import "time"

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
	Untried    Integrity = "untried"     // it was delivered, and may be among the files that were not tried
	Uncovered  Integrity = "uncovered"   // a log file that no digest names
	Unproven   Integrity = "unproven"    // a log file that only digests name which are not valid, or were not read
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
