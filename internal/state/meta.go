package state

import (
	"fmt"
	"time"
)

// Pause says that nothing automatic may happen, since when, by whose word and why.
type Pause struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Arming says since when and by whose word automatic actions are allowed on this state at all.
type Arming struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// start is one start of the daemon.
type start struct {
	At    time.Time `json:"at"`
	Clean bool      `json:"clean"` // it stopped as it should
}

const keptStarts = 8

// Armed returns who armed the state; ok is false when nobody did yet.
func (tx *Tx) Armed() (a Arming, ok bool, err error) {
	return getJSON[Arming](tx.bucket(bucketMeta), []byte("armed"))
}

// Arm allows automatic actions on this state.
func (tx *Tx) Arm(a Arming) error { return putJSON(tx.bucket(bucketMeta), []byte("armed"), a) }

// disarm takes the permission to act by itself back.
func (tx *Tx) disarm() error { return tx.bucket(bucketMeta).Delete([]byte("armed")) }

// Paused returns who paused the daemon; ok is false when it is not paused.
func (tx *Tx) Paused() (p Pause, ok bool, err error) {
	return getJSON[Pause](tx.bucket(bucketMeta), []byte("pause"))
}

// SetPause pauses, or with nil resumes.
func (tx *Tx) SetPause(p *Pause) error {
	if p == nil {
		return tx.bucket(bucketMeta).Delete([]byte("pause"))
	}
	return putJSON(tx.bucket(bucketMeta), []byte("pause"), p)
}

// AuditExported says how far the audit log is exported.
type AuditExported struct {
	To  string `json:"to"`  // a file, or a folder of S3
	Seq uint64 `json:"seq"` // of the last entry that is there
}

// AuditExported returns it; zero when nothing was exported yet.
func (tx *Tx) AuditExported() (e AuditExported, err error) {
	e, _, err = getJSON[AuditExported](tx.bucket(bucketMeta), []byte("audit_exported"))
	return e, err
}

// SetAuditExported keeps it.
func (tx *Tx) SetAuditExported(e AuditExported) error {
	return putJSON(tx.bucket(bucketMeta), []byte("audit_exported"), e)
}

// JudgedBy is by what keys were last judged; "" when nobody said.
func (tx *Tx) JudgedBy() string { return string(tx.bucket(bucketMeta).Get([]byte("judged_by"))) }

// SetJudgedBy keeps by what keys are judged from now on.
func (tx *Tx) SetJudgedBy(digest string) error {
	if err := tx.bucket(bucketMeta).Put([]byte("judged_by"), []byte(digest)); err != nil {
		return fmt.Errorf("keep by what keys are judged: %w", err)
	}
	return nil
}

// Created is when this state was begun.
func (tx *Tx) Created() time.Time {
	t, err := time.Parse(time.RFC3339, string(tx.bucket(bucketMeta).Get([]byte("created"))))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Starting notes a start of the daemon and returns how many starts in the window before it did not end cleanly.
func (tx *Tx) Starting(now time.Time, window time.Duration) (unclean int, err error) {
	starts, err := tx.starts()
	if err != nil {
		return 0, err
	}
	for _, s := range starts {
		if !s.Clean && now.Sub(s.At) < window {
			unclean++
		}
	}
	starts = append(starts, start{At: now.UTC()})
	if len(starts) > keptStarts {
		starts = starts[len(starts)-keptStarts:]
	}
	return unclean, putJSON(tx.bucket(bucketMeta), []byte("starts"), starts)
}

// StoppedCleanly notes that the daemon stopped as it should.
func (tx *Tx) StoppedCleanly() error {
	starts, err := tx.starts()
	if err != nil || len(starts) == 0 {
		return err
	}
	starts[len(starts)-1].Clean = true
	return putJSON(tx.bucket(bucketMeta), []byte("starts"), starts)
}

func (tx *Tx) starts() ([]start, error) {
	starts, _, err := getJSON[[]start](tx.bucket(bucketMeta), []byte("starts"))
	return starts, err
}

// Restoration says that this state was put back from a copy, or rebuilt from what could be read of a damaged one.
type Restoration struct {
	At       time.Time `json:"at"`        // when
	From     string    `json:"from"`      // what: a file or s3://…
	CopiedAt time.Time `json:"copied_at"` // the copy's last commit: what happened since is not in it
	SetAside string    `json:"set_aside,omitempty"`
	Told     bool      `json:"told"` // people were told
	// Rebuilt says that From was damaged, and Lost what of it could not be read, by bucket.
	Rebuilt bool     `json:"rebuilt,omitempty"`
	Lost    []string `json:"lost,omitempty"`
}

// Restored returns the last restoration of this state; ok is false when it was never restored.
func (tx *Tx) Restored() (r Restoration, ok bool, err error) {
	return getJSON[Restoration](tx.bucket(bucketMeta), []byte("restored"))
}

// SetRestored notes a restoration.
func (tx *Tx) SetRestored(r *Restoration) error {
	return putJSON(tx.bucket(bucketMeta), []byte("restored"), r)
}

// CompactionAsked is a person's wish that the file be compacted at the next start.
type CompactionAsked struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// AskCompaction has the file compacted at the next start; nil takes the wish back.
func (tx *Tx) AskCompaction(c *CompactionAsked) error {
	if c == nil {
		return tx.bucket(bucketMeta).Delete([]byte("compact"))
	}
	return putJSON(tx.bucket(bucketMeta), []byte("compact"), c)
}

// compactionAsked reports whether somebody wants the file compacted. What cannot be read is no wish.
func (tx *Tx) compactionAsked() bool {
	_, ok, _ := getJSON[CompactionAsked](tx.bucket(bucketMeta), []byte("compact"))
	return ok
}
