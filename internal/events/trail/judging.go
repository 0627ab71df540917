package trail

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"rotd/internal/events"
)

// KeysOf says whose public keys are needed: those of which Regions, and over which time. Backfills are signed long
// after the time that they are of: up to now.
func (v *Validation) KeysOf(now time.Time) (regions []string, from, to time.Time) {
	for _, j := range v.digests {
		regions = append(regions, j.regions()...)
		if from.IsZero() || j.Start.Before(from) {
			from = j.Start
		}
		if j.end.After(to) {
			to = j.end
		}
		if j.backfill() && now.After(to) {
			to = now
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions), from, to
}

// End judges everything that was taken, by CloudTrail's public keys.
func (v *Validation) End(keys []PublicKey) Validated {
	byFingerprint := make(map[string]*PublicKey, len(keys))
	for i := range keys {
		byFingerprint[keys[i].Fingerprint] = &keys[i]
	}
	v.link()
	for _, j := range inOrder(v.digests) {
		j.judge(byFingerprint)
		v.tell(j)
	}
	v.logs()
	slices.SortFunc(v.result.Verdicts, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Verdict, b.Verdict),
			cmp.Compare(a.Detail, b.Detail))
	})
	return v.result
}

// inOrder goes over a map in the order of its names, so that of too many verdicts always the same are kept.
func inOrder[V any](all map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if !yield(name, all[name]) {
				return
			}
		}
	}
}

// link gives each digest the signature that the next one has of it, and says where chains are broken. It is by that
// signature that a folder can be validated to which S3's metadata was not copied.
func (v *Validation) link() {
	chains := make(map[string][]*judged)
	for _, j := range v.digests {
		chains[j.chain()] = append(chains[j.chain()], j)
	}
	for _, chain := range inOrder(chains) {
		slices.SortFunc(chain, func(a, b *judged) int { return a.end.Compare(b.end) })
		for i, j := range chain {
			place := placeOf(j.Object)
			v.last[place] = later(v.last[place], j)
			if i > 0 {
				j.before = chain[i-1]
			}
			v.follow(j)
		}
	}
}

// follow goes from a digest to the one before.
func (v *Validation) follow(j *judged) {
	previous := v.digests[nameOf(j.Previous)]
	switch {
	case j.Previous == "" && j.before != nil && !j.backfill():
		v.say(OfDigest, j.path, Gap, fmt.Sprintf("a new chain begins: no digest is of %s to %s, when the trail did not log "+
			"or did not make digests", j.before.EndText, j.Start.UTC().Format(time.RFC3339)))
	case j.Previous == "":
	case previous != nil:
		previous.sign(j.PreviousSignature)
	case v.unread[nameOf(j.Previous)]:
	case j.before != nil || !v.days.From.IsZero() && v.days.within(j.Previous):
		v.result.Digests++
		v.absent(OfDigest, j.Previous, "the digest "+path.Base(j.path)+" names it as the one before")
	}
}

// absent says that a file is not among those read: it is missing if everything was tried.
func (v *Validation) absent(kind Kind, file, why string) {
	if v.partial {
		v.say(kind, file, Untried, why+", and not every file there was tried")
		return
	}
	v.say(kind, file, Missing, why)
}

// judge verifies a digest's signature.
func (j *judged) judge(keys map[string]*PublicKey) {
	key := keys[j.Fingerprint]
	switch {
	case j.Algorithm != "" && j.Algorithm != "SHA256withRSA":
		j.integrity, j.detail = KeyUnknown, fmt.Sprintf("it is signed by %q", j.Algorithm)
		return
	case len(j.signatures) == 0:
		j.integrity, j.detail = Unsigned, "its signature is in the metadata of S3's object, which was not kept, and no "+
			"later digest has it"
		return
	case key == nil:
		j.integrity, j.detail = KeyUnknown, "no public key has the fingerprint "+j.Fingerprint
		return
	}
	by, err := key.at(j.end, j.backfill())
	if err != nil {
		j.integrity, j.detail = KeyUnknown, err.Error()
		return
	}
	for _, signature := range j.signatures {
		if err = j.verify(signature, by); err == nil {
			j.integrity = Valid
			return
		}
	}
	j.integrity, j.detail = Altered, err.Error()
}

func (v *Validation) tell(j *judged) {
	v.result.Digests++
	if j.integrity != Valid {
		v.say(OfDigest, j.path, j.integrity, j.detail)
		return
	}
	v.result.ValidDigests++
	if v.result.From.IsZero() || j.Start.Before(v.result.From) {
		v.result.From = j.Start.UTC()
	}
	if j.end.After(v.result.To) {
		v.result.To = j.end.UTC()
	}
}

// logs judges the log files.
func (v *Validation) logs() {
	for _, e := range inOrder(v.named) {
		v.result.Logs += e.read
		switch {
		case e.broken:
		case e.read == 0 && events.HoldsNoCalls(e.object): // which is not read
		case e.read == 0:
			v.result.Logs++
			v.absent(OfLog, e.object, "the digest "+path.Base(e.by.path)+" names it")
		case e.by.integrity == Valid:
			v.result.ValidLogs += e.read
		default:
			v.say(OfLog, e.object, Unproven, "only a digest names it that is "+string(e.by.integrity)+" itself: "+
				path.Base(e.by.path))
		}
	}
	for _, files := range inOrder(v.unnamed) {
		for _, f := range files {
			v.result.Logs++
			verdict, why := v.uncovered(f.path)
			v.say(OfLog, f.path, verdict, why)
		}
	}
}

// uncovered judges a log file that no digest names. The digest of the last hour comes later.
func (v *Validation) uncovered(file string) (verdict Integrity, why string) {
	place := placeOf(file)
	last, delivered := v.last[place], deliveredAt(file)
	switch {
	case v.partial || v.unread[place]:
		return Unproven, "no digest names it that was read, and not every one was"
	case last == nil || delivered == "" || delivered < last.end.UTC().Format(deliveryLayout):
		return Uncovered, "no digest names it"
	}
	return Uncovered, "it was delivered after the last digest, which ends at " + last.EndText
}

// deliveryLayout is that of the time in a log file's name.
const deliveryLayout = "20060102T1504Z"

// deliveredAt is the time in a log file's name; "" where it is not named as CloudTrail names them.
func deliveredAt(file string) string {
	parts := strings.Split(nameOf(file), "_") // <account>_CloudTrail_<Region>_<time>_<random>.json
	if len(parts) != 5 {
		return ""
	}
	return parts[3]
}

// placeOf is the account and Region that a log file or digest is of; "" where its name does not tell.
func placeOf(file string) string {
	parts := strings.Split(nameOf(file), "_")
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "/" + parts[2]
}

func later(a, b *judged) *judged {
	if a == nil || b.end.After(a.end) {
		return b
	}
	return a
}
