package state

import (
	"fmt"
	"time"

	"rotd/internal/suppression"
)

// Suppressions returns what is kept of all suppressions, in the order of their names: people's in that of their making.
// One that cannot be read hides nothing; see PassedOver.
func (tx *Tx) Suppressions() (all []suppression.Kept, err error) {
	err = tx.bucket(bucketSuppressions).ForEach(func(k, v []byte) error {
		kept, err := decode[suppression.Kept](k, v)
		if err != nil {
			return tx.PassOver(err)
		}
		all = append(all, kept)
		return nil
	})
	return all, err
}

// Suppression returns what is kept of a suppression; nil when nothing is.
func (tx *Tx) Suppression(name string) (*suppression.Kept, error) {
	kept, ok, err := getJSON[suppression.Kept](tx.bucket(bucketSuppressions), []byte(name))
	if err != nil || !ok {
		return nil, err
	}
	return &kept, nil
}

// SuppressionsRevision moves with every change of what suppressions hide. It is not durable in a transaction that
// changes it: when that fails, the same revision is given to another change.
func (tx *Tx) SuppressionsRevision() (revision uint64, durable bool) {
	return tx.bucket(bucketSuppressions).Sequence(), !tx.revised
}

// PutSuppression keeps a suppression that hides something else than before.
func (tx *Tx) PutSuppression(k *suppression.Kept) error {
	if err := tx.reviseSuppressions(); err != nil {
		return err
	}
	return tx.putSuppression(k)
}

// DeleteSuppression forgets a suppression.
func (tx *Tx) DeleteSuppression(name string) error {
	if err := tx.reviseSuppressions(); err != nil {
		return err
	}
	if err := tx.bucket(bucketSuppressions).Delete([]byte(name)); err != nil {
		return fmt.Errorf("delete suppression %s: %w", name, err)
	}
	return nil
}

// CountSuppressed counts an occurrence that a suppression hid at a time.
func (tx *Tx) CountSuppressed(name string, at time.Time) error {
	kept, err := tx.Suppression(name)
	if err = tx.PassOver(err); err != nil {
		return err
	}
	if kept == nil {
		kept = &suppression.Kept{Name: name}
	}
	kept.Hits++
	if at.After(kept.Last) {
		kept.Last = at
	}
	return tx.putSuppression(kept)
}

func (tx *Tx) reviseSuppressions() error {
	if _, err := tx.bucket(bucketSuppressions).NextSequence(); err != nil {
		return fmt.Errorf("revise the suppressions: %w", err)
	}
	tx.revised = true
	return nil
}

func (tx *Tx) putSuppression(k *suppression.Kept) error {
	if err := putJSON(tx.bucket(bucketSuppressions), []byte(k.Name), k); err != nil {
		return fmt.Errorf("store suppression %s: %w", k.Name, err)
	}
	return nil
}
