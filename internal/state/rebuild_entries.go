package state

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

// take says how the entries of one bucket of a damaged state are put into a new one.
type take struct {
	bucket, sub string
	nested      bool // its entries stand in buckets of it
	// put puts an entry that is whole. Of one that is not it returns errNoEntry, and has put nothing.
	put func(tx *Tx, k, v []byte) error
}

func (t *take) name() string {
	if t.sub == "" {
		return t.bucket
	}
	return t.bucket + "/" + t.sub
}

var errNoEntry = errors.New("this is no entry of the bucket")

// takes are the buckets that are taken over, in this order: names of usage come before what has their ids, what is in
// the quarantine before the hashes of it. All others follow from these, and are written with them.
func takes(now time.Time) []take {
	return []take{
		{bucket: bucketAudit, put: takeAudit},
		{bucket: bucketActions, put: record(func(a *remediation.Action) []byte { return []byte(a.ID) }, (*Tx).PutAction)},
		{bucket: bucketSuppressions, put: record(func(k *suppression.Kept) []byte {
			if (k.Made != nil) != strings.HasPrefix(k.Name, suppression.Prefix) {
				return nil
			}
			return []byte(k.Name)
		}, (*Tx).putSuppression)},
		{bucket: bucketIncidents, put: record(func(i *incident.Incident) []byte { return []byte(i.ID) }, (*Tx).PutIncident)},
		{bucket: bucketFindings, put: record(func(f *finding.Finding) []byte {
			if f.Fingerprint == "" {
				return nil
			}
			return []byte(f.ID)
		}, (*Tx).PutFinding)},
		{bucket: bucketKeys, put: record(func(k *inventory.Key) []byte { return []byte(k.ARN) }, (*Tx).PutKey)},
		{bucket: bucketAssignments, put: text[policy.Assignment](bucketAssignments)},
		{bucket: bucketDeadlines, put: record(func(d *remediation.Deadline) []byte { return []byte(d.KeyARN) },
			(*Tx).PutDeadline)},
		{bucket: bucketUses, put: raw(bucketUses, "")},
		{bucket: bucketHistory, put: takeHistory},
		{bucket: bucketPlaces, put: record(func(c *Coverage) []byte { return []byte(c.Account + "/" + c.Region) },
			func(tx *Tx, c *Coverage) error { return tx.PutPlace(*c) })},
		{bucket: bucketBaselines, sub: baselineKeys, put: takeKeyBaseline},
		{bucket: bucketBaselines, sub: baselinePrincipals, put: takePrincipalBaseline},
		{bucket: bucketUsage, sub: usageNames, put: takeUsageName},
		{bucket: bucketUsage, sub: usageIDs, put: takeUsageID(now)},
		{bucket: bucketUsage, sub: usageKeys, put: takeUsage},
		{bucket: bucketUsage, sub: usageLog, put: takeUsageLog},
		{bucket: bucketMoving, put: record(func(j *reencrypt.Job) []byte { return []byte(j.ID) }, (*Tx).PutJob)},
		{bucket: bucketMoves, put: record(func(m *reencrypt.Move) []byte { return moveKey(m.From, m.To) },
			func(tx *Tx, m *reencrypt.Move) error { return tx.putJSON(bucketMoves, moveKey(m.From, m.To), m) })},
		{bucket: bucketJobs, put: text[Run](bucketJobs)},
		{bucket: bucketOutbox, put: takeAlert},
		{bucket: bucketUntold, put: record((*Untold).key,
			func(tx *Tx, u *Untold) error { return tx.putJSON(bucketUntold, u.key(), u) })},
		{bucket: bucketRereads, put: func(tx *Tx, k, _ []byte) error { return tx.put(bucketRereads, k, present()) }},
		{bucket: bucketOwn, sub: "keys", put: raw(bucketOwn, "keys")},
		{bucket: bucketOwn, sub: "requests", put: raw(bucketOwn, "requests")},
		{bucket: bucketProofs, sub: "nonces", put: raw(bucketProofs, "nonces")},
		{bucket: bucketSeen, nested: true, put: takeSeen},
		{bucket: bucketLate, sub: "order", put: takeLate},
		{bucket: bucketMemory, sub: "values", put: takeMemory},
		{bucket: bucketQuarantine, sub: "items", put: takeQuarantined},
		{bucket: bucketQuarantine, sub: "hashes", put: takeQuarantineHash},
	}
}

// strict decodes what this rotd wrote: of a member that it does not know a bit may have fallen over in the name.
func strict[T any](v []byte) (value T, ok bool) {
	return value, json.Unmarshal(v, &value, json.RejectUnknownMembers(true)) == nil
}

// record takes JSON that says itself under which key it stands.
func record[T any](key func(*T) []byte, put func(*Tx, *T) error) func(tx *Tx, k, v []byte) error {
	return func(tx *Tx, k, v []byte) error {
		value, ok := strict[T](v)
		if !ok || string(key(&value)) != string(k) {
			return errNoEntry
		}
		return put(tx, &value)
	}
}

// text takes JSON as it is.
func text[T any](bucket string) func(tx *Tx, k, v []byte) error {
	return func(tx *Tx, k, v []byte) error {
		if _, ok := strict[T](v); !ok {
			return errNoEntry
		}
		return tx.bucket(bucket).Put(k, v)
	}
}

// raw takes what has nothing to be checked but its size.
func raw(bucket, sub string) func(tx *Tx, k, v []byte) error {
	return func(tx *Tx, k, v []byte) error {
		if sub == "" {
			return tx.bucket(bucket).Put(k, v)
		}
		return tx.sub(bucket, sub).Put(k, v)
	}
}

// takeAudit takes an entry that has the hash it says. Where others are missing before it, verification says so.
func takeAudit(tx *Tx, k, v []byte) error {
	e, ok := strict[audit.Entry](v)
	hash, err := audit.Digest(v)
	if !ok || err != nil || hash != e.Hash || e.Seq != binary.BigEndian.Uint64(k) || e.Schema != audit.Schema {
		return errNoEntry
	}
	return tx.bucket(bucketAudit).Put(k, v)
}

func takeHistory(tx *Tx, k, v []byte) error {
	arn, kind, at := historyKey(k)
	_, isEntry := strict[history.Entry](v)
	_, isDrop := strict[history.Drop](v)
	if arn == "" || kind == "" || at.IsZero() && !isDrop || !at.IsZero() && !isEntry {
		return errNoEntry
	}
	return tx.bucket(bucketHistory).Put(k, v)
}

func takeKeyBaseline(tx *Tx, k, v []byte) error {
	if _, err := baseline.DecodeKey(v); err != nil {
		return errNoEntry
	}
	return errors.Join(tx.sub(bucketBaselines, baselineKeys).Put(k, v), tx.count(totalBaselineBytes, len(v)))
}

func takePrincipalBaseline(tx *Tx, k, v []byte) error {
	if _, err := baseline.DecodePrincipal(v[8:]); err != nil {
		return errNoEntry
	}
	return errors.Join(tx.sub(bucketBaselines, baselinePrincipals).Put(k, v), tx.count(totalPrincipals, 1))
}

// takeUsageName and takeUsageID put both directions, of which either may be lost.
func takeUsageName(tx *Tx, k, v []byte) error {
	return tx.takeUsageName(v[:4], k, v[4:])
}

func takeUsageID(now time.Time) func(tx *Tx, k, v []byte) error {
	today := uint32Bytes(usage.DayOf(usage.HourOf(now)))
	return func(tx *Tx, k, v []byte) error {
		if known := tx.sub(bucketUsage, usageNames).Get(v); known != nil && string(known[:4]) == string(k) {
			return nil
		}
		return tx.takeUsageName(k, v, today)
	}
}

func (tx *Tx) takeUsageName(id, name, day []byte) error {
	ids, names := tx.sub(bucketUsage, usageIDs), tx.sub(bucketUsage, usageNames)
	kind := 0
	for kind < usageKinds && kindName(kind) != string(name[:1]) {
		kind++
	}
	known := ids.Get(id) != nil || names.Get(name) != nil
	if kind == usageKinds || known || binary.BigEndian.Uint32(id) < usage.FirstName {
		return errNoEntry
	}
	return errors.Join(ids.Put(id, name), names.Put(name, slices.Concat(id, day)), tx.count(totalUsageNames(kind), 1))
}

func takeUsage(tx *Tx, k, v []byte) error {
	rec, err := usage.Decode(v)
	if name := tx.sub(bucketUsage, usageIDs).Get(k); err != nil || name == nil || string(name[:1]) != kindName(kindKey) {
		return errNoEntry
	}
	return errors.Join(tx.sub(bucketUsage, usageKeys).Put(k, v), tx.count(totalUsagePairs, rec.Principals()))
}

func takeUsageLog(tx *Tx, k, v []byte) error {
	if usage.DecodeTuples(v, func(*usage.Tuple) bool { return true }) != nil {
		return errNoEntry
	}
	return errors.Join(tx.sub(bucketUsage, usageLog).Put(k, v), tx.count(totalUsageLog, len(v)))
}

func takeAlert(tx *Tx, k, v []byte) error {
	if !jsontext.Value(v).IsValid() {
		return errNoEntry
	}
	return tx.put(bucketOutbox, k, v)
}

func takeSeen(tx *Tx, k, v []byte) error {
	switch {
	case len(k) == 5 && len(v) > 0 && len(v)%shortID == 0 && len(v) <= seenTogether*shortID:
	case len(k) == 4+shortID && len(v) == 0:
		v = present()
	default:
		return errNoEntry
	}
	slice, err := tx.seenSlice(binary.BigEndian.Uint32(k) / sliceSeconds)
	if err != nil {
		return err
	}
	return slice.Put(k, v)
}

func takeLate(tx *Tx, k, v []byte) error {
	ids := tx.sub(bucketLate, "ids")
	if ids.Get(v) != nil {
		return errNoEntry
	}
	return errors.Join(tx.sub(bucketLate, "order").Put(k, v), ids.Put(v, k))
}

func takeMemory(tx *Tx, k, v []byte) error {
	switch len(k) {
	case roomyBytes:
		if err := tx.count(roomTotal(k[:ownerBytes]), 1); err != nil {
			return err
		}
	case roomyBytes - ownerBytes:
	default:
		return errNoEntry
	}
	return errors.Join(tx.sub(bucketMemory, "values").Put(k, v),
		tx.sub(bucketMemory, "expiry").Put(slices.Concat(v[:8], k), present()), tx.count(bucketMemory, 1))
}

func takeQuarantined(tx *Tx, k, v []byte) error {
	q, ok := strict[Quarantined](v)
	if !ok || q.Seq != binary.BigEndian.Uint64(k) {
		return errNoEntry
	}
	hash := q.hash()
	if tx.sub(bucketQuarantine, "hashes").Get(hash[:]) != nil {
		return errNoEntry
	}
	held, err := tx.quarantined()
	held.Items, held.Bytes, held.Hashes = held.Items+1, held.Bytes+len(q.Body), held.Hashes+1
	return errors.Join(err, tx.sub(bucketQuarantine, "items").Put(k, v),
		tx.sub(bucketQuarantine, "hashes").Put(hash[:], slices.Concat(k, stamp(q.At))), tx.setQuarantined(held))
}

// takeQuarantineHash takes the hash of what is in the quarantine no more: it is only counted.
func takeQuarantineHash(tx *Tx, k, v []byte) error {
	hashes := tx.sub(bucketQuarantine, "hashes")
	if hashes.Get(k) != nil {
		return nil
	}
	held, err := tx.quarantined()
	held.Hashes++
	return errors.Join(err, hashes.Put(k, slices.Concat(uint64Bytes(0), v[8:])), tx.setQuarantined(held))
}
