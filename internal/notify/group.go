package notify

import (
	"cmp"
	"slices"
	"time"
)

// Bounds of one message. Together with the bounds of single fields they keep every message under SNS's 256 KiB.
const (
	maxTogether = 7   // alerts in full
	stormFrom   = 21  // groups of one rule at once that are told as one
	maxStorm    = 200 // alerts in one message about a storm, a line each
)

// Group is what goes out as one message: alerts about one key, gravest first, or a storm.
type Group struct {
	Alerts []Alert // never empty
	// Storm says that the same rule fired for so many keys at once that they are named, a line each, instead of told
	// one by one.
	Storm bool
	// Part and Parts number the messages of a storm that needs several, from 1.
	Part, Parts int
}

// GroupAlerts returns what is to be sent now, gravest first: the alerts about one key together, once the oldest of them
// has waited groupWait. The others wait on; see NextDue.
func GroupAlerts(pending []Alert, now time.Time, groupWait time.Duration) []Group {
	var groups []Group
	for _, about := range together(pending) {
		if due(about, now, groupWait).After(now) {
			continue
		}
		slices.SortStableFunc(about, gravestFirst)
		for _, chunk := range inFull(about) {
			groups = append(groups, Group{Alerts: chunk})
		}
	}
	groups = calm(groups)
	slices.SortStableFunc(groups, func(a, b Group) int { return gravestFirst(a.Alerts[0], b.Alerts[0]) })
	return groups
}

// inFull splits alerts into what one message holds in full: an incident takes the room of two.
func inFull(alerts []Alert) (chunks [][]Alert) {
	room := 0
	for i := range alerts {
		takes := 1
		if alerts[i].Incident != nil {
			takes = 2
		}
		if room < takes {
			chunks, room = append(chunks, nil), maxTogether
		}
		last := len(chunks) - 1
		chunks[last], room = append(chunks[last], alerts[i]), room-takes
	}
	return chunks
}

// NextDue is when the first alerts that still wait for others will be due; zero when nothing waits at now.
func NextDue(pending []Alert, now time.Time, groupWait time.Duration) time.Time {
	var next time.Time
	for _, about := range together(pending) {
		if at := due(about, now, groupWait); at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// together sorts alerts by what they are about, in the order of their first.
func together(pending []Alert) [][]Alert {
	index := map[string]int{}
	var groups [][]Alert
	for _, a := range pending {
		about := a.about()
		i, there := index[about]
		if !there {
			i = len(groups)
			index[about] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

// due is when alerts about one thing are to be sent. A clock that went back holds nothing up.
func due(about []Alert, now time.Time, groupWait time.Duration) time.Time {
	oldest := about[0].Created
	for _, a := range about[1:] {
		if a.Created.Before(oldest) {
			oldest = a.Created
		}
	}
	if oldest.After(now) {
		return now
	}
	return oldest.Add(groupWait)
}

// gravestFirst orders alerts: what is over comes after all that is not, then by severity, then by time.
func gravestFirst(a, b Alert) int {
	over := func(a Alert) int {
		if a.Kind == FindingResolved {
			return 1
		}
		return 0
	}
	return cmp.Or(over(a)-over(b), cmp.Compare(b.Severity, a.Severity), a.Created.Compare(b.Created))
}

// calm puts groups led by the same rule and kind together when there are too many to be read one by one.
func calm(groups []Group) []Group {
	type leader struct {
		name string
		kind Kind
	}
	led, count := map[leader][]Alert{}, map[leader]int{}
	by := func(g Group) leader { return leader{stormName(&g.Alerts[0]), g.Alerts[0].Kind} }
	for _, g := range groups {
		count[by(g)]++
		led[by(g)] = append(led[by(g)], g.Alerts...)
	}
	var calmed []Group
	for _, g := range groups {
		l := by(g)
		switch {
		case count[l] < stormFrom || l.kind == InventoryDigest:
			calmed = append(calmed, g)
		case led[l] != nil:
			calmed = append(calmed, storm(led[l])...)
			led[l] = nil
		}
	}
	return calmed
}

func storm(alerts []Alert) []Group {
	slices.SortStableFunc(alerts, gravestFirst)
	parts := (len(alerts) + maxStorm - 1) / maxStorm
	groups := make([]Group, 0, parts)
	for chunk := range slices.Chunk(alerts, maxStorm) {
		groups = append(groups, Group{Alerts: chunk, Storm: true, Part: len(groups) + 1, Parts: parts})
	}
	return groups
}
