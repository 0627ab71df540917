package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

func findingIDs(all []finding.Finding) (ids []int) {
	for i := range all {
		var n int
		_, _ = fmt.Sscanf(all[i].ID, "fnd_%d", &n)
		ids = append(ids, n)
	}
	return ids
}

func actionIDs(all []remediation.Action) (ids []int) {
	for i := range all {
		var n int
		_, _ = fmt.Sscanf(all[i].ID, "act_%d", &n)
		ids = append(ids, n)
	}
	return ids
}

func TestAFindingIsFoundByIDFingerprintAndSubjectWhileOpen(t *testing.T) {
	db := openTest(t)
	f := testFinding(1, finding.Open)
	check := func(db *DB, open int) {
		t.Helper()
		view(t, db, func(tx *Tx) error {
			byID, _ := tx.Finding(f.ID)
			same(t, "by id", byID, f)
			byPrint, _ := tx.FindingByFingerprint(f.Fingerprint)
			same(t, "by fingerprint", byPrint, f)
			about, err := tx.OpenAbout(f.Subject.ID, 10)
			same(t, "open about it", len(about), open)
			same(t, "open", tx.OpenCount(), open)
			return err
		})
	}
	put := func() { update(t, db, func(tx *Tx) error { return tx.PutFinding(f) }) }
	put()
	check(db, 1)
	put() // again changes nothing
	check(db, 1)
	f.Resolve(day(), "in order")
	put()
	check(db, 0)
	f.Status, f.ResolvedAt, f.Episode = finding.Open, nil, 2
	put()
	check(db, 1)
	check(reopen(t, db), 1)
}

func TestWhatIsNotThereIsNil(t *testing.T) {
	view(t, openTest(t), func(tx *Tx) error {
		f, err := tx.Finding("fnd_none")
		same(t, "finding", f, nil)
		byPrint, errPrint := tx.FindingByFingerprint("v1:none")
		same(t, "by fingerprint", byPrint, nil)
		a, errAction := tx.Action("act_none")
		same(t, "action", a, nil)
		k, errKey := tx.Key("arn:none")
		same(t, "key", k, nil)
		for _, err := range []error{err, errPrint, errAction, errKey} {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestSubjectsThatEventsChooseDoNotBreakTheIndex(t *testing.T) {
	db := openTest(t)
	subjects := []string{
		"trail", "trail\x00x", "trail\x01", "trai", "",
		strings.Repeat("n", 100_000), strings.Repeat("n", 100_001), "\xff\xff",
	}
	update(t, db, func(tx *Tx) error {
		for i, s := range subjects {
			f := testFinding(i, finding.Open)
			f.Subject = finding.Subject{Type: finding.Trail, ID: strings.ToValidUTF8(s, "?")}
			if err := tx.PutFinding(f); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(tx *Tx) error {
		for i, s := range subjects {
			about, err := tx.OpenAbout(strings.ToValidUTF8(s, "?"), 10)
			if err != nil {
				return err
			}
			same(t, fmt.Sprintf("about %.20q", s), findingIDs(about), []int{i})
		}
		return nil
	})
}

func TestOpenAboutGivesTheNewestFirst(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for i := range 40 { // four about each of ten keys
			if err := tx.PutFinding(testFinding(i, finding.Open)); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(tx *Tx) error {
		for key, want := range map[int][]int{0: {30, 20, 10}, 5: {35, 25, 15}, 9: {39, 29, 19}} {
			about, err := tx.OpenAbout(keyARN(key), 3)
			if err != nil {
				return err
			}
			same(t, "about", findingIDs(about), want)
		}
		none, err := tx.OpenAbout(keyARN(0), 0)
		same(t, "none wanted", len(none), 0)
		return err
	})
}

func TestPages(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for i := range 10 {
			if err := tx.PutFinding(testFinding(i, finding.Open)); err != nil {
				return err
			}
			if err := tx.PutKey(testKey(i)); err != nil {
				return err
			}
		}
		return nil
	})
	t.Run("findings come newest first and every one once", func(t *testing.T) {
		var got [][]int
		for after, more := "", true; more; more = after != "" {
			view(t, db, func(tx *Tx) error {
				all, next, err := tx.Findings(after, 4, nil)
				after = next
				got = append(got, findingIDs(all))
				return err
			})
		}
		same(t, "pages", got, [][]int{{9, 8, 7, 6}, {5, 4, 3, 2}, {1, 0}})
	})
	t.Run("a full last page is the last", func(t *testing.T) {
		view(t, db, func(tx *Tx) error {
			all, next, err := tx.Findings("", 10, nil)
			same(t, "all", len(all), 10)
			same(t, "next", next, "")
			return err
		})
	})
	t.Run("a filter is asked before the limit", func(t *testing.T) {
		view(t, db, func(tx *Tx) error {
			all, next, err := tx.Findings("", 2, func(f *finding.Finding) bool { return f.Subject.ID < keyARN(5) })
			same(t, "kept", findingIDs(all), []int{4, 3})
			same(t, "next", next, testFinding(3, finding.Open).ID)
			return err
		})
	})
	t.Run("keys come in order of their ARN", func(t *testing.T) {
		view(t, db, func(tx *Tx) error {
			all, next, err := tx.Keys(keyARN(7), 5, nil)
			same(t, "keys", []string{all[0].ARN, all[1].ARN}, []string{keyARN(8), keyARN(9)})
			same(t, "next", next, "")
			return err
		})
	})
	t.Run("a page goes on where the entry before was deleted", func(t *testing.T) {
		for after, want := range map[int][]int{9: {8, 7}, 5: {4, 3}, 0: nil} {
			f := testFinding(after, finding.Open)
			update(t, db, func(tx *Tx) error { return tx.deleteFinding(f) })
			view(t, db, func(tx *Tx) error {
				all, _, err := tx.Findings(f.ID, 2, nil)
				same(t, "after "+f.ID, findingIDs(all), want)
				return err
			})
			update(t, db, func(tx *Tx) error { return tx.PutFinding(f) })
		}
		update(t, db, func(tx *Tx) error { return tx.forgetKey(testKey(3)) })
		view(t, db, func(tx *Tx) error {
			all, _, err := tx.Keys(keyARN(3), 1, nil)
			same(t, "the next key", all[0].ARN, keyARN(4))
			return err
		})
	})
	t.Run("what cannot be decoded is passed over and named", func(t *testing.T) {
		spoiled := testFinding(8, finding.Open).ID
		update(t, db, func(tx *Tx) error { return tx.bucket(bucketFindings).Put([]byte(spoiled), []byte("{")) })
		view(t, db, func(tx *Tx) error {
			all, next, err := tx.Findings("", 2, nil)
			same(t, "the others", findingIDs(all), []int{9, 7})
			same(t, "next", next, testFinding(7, finding.Open).ID)
			open, err2 := tx.OpenAbout(testFinding(8, finding.Open).Subject.ID, 10)
			same(t, "about its subject", len(open), 0)
			var named []string
			for _, lost := range tx.PassedOver() {
				named = append(named, lost.Key)
			}
			same(t, "passed over", named, []string{spoiled, spoiled})
			return errors.Join(err, err2)
		})
		update(t, db, func(tx *Tx) error { return tx.PutFinding(testFinding(8, finding.Open)) })
	})
}

func TestAFilterThatKeepsNothingIsBounded(t *testing.T) {
	db := openTest(t)
	const all = 12_000
	update(t, db, func(tx *Tx) error {
		for i := range all {
			if err := tx.bucket(bucketPlaces).Put(fmt.Appendf(nil, "%06d", i), []byte(`{}`)); err != nil {
				return err
			}
		}
		return nil
	})
	var scanned []int
	for after, more := "", true; more; more = after != "" {
		view(t, db, func(tx *Tx) error {
			n := 0
			items, next, err := page(tx, tx.bucket(bucketPlaces), after, 10, false, func(*Coverage) bool { n++; return false })
			same(t, "items", len(items), 0)
			after = next
			scanned = append(scanned, n)
			return err
		})
	}
	same(t, "scanned", scanned, []int{2_500, 2_500, 2_500, 2_500, 2_000})
}

func TestOpenFindingsArePagedInIndexOrder(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for i := range 7 {
			if err := tx.PutFinding(testFinding(i, finding.Open)); err != nil {
				return err
			}
		}
		return nil
	})
	var got [][]string
	for after, more := "", true; more; more = after != "" {
		view(t, db, func(tx *Tx) error {
			ids, next := tx.OpenFindings(after, 3)
			got, after = append(got, ids), next
			return nil
		})
		// Resolving what was read must not make the next page lose anything.
		update(t, db, func(tx *Tx) error { return tx.PutFinding(testFinding(3*len(got)-1, finding.Resolved)) })
	}
	id := func(n int) string { return testFinding(n, finding.Open).ID }
	same(t, "pages", got, [][]string{{id(0), id(1), id(2)}, {id(3), id(4), id(5)}, {id(6)}})
}

func TestActionsAreFoundByKeyAndWhilePending(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for i := range 30 {
			if err := tx.PutAction(testAction(i, remediation.Planned)); err != nil {
				return err
			}
		}
		for _, done := range []int{0, 13, 3} {
			if err := tx.PutAction(testAction(done, remediation.Failed)); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		pending, err := tx.PendingActions(4)
		same(t, "the oldest pending", actionIDs(pending), []int{1, 2, 4, 5})
		on, errOn := tx.ActionsOn(keyARN(3), 2)
		same(t, "the newest on a key", actionIDs(on), []int{23, 13})
		none, errNone := tx.ActionsOn(keyARN(3)[:20], 2)
		same(t, "on no key", len(none), 0)
		all, next, errAll := tx.Actions("", 3, func(a *remediation.Action) bool { return a.State == remediation.Failed })
		same(t, "failed", actionIDs(all), []int{13, 3, 0})
		same(t, "next", next, "")
		for _, err := range []error{err, errOn, errNone, errAll} {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestRetentionOfWhatEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		after           time.Duration
		bound           int
		dropped         int
		findings, begun []int
	}{
		"what ended is kept for its time":       {KeepEnded, 100, 0, []int{5, 4, 3, 2, 1, 0}, []int{4, 2, 0}},
		"then it goes, what is open stays":      {KeepEnded + time.Second, 100, 3, []int{4, 2, 0}, []int{4, 2, 0}},
		"past the bound the oldest go at once":  {0, 1, 2, []int{5, 4, 2, 0}, []int{4, 2, 0}},
		"what is open does not count as excess": {0, 3, 0, []int{5, 4, 3, 2, 1, 0}, []int{4, 2, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			db.bounds.ended = tc.bound
			update(t, db, func(tx *Tx) error {
				for i := range 6 {
					if err := tx.PutFinding(testFinding(i, []finding.Status{finding.Open, finding.Resolved}[i%2])); err != nil {
						return err
					}
					a := testAction(i, []remediation.State{remediation.Running, remediation.Expired}[i%2])
					if err := tx.PutAction(a); err != nil {
						return err
					}
				}
				return nil
			})
			dropped, err := db.Retain(day().Add(tc.after))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "dropped", dropped, Dropped{Findings: tc.dropped, Actions: tc.dropped})
			view(t, db, func(tx *Tx) error {
				findings, _, err := tx.Findings("", 10, nil)
				same(t, "findings", findingIDs(findings), tc.findings)
				actions, _, errActions := tx.Actions("", 10, nil)
				same(t, "actions", actionIDs(actions), tc.findings)
				pending, errPending := tx.PendingActions(10)
				same(t, "pending", len(pending), len(tc.begun))
				for _, err := range []error{err, errActions, errPending} {
					if err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

func TestAKeysFindingsAreThoseOfItsAliasesToo(t *testing.T) {
	db := openTest(t)
	key := &inventory.Key{
		ARN: "arn:aws:kms:eu-west-1:111122223333:key/k1", ID: "k1", Account: "111122223333", Region: "eu-west-1",
		Aliases: []string{"alias/pay"},
	}
	about := func(id string, subject finding.Subject) *finding.Finding {
		return &finding.Finding{ID: id, Status: finding.Open, Subject: subject, Fingerprint: id}
	}
	update(t, db, func(tx *Tx) error {
		for _, f := range []*finding.Finding{
			about("fnd_1", finding.Subject{Type: finding.Key, ID: key.ARN}),
			about("fnd_2", finding.Subject{Type: finding.Alias, ID: "arn:aws:kms:eu-west-1:111122223333:alias/pay"}),
			about("fnd_3", finding.Subject{Type: finding.Alias, ID: "arn:aws:kms:eu-west-1:111122223333:alias/other"}),
		} {
			if err := tx.PutFinding(f); err != nil {
				return err
			}
		}
		return nil
	})
	var ids []string
	view(t, db, func(tx *Tx) error {
		found, err := tx.OpenAboutKey(key, 10)
		for i := range found {
			ids = append(ids, found[i].ID)
		}
		return err
	})
	same(t, "findings about the key", ids, []string{"fnd_1", "fnd_2"})
}
