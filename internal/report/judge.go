package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/cost"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
)

// Facts are what is known of one key, as the state has it.
type Facts struct {
	Context *detection.KeyContext // the key and what checks want to know around it, its policy too
	Open    []finding.Finding     // open findings about the key; only in the pass that writes rows
	EventID string                // CloudTrail's id of the last rotation; "" when none is known
	Moves   []reencrypt.Move      // what was moved from the key to others; only in the pass that writes rows
	// Except is the exception that lets the key off a check on the day of the report; nil: none has any.
	Except func(check string) *policy.Exception
}

// Judging is what keys are judged by.
type Judging struct {
	Now    time.Time     // of the report
	Fresh  time.Duration // older facts call nothing in order
	Judge  *detection.Judge
	Prices cost.Prices
}

const (
	maxRotations = 8   // shown of one key
	maxFindings  = 8   // likewise
	maxTag       = 120 // runes of an owner's name
)

// rotationChecks are about the age and schedule of the material.
const rotationChecks = "rotation-"

// row judges a key on what is known of it.
func (j *Judging) row(f *Facts) Row {
	k, p := f.Context.Key, f.Context.Policy
	r := Row{
		ARN: k.ARN, ID: k.ID, Partition: k.Partition, Account: k.Account, Region: k.Region, OrgPath: k.OrgPath,
		State: k.State, Spec: k.Spec, Usage: k.Usage, Origin: k.Origin, Manager: k.Manager, MultiRegion: k.MultiRegion,
		Created: k.Created, LastUse: f.Context.LastUse, Cost: j.Prices.Of(k),
		ReadAt: k.ReadAt, RefusedAt: k.RefusedAt, FullAt: k.FullAt, Denied: k.Denied,
	}
	if len(k.Aliases) > 0 {
		r.Alias = k.Aliases[0]
	}
	if p != nil {
		r.Policy = p.Name
		r.Cryptoperiod = &Cryptoperiod{
			MaxAgeDays: int(p.Rotation.MaxAge / day), AutomaticDays: p.Rotation.PeriodDays(),
			Method: string(p.Rotation.Method), Rationale: p.Rotation.Rationale,
		}
		r.Owner, r.Custodian = firstTag(k, p.OwnerTags), firstTag(k, p.CustodianTags)
	}
	j.rotation(&r, f, p)
	j.old(&r)
	j.verdicts(&r, f)
	r.Outcome = overall(&r)
	r.Evidence = evidence(f)
	for i := range f.Open[:min(len(f.Open), maxFindings)] {
		o := &f.Open[i]
		r.Findings = append(r.Findings, Open{
			ID: o.ID, Rule: o.RuleID, Severity: o.Severity, Title: o.Title, Since: o.FirstSeen,
		})
	}
	return r
}

const day = 24 * time.Hour

// rotation fills in what is known of the material's age and schedule. A replica's material is its primary's.
func (j *Judging) rotation(r *Row, f *Facts, p *policy.Policy) {
	k := f.Context.Key
	if k.MultiRegion == "REPLICA" {
		r.RotatesWith = k.PrimaryARN
		if k = f.Context.Primary; k == nil {
			return
		}
	}
	if s := k.Rotation; s != nil && !k.WasDenied("GetKeyRotationStatus") {
		on := s.Enabled
		r.Automatic, r.PeriodDays, r.Next = &on, s.PeriodDays, s.Next
	}
	if !datedMaterial(k) {
		return
	}
	at, ever := k.LastRotated()
	if ever {
		r.LastRotated, r.LastType = &at, k.Rotation.History[len(k.Rotation.History)-1].Type
	}
	if !at.IsZero() {
		age := int(j.Now.Sub(at) / day)
		r.AgeDays = &age
		if p != nil && p.Rotation.MaxAge > 0 {
			due := at.Add(p.Rotation.MaxAge)
			r.Due = &due
		}
	}
}

// datedMaterial reports whether it is known when the key got its material: of a key that can rotate only when its
// rotations were listed, of others it is their creation.
func datedMaterial(k *inventory.Key) bool {
	if k.Rotation != nil && !k.Rotation.HistoryAt.IsZero() {
		return true
	}
	symmetric := k.Spec == "SYMMETRIC_DEFAULT" || k.Spec == ""
	return !symmetric || k.Origin != "AWS_KMS" && k.Origin != "EXTERNAL"
}

// old says why the key's facts are too old to call anything in order.
func (j *Judging) old(r *Row) {
	if slices.Contains(r.Denied, "DescribeKey") {
		r.old = fmt.Sprintf("KMS refused at %s to describe the key to rotd; it was last read %s", stamp(r.RefusedAt),
			stampOr(r.ReadAt))
		return
	}
	if age := j.Now.Sub(r.ReadAt); age > j.Fresh {
		r.old = fmt.Sprintf("the key was last read at %s, %s before this report", stamp(r.ReadAt), span(age))
	}
}

// verdicts lets the loaded checks judge the key on what is known.
func (j *Judging) verdicts(r *Row, f *Facts) {
	c := *f.Context
	c.Now = j.Now
	judged, panics := j.Judge.Key(&c, true)
	r.Checks = make([]Verdict, 0, len(judged)+len(panics))
	for _, panicked := range panics {
		r.Checks = append(r.Checks, Verdict{
			Check: panicked.RuleID, Outcome: Unverifiable, Reason: "the check failed inside rotd",
		})
	}
	for i := range judged {
		v := j.verdict(r, f, &judged[i])
		if v.Outcome == Drift || v.Outcome == NoPolicy {
			f.letOff(r, &v)
		}
		r.Checks = append(r.Checks, v)
	}
}

func (j *Judging) verdict(r *Row, f *Facts, judged *detection.Judged) Verdict {
	v := Verdict{Check: judged.Check.ID, Reason: judged.Verdict.Reason, title: judged.Check.Title}
	switch judged.Verdict.Result {
	case detection.InOrder:
		v.Outcome = InOrder
	case detection.Unverifiable:
		v.Outcome = Unverifiable
		if v.Check == "rotation-overdue" && j.youngAnyway(f) {
			v.Outcome = InOrder
			v.Reason = fmt.Sprintf("the material is at most %d days old, and the policy allows %d", *r.AgeDays,
				r.Cryptoperiod.MaxAgeDays)
		}
	case detection.Drift:
		drift(r, &v, f.Context.Key, &judged.Verdict.Finding)
	case detection.NotJudged:
		v.Outcome = NotJudged
	}
	if why := j.tooOld(r, judged.Check.Whole); why != "" && v.Outcome == InOrder {
		v.Outcome, v.Reason = Unverifiable, why
	}
	return v
}

// drift says what a check found: two of them tell not of something wrong, but of something that is not known.
func drift(r *Row, v *Verdict, k *inventory.Key, f *finding.Finding) {
	severity := f.Severity
	v.Outcome, v.Severity, v.description, v.remedy = Drift, &severity, f.Description, f.Remedy
	if v.Check == "rotation-overdue" && r.AgeDays != nil && r.Cryptoperiod != nil {
		v.Reason += fmt.Sprintf(": %d days old, of %d", *r.AgeDays, r.Cryptoperiod.MaxAgeDays)
	}
	switch v.Check {
	case "key-unverifiable":
		v.Outcome = Unverifiable
		if len(k.Denied) > 0 {
			v.Reason += ": it refused " + strings.Join(k.Denied, ", ")
		}
	case "key-unmanaged":
		v.Outcome = NoPolicy
	}
}

// youngAnyway reports whether the material is young enough whatever happened after its rotations were last listed:
// since then it can only have become younger. (Sweeps list rotations less often than they read the status.)
func (j *Judging) youngAnyway(f *Facts) bool {
	k, p := f.Context.Key, f.Context.Policy
	if p == nil || p.Rotation.MaxAge == 0 || k.Rotation == nil || k.Rotation.HistoryAt.IsZero() ||
		k.WasDenied("ListKeyRotations") {
		return false
	}
	at, _ := k.LastRotated()
	return !at.IsZero() && j.Now.Sub(at) <= p.Rotation.MaxAge+f.Context.Grace
}

// tooOld says why what a check found in order is not called so.
func (j *Judging) tooOld(r *Row, whole bool) string {
	switch {
	case whole && r.FullAt.IsZero():
		return "the key was never read whole"
	case whole && j.Now.Sub(r.FullAt) > j.Fresh:
		return fmt.Sprintf("the key was last read whole at %s, %s before this report", stamp(r.FullAt),
			span(j.Now.Sub(r.FullAt)))
	}
	return r.old
}

// letOff notes that an exception lets the key off a check, if one does.
func (f *Facts) letOff(r *Row, v *Verdict) {
	if f.Except == nil {
		return
	}
	e := f.Except(v.Check)
	if e == nil {
		return
	}
	v.Outcome, v.Exception = Excepted, e.Name
	for i := range r.Excepted {
		if r.Excepted[i].Name == e.Name {
			r.Excepted[i].Checks = append(r.Excepted[i].Checks, v.Check)
			return
		}
	}
	r.Excepted = append(r.Excepted, Exception{
		Name: e.Name, Checks: []string{v.Check}, Author: e.Author, Approver: e.Approver, Reason: e.Reason,
		Expires: e.Expires,
	})
}

// overall is the gravest outcome. A key is in order only when a check of its rotation says so: that nothing else is
// wrong with it does not prove that its material is young.
func overall(r *Row) Outcome {
	gravest, rotates := NotJudged, NotJudged
	for i := range r.Checks {
		v := &r.Checks[i]
		gravest = worst(gravest, v.Outcome)
		if strings.HasPrefix(v.Check, rotationChecks) {
			rotates = worst(rotates, v.Outcome)
		}
	}
	if gravest == InOrder {
		return rotates
	}
	return gravest
}

// evidence is what shows when the material was changed, the newest first.
func evidence(f *Facts) Evidence {
	k := f.Context.Key
	e := Evidence{
		Source: "ListKeyRotations", EventID: f.EventID, CurrentMaterial: k.CurrentMaterial, ReEncrypted: f.Moves,
	}
	r := k.Rotation
	if r == nil || r.HistoryAt.IsZero() {
		e.Source = "DescribeKey" // only the creation and the current material are known
		if !k.ReadAt.IsZero() {
			e.ReadAt = &k.ReadAt
		}
		return e
	}
	e.ReadAt, e.Count = &r.HistoryAt, len(r.History)
	for _, h := range slices.Backward(r.History) {
		if len(e.Rotations) == maxRotations {
			break
		}
		e.Rotations = append(e.Rotations, Rotated{At: h.At, Type: h.Type, Material: h.Material})
	}
	return e
}

// firstTag is the value of the first of the tag keys that the key has.
func firstTag(k *inventory.Key, names []string) string {
	for _, name := range names {
		if value := k.Tags[name]; value != "" {
			if runes := []rune(value); len(runes) > maxTag {
				value = string(runes[:maxTag]) + "…"
			}
			return value
		}
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// span is a duration in words.
func span(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
