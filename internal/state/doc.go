// Package state keeps everything rotd must not forget in one bbolt file. It knows the plain types and how they are
// stored; what they mean, and in which order effects happen, is the engine's. All writes of one step go into one
// transaction:
//
//	db.Update(func(tx *state.Tx) error { … })
//
// Reading and writing wait for nobody but the disk; one Update runs at a time. Nothing asked for per message, alert or
// scrape reads a whole bucket.
//
// The schema, version 1. Times in keys are big endian, so that age is order and retention deletes from the front.
//
//	meta
//	├── schema, shard, created, judged_by           plain values
//	├── commits                                     <count: uint64><last: uint64 unix nanoseconds>
//	├── armed, pause, quarantined, protected        JSON; absent: no, none
//	├── dependencies                                JSON []Dependency: what rotd needs, and the keys it is under
//	├── breaker                                     JSON remediation.Breaker; absent: closed, nothing has failed
//	├── taught/<account>/<region>                   up to when archives have taught what is usual: uint64 unix seconds
//	├── followed                                    JSON []Followed: open incidents that rotd opened, what is to be told
//	├── restored, compact                           JSON: the last restoration; who wants the file compacted
//	├── organization                                JSON Organization; absent: never listed
//	└── starts                                      JSON: the last starts and whether each stopped cleanly
//	seen                                            eventIDs already handled, in slices of one hour of eventTime
//	└── <hour: uint32>                              a bucket; retention drops it whole
//	    ├── <second: uint32><id, modulo 4: 1 byte>  → <id: 8 bytes>...: eventIDs folded, 64 at most; sharedEventIDs
//	    │                                           hashed, by their minute's second
//	    └── <second: uint32><id: 8 bytes>           → nothing; those beyond
//	late                                            eventIDs whose eventTime is not to be trusted
//	├── order: <arrival: uint64>                    → <eventID: 16 bytes>; at most MaxLate, the oldest go first
//	└── ids:   <eventID: 16 bytes>                  → <arrival>
//	keys        <key ARN>                           → JSON inventory.Key
//	names       <account>/<region>/<id or alias>    → key ARN
//	uses        <key ARN>                           → last use: uint64 unix seconds
//	assignments <key ARN>                           → JSON policy.Assignment, of keys that a tag or alias change moved
//	usage                                           who uses the keys that the inventory knows; see package usage
//	├── log:    <seq: uint64>                       → a transaction's calls, appended, until they are folded
//	├── keys:   <id of its ARN: uint32>             → a key's Record
//	├── names:  <kind><text, a long one hashed>     → <id: uint32><day last used: uint32>
//	└── ids:    <id: uint32>                        → <kind><text>
//	baselines                                       what is ordinary; see package baseline
//	├── keys:       <key ARN>                       → a key's record
//	└── principals: <id: uint64>                    → <last seen: uint64 unix seconds><its record>
//	places      <account>/<region>                  → JSON Coverage of the sweeps there
//	budgets     <left: 1 byte><key ARN>             → nothing; keys that have used on-demand rotations
//	findings    fnd_<ULID>                          → JSON finding.Finding
//	├ fingerprints <fingerprint>                    → id of its finding
//	└ open      <subject id> NUL <id>               → <severity, 0x80 if hidden: 1 byte>; a long subject hashed
//	actions     act_<ULID>                          → JSON remediation.Action
//	├ pending   <id>                                → nothing; actions that are not final
//	└ bykey     <key ARN> NUL <id>                  → nothing
//	outbox      <seq: uint64>                       → JSON alert not yet told to every topic
//	memory                                          what rules remember
//	├── values: <SHA-256 of the name: 16 bytes>     → <expiry: uint64 unix seconds><value>; before a room's names
//	│                                                 its owner's hash: 8 bytes
//	└── expiry: <expiry><hash>                      → nothing
//	quarantine                                      what could not be decoded
//	├── items:  <seq: uint64>                       → JSON Quarantined
//	└── hashes: <SHA-256 of origin and body: 16 bytes> → <seq, 0 when only counted><at: uint64 unix seconds>
//	own                                             how rotd knows its own calls
//	├── keys:     <access key id>                   → <last noted: uint64 unix seconds>
//	└── requests: <request id>                      → <at: uint64 unix seconds>
//	proofs                                          by what people prove who they are
//	└── nonces:   <nonce>                           → <used: uint64 unix seconds>
//	jobs        <name>                              → JSON Run
//	rereads     <due: uint64 unix seconds><key ARN> → nothing; keys to be read again
//	history     what changed about keys
//	├ <key ARN> NUL <kind> NUL <kept: uint64 unix nanoseconds> → JSON history.Entry; at most MaxHistory of a kind
//	└ <key ARN> NUL <kind> NUL <0: uint64>        → JSON history.Drop: how many older ones were dropped
//	due                                             keys by when they are to be asked again for dear facts
//	├── facts:  <account>/<region> NUL <due: uint64 unix seconds><key id> → nothing; 0: never asked
//	└── use:    the same                            → nothing
//	audit       <seq: uint64>                       → JSON audit.Entry in canonical form, appended; see docs/audit.md
//	incidents   inc_<ULID>                          → JSON incident.Incident
//	moving      mov_<ULID>                          → JSON reencrypt.Job
//	├ unmoved   <id>                                → nothing; jobs that are running
//	└ moves     <from ARN> NUL <to ARN>             → JSON reencrypt.Move: what all jobs moved between two keys
//	untold      <found: uint64 unix seconds><key ARN> → JSON Untold: changes that no event told of yet
//	suppressions <name>                             → JSON suppression.Kept: made by people, or what rotd.yaml's hid
//	deadlines   <key ARN>                           → JSON remediation.Deadline, of keys that rotd disabled
package state
