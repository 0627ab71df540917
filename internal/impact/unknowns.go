package impact

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/keypolicy"
)

const (
	// wanted is how far back an assessment looks.
	wanted = 30 * day
	// quiet is after how long without an event from the key's account and Region that is said.
	quiet = 2 * time.Hour
)

// unknowns says what an assessment cannot know, the gravest first.
func unknowns(f *Facts) []string {
	all := []string{}
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	k := f.Key
	for i := range f.Blinding {
		say("rotd may not hear of calls: %s (%s).", f.Blinding[i].Title, f.Blinding[i].ID)
	}
	if age := f.Now.Sub(f.WatchedSince); age < wanted {
		say("rotd has counted uses for %s only, since %s: who used the key before is not known.", span(age),
			stamp(f.WatchedSince))
	}
	switch {
	case f.LastEvent.IsZero():
		say("No event ever came from account %s in %s: that nobody is seen using the key says nothing.", k.Account, k.Region)
	case f.Now.Sub(f.LastEvent) > quiet:
		say("The newest event from account %s in %s is %s old.", k.Account, k.Region, span(f.Now.Sub(f.LastEvent)))
	}
	if u := k.LastUsage; u != nil && u.At != nil && u.At.Unix() > f.Record.LastUse() {
		say("KMS itself says that the key was used at %s (%s), and no event told of that.", stamp(*u.At), u.Operation)
	}
	all = append(all, unreadable(f)...)
	if len(holdings(f)) == 0 && f.Record.LastUse() > 0 {
		say("No encryption context named a resource: what is under the key is not known.")
	}
	say("Only calls to KMS show. Services keep data keys in memory, S3 Bucket Keys spare S3 most calls, and what nobody " +
		"has read lately shows nowhere.")
	say("Who may use the key through IAM policies, and through other accounts' policies, is not known; only who did.")
	return all
}

// unreadable says which facts about the key are missing.
func unreadable(f *Facts) (all []string) {
	k := f.Key
	switch g := k.Grants; {
	case k.WasDenied("ListGrants"):
		all = append(all, "KMS refuses rotd to list the grants: there may be any.")
	case g == nil:
		all = append(all, "The grants were never listed: there may be any.")
	case g.Count > len(g.List):
		all = append(all, fmt.Sprintf("Only %d of %s grants are kept: `aws kms list-grants` has all.", len(g.List),
			atLeast(g.Count)))
	case f.Now.Sub(g.ReadAt) > day:
		all = append(all, fmt.Sprintf("The grants were listed %s ago.", span(f.Now.Sub(g.ReadAt))))
	}
	if _, err := keypolicy.Parse([]byte(k.Policy)); err != nil || k.WasDenied("GetKeyPolicy") {
		all = append(all, "The key policy could not be read: whom it lets in is not known.")
	}
	if slices.Contains(k.Denied, "ListAliases") {
		all = append(all, "The aliases could not be read.")
	}
	if f.Now.Sub(k.ReadAt) > day {
		all = append(all, fmt.Sprintf("The key was last read %s ago; it may be different by now.", span(f.Now.Sub(k.ReadAt))))
	}
	return all
}

// atLeast is a count of grants: rotd counts no further than 2,000.
func atLeast(n int) string {
	if n >= maxCounted {
		return fmt.Sprintf("more than %d", n)
	}
	return fmt.Sprint(n)
}

// maxCounted is where the reading of grants ends, see inventory.Grants.
const maxCounted = 2_000
