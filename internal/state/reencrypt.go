package state

import (
	"bytes"
	"fmt"
	"time"

	"rotd/internal/reencrypt"
)

// Job returns a job that moves ciphertext; nil when there is none of this id.
func (tx *Tx) Job(id string) (*reencrypt.Job, error) {
	j, ok, err := getJSON[reencrypt.Job](tx.bucket(bucketMoving), []byte(id))
	if err != nil || !ok {
		return nil, err
	}
	return &j, nil
}

// PutJob stores a job.
func (tx *Tx) PutJob(j *reencrypt.Job) error {
	if err := tx.putJSON(bucketMoving, []byte(j.ID), j); err != nil {
		return fmt.Errorf("store a job: %w", err)
	}
	return tx.setIndex(bucketUnmoved, []byte(j.ID), j.State == reencrypt.Running)
}

// Jobs copies a page of jobs, newest first; see page.
func (tx *Tx) Jobs(after string, limit int, keep func(*reencrypt.Job) bool) ([]reencrypt.Job, string, error) {
	return page(tx, tx.bucket(bucketMoving), after, limit, true, keep)
}

// RunningJobs returns the running jobs of a kind, the oldest first.
func (tx *Tx) RunningJobs(kind reencrypt.Kind) (jobs []reencrypt.Job, err error) {
	cursor := tx.bucket(bucketUnmoved).Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
		j, err := tx.Job(string(k))
		if err != nil {
			return jobs, err
		}
		if j != nil && j.Kind == kind {
			jobs = append(jobs, *j)
		}
	}
	return jobs, nil
}

// AddMoves adds up what was moved between keys.
func (tx *Tx) AddMoves(moves reencrypt.Moves) error {
	for _, m := range moves {
		key := moveKey(m.From, m.To)
		sum, ok, err := getJSON[reencrypt.Move](tx.bucket(bucketMoves), key)
		if err != nil {
			return err
		}
		if !ok {
			sum = reencrypt.Move{From: m.From, To: m.To}
		}
		sum.Add(m)
		if err := tx.putJSON(bucketMoves, key, &sum); err != nil {
			return fmt.Errorf("store what was moved: %w", err)
		}
	}
	return nil
}

// MovesFrom returns what was moved away from a key, at most limit destinations.
func (tx *Tx) MovesFrom(arn string, limit int) (moves []reencrypt.Move, err error) {
	prefix := moveKey(arn, "")
	cursor := tx.bucket(bucketMoves).Cursor()
	for k, v := cursor.Seek(prefix); bytes.HasPrefix(k, prefix) && len(moves) < limit; k, v = cursor.Next() {
		m, err := decode[reencrypt.Move](k, v)
		if err != nil {
			return nil, err
		}
		moves = append(moves, m)
	}
	return moves, nil
}

// MovesTo returns what was moved to a key. It looks at every pair of keys.
func (tx *Tx) MovesTo(arn string, limit int) (moves []reencrypt.Move, err error) {
	cursor := tx.bucket(bucketMoves).Cursor()
	for k, v := cursor.First(); k != nil && len(moves) < limit; k, v = cursor.Next() {
		if lastPart(k) != arn {
			continue
		}
		m, err := decode[reencrypt.Move](k, v)
		if err != nil {
			return nil, err
		}
		moves = append(moves, m)
	}
	return moves, nil
}

// moveKey is `<from ARN> NUL <to ARN>`.
func moveKey(from, to string) []byte { return indexKey(from, to) }

// dropJobs removes jobs that ended before the given time, and those of manifests that nobody went on with since.
func (db *DB) dropJobs(before time.Time) (int, error) {
	return dropEnded(db, ending[reencrypt.Job]{
		bucket: bucketMoving, unended: bucketUnmoved,
		id: func(j *reencrypt.Job) string { return j.ID },
		over: func(j *reencrypt.Job) bool {
			return j.State != reencrypt.Running || j.Kind == reencrypt.Blobs && j.Updated.Before(before)
		},
		old: func(j *reencrypt.Job) bool { return j.Updated.Before(before) },
		remove: func(tx *Tx, j *reencrypt.Job) error {
			if err := tx.setIndex(bucketUnmoved, []byte(j.ID), false); err != nil {
				return err
			}
			return tx.remove(bucketMoving, []byte(j.ID))
		},
	})
}

// dropMoves removes what is known of moves that ended before the given time.
func (db *DB) dropMoves(before time.Time) (int, error) {
	return dropEnded(db, ending[reencrypt.Move]{
		bucket: bucketMoves,
		id:     func(m *reencrypt.Move) string { return string(moveKey(m.From, m.To)) },
		over:   func(*reencrypt.Move) bool { return true },
		old:    func(m *reencrypt.Move) bool { return m.Last.Before(before) },
		remove: func(tx *Tx, m *reencrypt.Move) error { return tx.remove(bucketMoves, moveKey(m.From, m.To)) },
	})
}
