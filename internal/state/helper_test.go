package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"rotd/internal/audit"
	"rotd/internal/baseline"
	"rotd/internal/finding"
	"rotd/internal/history"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/suppression"
	"rotd/internal/usage"
)

// day is when most tests happen.
func day() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

func options(path string) Options { return Options{Path: path, Shard: "default", Now: day()} }

// openTest opens a state in a folder of the test's own; when the test ends the file must be in order.
func openTest(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "state.db"))
}

func openAt(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if db.bolt.Path() == "" {
			return // the test closed it
		}
		inOrder(t, db)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// reopen closes the state, which must be in order, and opens it again.
func reopen(t *testing.T, db *DB) *DB {
	t.Helper()
	inOrder(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return openAt(t, db.path)
}

func update(t testing.TB, db *DB, fn func(tx *Tx) error) {
	t.Helper()
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, db *DB, fn func(tx *Tx) error) {
	t.Helper()
	if err := db.View(fn); err != nil {
		t.Fatal(err)
	}
}

// same compares exactly.
func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// inOrder checks the file with rotd's eyes, with bbolt's, and what must be true between buckets.
func inOrder(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Check(); err != nil {
		t.Error(err)
	}
	err := db.bolt.Update(func(btx *bbolt.Tx) error { // bbolt's own check must not run beside a writer
		var wrong []error
		for err := range btx.Check() {
			wrong = append(wrong, err)
		}
		return errors.Join(wrong...)
	})
	if err != nil {
		t.Errorf("bbolt's own check: %v", err)
	}
	if err := db.View(invariants); err != nil {
		t.Error(err)
	}
}

// invariants are what must be true of a state.
func invariants(tx *Tx) error { return errors.Join(relations(tx), ofKnownKeys(tx), auditUnbroken(tx)) }

// ofKnownKeys wants what is kept of keys to be of those that the inventory knows. In a rebuilt state it may be of
// others until the next inventory.
func ofKnownKeys(tx *Tx) error {
	wrong := []error{tellsOfKeys(tx)}
	for _, bucket := range []string{bucketUses, bucketAssignments} {
		for arn := range contents(tx, bucket) {
			if !tx.Knows(arn) {
				wrong = append(wrong, fmt.Errorf("bucket %s has %s, which is no key", bucket, arn))
			}
		}
	}
	for arn := range learnt(tx, baselineKeys) {
		parts := strings.SplitN(arn, ":", 6)
		if !tx.Knows(arn) && tx.Taught(parts[4], parts[3]).IsZero() {
			wrong = append(wrong, fmt.Errorf("what is usual of %q, which is no key", arn))
		}
	}
	return errors.Join(wrong...)
}

func auditUnbroken(tx *Tx) error {
	lines, _ := tx.AuditLines(0, 1<<20)
	log := audit.NewVerifier(tx.AuditHead())
	for _, line := range lines {
		log.Add(line)
	}
	if breaks := log.End().Breaks; len(breaks) > 0 {
		return fmt.Errorf("breaks of the audit log: %v", breaks)
	}
	return nil
}

// relations are what the totals and indexes promise.
func relations(tx *Tx) error {
	if err := tx.whole(); err != nil {
		return err
	}
	var wrong []error
	expect := func(what string, got, want any) {
		if diff := cmp.Diff(want, got); diff != "" {
			wrong = append(wrong, fmt.Errorf("%s (-want +got):\n%s", what, diff))
		}
	}
	for _, b := range []string{
		bucketKeys, bucketFindings, bucketOpen, bucketActions, bucketPending, bucketByKey,
		bucketOutbox, bucketRereads, bucketUntold, bucketMoving, bucketUnmoved, bucketMoves,
	} {
		expect("total of "+b, tx.total(b), tx.bucket(b).Stats().KeyN)
	}
	expect("total of memory", tx.total(bucketMemory), tx.sub(bucketMemory, "values").Stats().KeyN)
	expect("memory's expiry", tx.sub(bucketMemory, "expiry").Stats().KeyN, tx.total(bucketMemory))
	rooms := map[string]int{}
	wrong = append(wrong, tx.sub(bucketMemory, "values").ForEach(func(k, _ []byte) error {
		if len(k) == roomyBytes {
			rooms[roomTotal(k[:ownerBytes])]++
		}
		return nil
	}))
	for total, n := range rooms {
		expect("total of "+total, tx.total(total), n)
	}
	expect("late", tx.sub(bucketLate, "ids").Stats().KeyN, tx.sub(bucketLate, "order").Stats().KeyN)

	fingerprints, open, graves := map[string]string{}, map[string]bool{}, map[finding.Severity]int{}
	wrong = append(wrong, each(tx, bucketFindings, func(f *finding.Finding) {
		fingerprints[f.Fingerprint] = f.ID
		if f.Status == finding.Open {
			open[string(indexKey(f.Subject.ID, f.ID))] = true
			if !f.Hidden {
				graves[f.Severity]++
			}
		}
	}))
	expect("fingerprints", contents(tx, bucketFingerprints), fingerprints)
	expect("open findings", names(tx, bucketOpen), open)

	for s := finding.Informational; s <= finding.Critical; s++ {
		expect("open findings that are "+s.String(), tx.OpenBySeverity(s), graves[s])
	}
	budgets := map[string]bool{}
	wrong = append(wrong, each(tx, bucketKeys, func(k *inventory.Key) {
		if at := budgetKey(k); at != nil {
			budgets[string(at)] = true
		}
	}))
	expect("budgets", names(tx, bucketBudgets), budgets)

	pending, byKey := map[string]bool{}, map[string]bool{}
	wrong = append(wrong, each(tx, bucketActions, func(a *remediation.Action) {
		for _, arn := range a.Keys() {
			byKey[string(indexKey(arn, a.ID))] = true
		}
		if !a.State.Final() {
			pending[a.ID] = true
		}
	}))
	expect("pending actions", names(tx, bucketPending), pending)
	expect("actions by key", names(tx, bucketByKey), byKey)

	unmoved := map[string]bool{}
	wrong = append(wrong, each(tx, bucketMoving, func(j *reencrypt.Job) {
		if j.State == reencrypt.Running {
			unmoved[j.ID] = true
		}
	}))
	expect("running jobs", names(tx, bucketUnmoved), unmoved)

	for name, arn := range contents(tx, bucketNames) {
		key, err := tx.Key(arn)
		if err != nil || key == nil || !strings.HasPrefix(name, key.Account+"/"+key.Region+"/") {
			wrong = append(wrong, fmt.Errorf("name %s leads to %s, which is %v (error: %w)", name, arn, key, err))
		}
	}

	wrong = append(wrong, each(tx, bucketSuppressions, func(k *suppression.Kept) {
		expect("the suppression under its name", tx.bucket(bucketSuppressions).Get([]byte(k.Name)) != nil, true)
		expect("the name of a person's suppression", k.Made != nil, strings.HasPrefix(k.Name, suppression.Prefix))
	}))
	wrong = append(wrong, usageInvariants(tx), baselineInvariants(tx))
	facts, use := map[string]bool{}, map[string]bool{}
	wrong = append(wrong, each(tx, bucketKeys, func(k *inventory.Key) {
		if k.HasCostlyFacts() {
			facts[string(dueKey(k, k.FactsDueAt()))], use[string(dueKey(k, k.UseDueAt()))] = true, true
		}
	}))
	for list, want := range map[DueList]map[string]bool{DueFacts: facts, DueUse: use} {
		got := map[string]bool{}
		wrong = append(wrong, tx.sub(bucketDue, string(list)).ForEach(func(k, _ []byte) error {
			got[string(k)] = true
			return nil
		}))
		expect("the list of "+string(list)+" due", got, want)
	}

	var kept held
	err := tx.sub(bucketQuarantine, "items").ForEach(func(k, _ []byte) error {
		q, _, err := getJSON[Quarantined](tx.sub(bucketQuarantine, "items"), k)
		kept.Items++
		kept.Bytes += len(q.Body)
		return err
	})
	kept.Hashes = tx.sub(bucketQuarantine, "hashes").Stats().KeyN
	told, errTold := tx.quarantined()
	expect("what the quarantine holds", told, kept)
	return errors.Join(append(wrong, err, errTold)...)
}

// tellsOfKeys wants history to be that of known keys, in the bounds.
func tellsOfKeys(tx *Tx) error {
	counts := map[string]int{}
	return tx.bucket(bucketHistory).ForEach(func(k, _ []byte) error {
		arn, kind, at := historyKey(k)
		if tx.bucket(bucketKeys).Get([]byte(arn)) == nil {
			return fmt.Errorf("history of %q, which is no key", arn)
		}
		if !at.IsZero() {
			counts[arn+string(kind)]++
		}
		if n := counts[arn+string(kind)]; n > tx.bounds.history {
			return fmt.Errorf("%d entries of %s of %s", n, kind, arn)
		}
		return nil
	})
}

func each[T any](tx *Tx, bucket string, fn func(*T)) error {
	return tx.bucket(bucket).ForEach(func(k, _ []byte) error {
		v, _, err := getJSON[T](tx.bucket(bucket), k)
		fn(&v)
		return err
	})
}

func contents(tx *Tx, bucket string) map[string]string {
	all := map[string]string{}
	_ = tx.bucket(bucket).ForEach(func(k, v []byte) error { all[string(k)] = string(v); return nil })
	return all
}

func names(tx *Tx, bucket string) map[string]bool {
	all := map[string]bool{}
	_ = tx.bucket(bucket).ForEach(func(k, _ []byte) error { all[string(k)] = true; return nil })
	return all
}

// uuid is an eventID as CloudTrail writes them.
func uuid(n int) string { return fmt.Sprintf("%08x-1111-4222-8333-%012x", n, n) }

func keyARN(n int) string {
	return fmt.Sprintf("arn:aws-cn:kms:cn-north-1:111122223333:key/00000000-0000-4000-8000-%012x", n)
}

func testKey(n int, aliases ...string) *inventory.Key {
	arn := keyARN(n)
	return &inventory.Key{
		ARN: arn, ID: arn[strings.LastIndexByte(arn, '/')+1:], Partition: "aws-cn", Account: "111122223333",
		Region: "cn-north-1", State: "Enabled", Manager: "CUSTOMER", Created: day().AddDate(-1, 0, 0), Aliases: aliases,
		ReadAt: day(),
	}
}

func testFinding(n int, status finding.Status) *finding.Finding {
	f := &finding.Finding{
		ID: fmt.Sprintf("fnd_%026d", n), RuleID: "key-disabled", Severity: finding.High, Title: "t", Description: "d",
		Fingerprint: fmt.Sprintf("v1:%064d", n), Status: status, Episode: 1, Count: 1,
		FirstSeen: day(), LastSeen: day(), Subject: finding.Subject{Type: finding.Key, ID: keyARN(n % 10)},
	}
	if status == finding.Resolved {
		f.Resolve(day(), "in order")
	}
	return f
}

func testAction(n int, state remediation.State) *remediation.Action {
	a := &remediation.Action{
		ID: fmt.Sprintf("act_%026d", n), Verb: remediation.Rotate, Method: remediation.EnableAutomatic, State: state,
		KeyARN: keyARN(n % 10), Created: day(),
	}
	if state.Final() {
		ended := day()
		a.Ended = &ended
	}
	return a
}

func testJob(n int, s reencrypt.State) *reencrypt.Job {
	j := &reencrypt.Job{
		ID: fmt.Sprintf("mov_%026d", n), Kind: reencrypt.Objects, To: keyARN(n), State: s, Created: day(), Updated: day(),
	}
	if s != reencrypt.Running {
		j.Ended = day()
	}
	return j
}

// fill writes something of everything into a state, enough for trees with branches.
func fill(tx *Tx, n int) error {
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	for i := range n {
		_, err := tx.MarkSeen(uuid(i), day().Add(time.Duration(i)*time.Minute))
		note(err)
		_, err = tx.MarkLate(fmt.Sprint("late ", i))
		note(err)
		_, err = tx.PutAlert(fmt.Appendf(nil, `{"alert":%d}`, i))
		note(err)
		_, _, err = tx.Quarantine(Quarantined{Queue: "q", At: day(), Reason: "json", Body: fmt.Appendf(nil, "{%d", i)})
		note(err)
		note(tx.PutKey(testKey(i, fmt.Sprintf("alias/%d", i))))
		note(tx.NoteUse(keyARN(i), day()))
		note(tx.SetAssignment(keyARN(i), &policy.Assignment{Policy: "payments", Since: day(), Hold: day()}))
		var b usage.Batch
		b.Add(&usage.Use{Key: keyARN(i), Principal: fmt.Sprint("role ", i), Operation: 1, At: day()})
		_, _, err = tx.AppendUsage(&b, day())
		note(err)
		used := baseline.Use{At: day(), Principal: baseline.ID(i), Network: 1 << 24}
		learnt, who := new(baseline.Key), new(baseline.Principal)
		learnt.Observe(&used, &baseline.Observed{})
		who.Observe(&used, &baseline.Observed{})
		note(tx.PutKeyBaseline(keyARN(i), learnt))
		note(tx.PutPrincipalBaseline(used.Principal, who))
		note(tx.PutFinding(testFinding(i, []finding.Status{finding.Open, finding.Resolved}[i%2])))
		note(tx.PutAction(testAction(i, []remediation.State{remediation.Planned, remediation.Succeeded}[i%2])))
		note(tx.PutDeadline(&remediation.Deadline{KeyARN: keyARN(i), ActionID: fmt.Sprint("act_", i), Since: day()}))
		note(tx.NoteRequest(fmt.Sprint("request ", i), day()))
		note(tx.PlanReread(keyARN(i), day()))
		note(tx.AddHistory(keyARN(i), &history.Entry{Kind: history.State, SeenAt: day(), Kept: day()}))
		_, err = tx.NoteUntold(&Untold{ARN: keyARN(i), Found: day()})
		note(err)
		note(tx.PutIncident(&incident.Incident{
			ID: fmt.Sprintf("inc_%026d", i), Reason: "leaked", Keys: []string{keyARN(i)}, Since: day(),
			Opened: incident.Mark{At: day(), By: "uid:1000 (ann)"},
		}))
		note(tx.Audit(audit.Entry{
			Time: day(), Actor: "uid:1000 (ann)", Event: audit.RotateRequested, Key: keyARN(i),
			Detail: map[string]string{"reason": fmt.Sprint("reason ", i)},
		}))
		note(tx.PutJob(testJob(i, []reencrypt.State{reencrypt.Running, reencrypt.Done}[i%2])))
		note(tx.AddMoves(reencrypt.Moves{{}: {From: keyARN(i), To: keyARN(i + 1), Blobs: 1, First: day(), Last: day()}}))
		tx.Memory().Note(fmt.Sprint("name ", i), "value", day(), time.Hour)
	}
	_, err := tx.Starting(day(), time.Minute)
	note(err)
	note(tx.Arm(Arming{At: day(), By: "uid:0 (root)"}))
	note(tx.NoteAccessKey("AKIAIOSFODNN7EXAMPLE", day()))
	note(tx.PutRun("inventory", Run{Started: day(), Finished: day()}))
	note(tx.PutPlace(Coverage{Account: "111122223333", Region: "cn-north-1", Keys: n}))
	return errors.Join(errs...)
}
