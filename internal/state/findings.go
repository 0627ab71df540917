package state

import (
	"bytes"
	"fmt"
	"strings"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

// FindingByFingerprint returns the finding with a fingerprint, of whatever status; nil when there is none.
func (tx *Tx) FindingByFingerprint(fingerprint string) (*finding.Finding, error) {
	id := tx.bucket(bucketFingerprints).Get([]byte(fingerprint))
	if id == nil {
		return nil, nil //nolint:nilnil // "none" is an answer, not an error
	}
	return tx.Finding(string(id))
}

// Finding returns a finding by id; nil when there is none.
func (tx *Tx) Finding(id string) (*finding.Finding, error) {
	f, ok, err := getJSON[finding.Finding](tx.bucket(bucketFindings), []byte(id))
	if err != nil || !ok {
		return nil, err
	}
	return &f, nil
}

// PutFinding stores a finding and keeps the indexes true.
func (tx *Tx) PutFinding(f *finding.Finding) error {
	if err := tx.putJSON(bucketFindings, []byte(f.ID), f); err != nil {
		return fmt.Errorf("store finding: %w", err)
	}
	if err := tx.bucket(bucketFingerprints).Put([]byte(f.Fingerprint), []byte(f.ID)); err != nil {
		return fmt.Errorf("store finding %s: %w", f.ID, err)
	}
	return tx.setOpen(f, f.Status == finding.Open)
}

// hiddenMark is set in the index of open findings beside the severity of those that nobody is told of.
const hiddenMark = 0x80

// setOpen adds a finding to the open ones, or removes it, and keeps the counts by severity true: of those that are not
// hidden.
func (tx *Tx) setOpen(f *finding.Finding, open bool) error {
	key := indexKey(f.Subject.ID, f.ID)
	if before := tx.bucket(bucketOpen).Get(key); len(before) == 1 && before[0]&hiddenMark == 0 {
		if err := tx.count(openOf(finding.Severity(before[0])), -1); err != nil {
			return err
		}
	}
	if !open {
		return tx.setIndex(bucketOpen, key, false)
	}
	mark := byte(f.Severity) //nolint:gosec // one of five
	if f.Hidden {
		mark |= hiddenMark
	}
	if err := tx.put(bucketOpen, key, []byte{mark}); err != nil {
		return fmt.Errorf("index %q: %w", key, err)
	}
	if f.Hidden {
		return nil
	}
	return tx.count(openOf(f.Severity), 1)
}

// openOf names the count of open findings of a severity.
func openOf(s finding.Severity) string { return bucketOpen + "/" + s.String() }

// OpenBySeverity is how many findings of a severity are open and not hidden.
func (tx *Tx) OpenBySeverity(s finding.Severity) int { return tx.total(openOf(s)) }

// OpenAbout returns the open findings about a subject, at most limit.
func (tx *Tx) OpenAbout(subjectID string, limit int) ([]finding.Finding, error) {
	var found []finding.Finding
	for id := range tx.indexed(bucketOpen, subjectID) {
		if len(found) == limit {
			break
		}
		f, err := tx.Finding(id)
		if err = tx.PassOver(err); err != nil {
			return nil, err
		}
		if f != nil {
			found = append(found, *f)
		}
	}
	return found, nil
}

// OpenUnder returns the open findings about subjects whose ids begin with a prefix, at most limit.
func (tx *Tx) OpenUnder(prefix string, limit int) (found []finding.Finding, err error) {
	cursor, under := tx.bucket(bucketOpen).Cursor(), []byte(prefix)
	for k, _ := cursor.Seek(under); bytes.HasPrefix(k, under) && len(found) < limit; k, _ = cursor.Next() {
		f, err := tx.Finding(lastPart(k))
		if err != nil {
			return nil, err
		}
		if f != nil {
			found = append(found, *f)
		}
	}
	return found, nil
}

// OpenAboutKey returns the open findings about a key and about its aliases, at most limit of each.
func (tx *Tx) OpenAboutKey(key *inventory.Key, limit int) ([]finding.Finding, error) {
	found, err := tx.OpenAbout(key.ARN, limit)
	base := strings.TrimSuffix(key.ARN, "key/"+key.ID)
	for _, alias := range key.Aliases {
		if err != nil {
			return nil, err
		}
		var more []finding.Finding
		more, err = tx.OpenAbout(base+alias, limit)
		found = append(found, more...)
	}
	return found, err
}

// OpenFindings returns a page of open findings' ids in index order; next is the key to go on from, "" at the end.
func (tx *Tx) OpenFindings(after string, limit int) (ids []string, next string) {
	cursor := tx.bucket(bucketOpen).Cursor()
	k, _ := cursor.Seek([]byte(after))
	if after != "" && string(k) == after {
		k, _ = cursor.Next()
	}
	for ; k != nil; k, _ = cursor.Next() {
		if len(ids) == limit {
			return ids, next
		}
		next = string(k)
		ids = append(ids, lastPart(k))
	}
	return ids, ""
}

// OpenCount is how many findings are open.
func (tx *Tx) OpenCount() int { return tx.total(bucketOpen) }

// Findings copies a page of findings, newest first; see page.
func (tx *Tx) Findings(after string, limit int, keep func(*finding.Finding) bool) ([]finding.Finding, string, error) {
	return page(tx, tx.bucket(bucketFindings), after, limit, true, keep)
}

// deleteFinding removes a finding and what points at it.
func (tx *Tx) deleteFinding(f *finding.Finding) error {
	fingerprints := tx.bucket(bucketFingerprints)
	if string(fingerprints.Get([]byte(f.Fingerprint))) == f.ID {
		if err := fingerprints.Delete([]byte(f.Fingerprint)); err != nil {
			return fmt.Errorf("delete finding %s: %w", f.ID, err)
		}
	}
	if err := tx.setOpen(f, false); err != nil {
		return err
	}
	if err := tx.remove(bucketFindings, []byte(f.ID)); err != nil {
		return fmt.Errorf("delete finding %s: %w", f.ID, err)
	}
	return nil
}
