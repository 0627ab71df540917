package detection

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func keyMassDestruction() Rule {
	return Rule{
		ID: "key-mass-destruction", Title: "One principal puts key after key out of use",
		Severity: finding.Critical, Mitre: []string{"T1485"},
		Wants: append(destructive(), wants("CreateKey")...), Remembers: true, Params: massParams(),
		PerPrincipal: true, Judge: judgeKeyMassDestruction,
		Doc: Doc{
			Meaning: "Within minutes one principal disabled several keys, scheduled their deletion, took their " +
				"imported material away or locked their owner out. Each can be an accident; together they are " +
				"somebody taking data away from you, or a script that runs wild.",
			Condition: fmt.Sprintf("DisableKey, ScheduleKeyDeletion, DeleteImportedKeyMaterial or a PutKeyPolicy that locks "+
				"the owner out (key-policy-owner-removed), that succeeded, on %d distinct keys or more within %s of event time "+
				"by one principal, in whichever order the events come. A key counts once, whatever was done to it and however "+
				"often. rotd's own calls do not count. One finding for each principal, account and Region, which names the "+
				"keys. MEDIUM as long as fewer than %[1]d of them are keys that somebody else made or that are older than a "+
				"day: whoever tears down what they set up hours ago takes little away.", massParams()[first].Default,
				days(massWindow)),
			Tuning:         "`detections.severity` sets another severity.",
			FalsePositives: "An environment that is torn down after days, a service that is switched off with all its keys.",
			Response: "Take the principal's permissions away first, then undo call by call: cancelled deletions and enabled " +
				"keys are back at once. Each key has a finding of its own with what it needs.",
		},
	}
}

func judgeKeyMassDestruction(c *Context, ev *events.Event) []Found {
	if ev.Failed() || c.Own {
		return nil
	}
	if ev.EventName == "CreateKey" {
		if t := c.policyOwner(ev); t.arn != "" {
			c.Memory.Note(noteMade+t.arn, ev.UserIdentity.PrincipalARN(), ev.EventTime, newlyMade)
		}
		return nil
	}
	d, ok := c.destruction(ev)
	if !ok || d.about.id == "KEY-ID" {
		return nil
	}
	by := ev.UserIdentity.PrincipalARN()
	if by == "" {
		by = "account:" + d.about.account // whoever it was: they are counted together
	}
	key := d.about.id
	if d.about.arn == "" {
		key = d.about.account + "/" + d.about.region + "/" + key
	}
	count, grave := c.Memory.Count("key-mass-destruction\x00"+by, key, ev.EventTime, massWindow), 0
	if made := c.Memory.Noted(noteMade+d.about.arn, ev.EventTime); made == "" || made != by {
		grave = c.Memory.Count("key-mass-destruction\x00"+by+"\x00others", key, ev.EventTime, massWindow)
	}
	hits := noteHit(c.Memory, "keys-hit\x00"+by, hit{at: ev.EventTime, event: ev.EventName, key: d.about.id})
	if count < c.param(first) {
		return nil
	}
	f := c.massDestruction(ev, &d, count, fullestOf(hits, ev.EventTime))
	if grave < c.param(first) {
		f.Milder = finding.Medium
	}
	return one(f)
}

// noteMade is the name under which memory keeps who made a key.
const noteMade = "key-made\x00"

func (c *Context) massDestruction(ev *events.Event, d *destruction, count int, hits []hit) Found {
	region := target{partition: d.about.partition, account: d.about.account, region: d.about.region}
	f := Found{About: region, Remedy: []string{
		"Take the principal's permissions away first, or it goes on. Then give the keys back:",
	}}
	var keys []string
	for _, h := range hits[:min(len(hits), maxListed)] {
		ref := events.KeyRef{ARN: h.key}
		if !strings.HasPrefix(h.key, "arn:") {
			ref = events.KeyRef{Name: h.key}
		}
		t := c.targetOf(ev, ref)
		if len(keys) < maxUndone {
			f.Remedy = append(f.Remedy, t.undo(h.event))
		}
		keys = append(keys, fmt.Sprintf("%s (%s at %s)", t.name(), shown(h.event), stamp(h.at)))
	}
	if more := count - len(keys); more > 0 {
		keys = append(keys, fmt.Sprintf("%d more", more))
	}
	f.Description = sentences(
		fmt.Sprintf("%s put %d keys out of use within %s: %s.", who(ev), count, days(massWindow), strings.Join(keys, ", ")),
		"What they have encrypted is out of reach, or soon will be.")
	f.Remedy = append(f.Remedy, "A key whose deletion was cancelled stays disabled until it is enabled.",
		"rotd findings list")
	return f
}

// hit is a key that was put out of use, for the finding that names them.
type hit struct {
	at         time.Time
	event, key string
}

// maxUndone is how many keys a finding tells how to give back.
const maxUndone = 3

// maxHits is how many fit into a note.
const maxHits = 8

// noteHit adds a key to those a principal hit lately, and returns them all by time. Each is there once.
func noteHit(m Memory, name string, latest hit) []hit {
	var hits []hit
	for line := range strings.Lines(m.Noted(name, latest.at)) {
		if h, ok := parseHit(strings.TrimSuffix(line, "\n")); ok && h.key != latest.key {
			hits = append(hits, h)
		}
	}
	if plain(latest.key) && len(latest.key) <= maxShown/2 {
		hits = append(hits, latest)
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.at.Compare(b.at) })
	hits = hits[max(0, len(hits)-maxHits):]
	var note strings.Builder
	for _, h := range hits {
		fmt.Fprintf(&note, "%d %s %s\n", h.at.Unix(), h.event, h.key)
	}
	m.Note(name, note.String(), latest.at, massWindow+2*disorder)
	return hits
}

func parseHit(line string) (h hit, ok bool) {
	when, rest, _ := strings.Cut(line, " ")
	seconds, err := strconv.ParseInt(when, 10, 64)
	h.at = time.Unix(seconds, 0)
	h.event, h.key, ok = strings.Cut(rest, " ")
	return h, ok && err == nil
}

// fullestOf are those of the window with the most, among the windows that hold a time.
func fullestOf(hits []hit, at time.Time) []hit {
	var most []hit
	for _, first := range hits {
		in := slices.DeleteFunc(slices.Clone(hits), func(h hit) bool {
			return h.at.Before(first.at) || h.at.Sub(first.at) >= massWindow
		})
		if !first.at.After(at) && at.Sub(first.at) < massWindow && len(in) > len(most) {
			most = in
		}
	}
	return most
}
