package reencrypt

import "time"

// Kind is what a job moves.
type Kind string

// Kinds of jobs.
const (
	Blobs   Kind = "blobs"   // a manifest's: whoever asks sends them, in batches
	Objects Kind = "objects" // S3's: rotd copies them by itself
)

// State is how far a job is.
type State string

// States of jobs. A job that is not running has ended; those of objects can go on when they failed or were cancelled.
const (
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Job is one request to move ciphertext and how far it is.
type Job struct {
	ID   string `json:"id"` // mov_ and a ULID
	Kind Kind   `json:"kind"`
	To   string `json:"to"`             // ARN of the destination key
	From string `json:"from,omitempty"` // ARN: only what is under this key; "": whatever key
	// Manifest is the SHA-256 of a manifest in hex, Location the s3://bucket/prefix of objects.
	Manifest string `json:"manifest,omitempty"`
	Location string `json:"location,omitempty"`
	Bucket   string `json:"bucket_region,omitempty"` // Region of the bucket

	State     State    `json:"state"`
	Waiting   string   `json:"waiting,omitempty"` // what a running job waits for
	Outcome   string   `json:"outcome,omitempty"` // of one that failed or was cancelled
	DryRun    bool     `json:"dry_run,omitzero"`
	Requester string   `json:"requester"`
	Reason    string   `json:"reason"`
	Ticket    string   `json:"ticket,omitempty"`
	Incident  string   `json:"incident_id,omitempty"` // what it was begun for
	Emergency bool     `json:"emergency,omitzero"`    // no pause holds it up, and the role for emergencies does it
	Overrode  []string `json:"overrode,omitempty"`    // guardrails that --emergency passed

	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Ended   time.Time `json:"ended,omitzero"`

	Counts
	Total  int64  `json:"total,omitzero"`   // blobs of the manifest that can be sent; of objects nobody knows
	Cursor string `json:"cursor,omitempty"` // key of the object up to which all are done with
	// Ahead are keys of objects behind the cursor that are done with: one before them had to wait.
	Ahead []string `json:"ahead,omitempty"`
	// Uploads are copies in parts that were under way, by key of the object: what a kill left of them is given up.
	Uploads map[string]string `json:"uploads,omitempty"`
	// Failures are the first ones, at most MaxFailures; Counts has how many there are.
	Failures []Item `json:"failures,omitempty"`
}

// Counts add up what a job did.
type Counts struct {
	Seen   int64 `json:"seen"`   // blobs or objects that are done with
	Moved  int64 `json:"moved"`  // of a dry run: that KMS would have moved, or objects that would be copied
	Bytes  int64 `json:"bytes"`  // of what was moved
	Failed int64 `json:"failed"` // not moved, with a reason
	// Already are objects that were under the destination key when the job came to them, also the hundred at most that
	// it had moved itself when it was killed: nobody can tell those apart.
	Already int64 `json:"already,omitzero"`
	Other   int64 `json:"other,omitzero"` // objects under another key than the one asked for, or under none of KMS
	Older   int64 `json:"older,omitzero"` // older versions of objects, which stay as they are
}

// Item is a blob or an object that was not moved.
type Item struct {
	What string `json:"what"` // key of an object; number of a blob, from 1
	Failure
}

// Fails notes a failure.
func (j *Job) Fails(what string, f *Failure) {
	j.Failed++
	if len(j.Failures) < MaxFailures {
		j.Failures = append(j.Failures, Item{What: what, Failure: *f})
	}
}

// End ends a job.
func (j *Job) End(s State, outcome string, at time.Time) {
	j.State, j.Outcome, j.Waiting, j.Ended, j.Updated = s, outcome, "", at, at
}

// Progress is how much of a job of blobs is done, from 0 to 1.
func (j *Job) Progress() float64 {
	if j.Total == 0 {
		return 1
	}
	return float64(j.Seen) / float64(j.Total)
}
