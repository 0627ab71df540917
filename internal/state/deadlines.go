package state

import (
	"fmt"

	"rotd/internal/remediation"
)

// Deadline returns what rotd has to remind of about a key that it disabled; nil when there is nothing.
func (tx *Tx) Deadline(arn string) (*remediation.Deadline, error) {
	d, ok, err := getJSON[remediation.Deadline](tx.bucket(bucketDeadlines), []byte(arn))
	if err != nil || !ok {
		return nil, err
	}
	return &d, nil
}

// PutDeadline keeps it.
func (tx *Tx) PutDeadline(d *remediation.Deadline) error {
	if err := putJSON(tx.bucket(bucketDeadlines), []byte(d.KeyARN), d); err != nil {
		return fmt.Errorf("store the deadline of %s: %w", d.KeyARN, err)
	}
	return nil
}

// DropDeadline forgets it: the key is enabled again, or somebody answers for what is lost.
func (tx *Tx) DropDeadline(arn string) error {
	if err := tx.bucket(bucketDeadlines).Delete([]byte(arn)); err != nil {
		return fmt.Errorf("forget the deadline of %s: %w", arn, err)
	}
	return nil
}

// Deadlines copies a page of them in the order of their keys; see page.
func (tx *Tx) Deadlines(after string, limit int) ([]remediation.Deadline, string, error) {
	return page(tx, tx.bucket(bucketDeadlines), after, limit, false, func(*remediation.Deadline) bool { return true })
}
