package state

import "time"

// Run is the last run of a scheduled job.
type Run struct {
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Error    string    `json:"error,omitempty"`
	Trigger  string    `json:"trigger,omitempty"` // schedule, catch-up, start, or who asked
}

// LastRun returns a job's last run; zero when it never ran.
func (tx *Tx) LastRun(job string) (Run, error) {
	run, _, err := getJSON[Run](tx.bucket(bucketJobs), []byte(job))
	return run, err
}

// PutRun stores a job's last run.
func (tx *Tx) PutRun(job string, run Run) error {
	return putJSON(tx.bucket(bucketJobs), []byte(job), run)
}
