package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Laxer says in what a policy asks less of a key than the one it had, nothing when in nothing. One thing suffices: what
// is stricter elsewhere makes up for none. The order is that of the answer:
//
//  1. no policy at all
//  2. a longer max_age, or none
//  3. a longer period of automatic rotation, or none
//  4. method none
//  5. a weaker mode
//  6. principals allowed that were not; no list allows everybody
//  7. networks and VPC endpoints allowed that were not; no list allows every one
//  8. responses dropped, or with another action
//  9. a longer unused_after, or none
//
// No policy asks less than any, and nothing is laxer than none.
func Laxer(had, gets *Policy) []string {
	switch {
	case had == nil:
		return nil
	case gets == nil:
		return []string{"no policy: nothing is asked of the key"}
	}
	var laxer []string
	add := func(what string) {
		if what != "" {
			laxer = append(laxer, what)
		}
	}
	add(longer("max_age", had.Rotation.MaxAge, gets.Rotation.MaxAge))
	add(longer("automatic", had.Rotation.Automatic, gets.Rotation.Automatic))
	if had.Rotation.Method != None && gets.Rotation.Method == None {
		add(fmt.Sprintf("method none instead of %s", had.Rotation.Method))
	}
	if gets.Mode.rank() < had.Mode.rank() {
		add(fmt.Sprintf("mode %s instead of %s", gets.Mode, had.Mode))
	}
	add(morePrincipals(had.Allow, gets.Allow))
	add(moreNetworks(had, gets))
	for _, r := range had.Respond {
		if !slices.Contains(gets.Respond, r) {
			add("no " + r.String())
		}
	}
	add(longer("unused_after", had.UnusedAfter, gets.UnusedAfter))
	return laxer
}

// longer compares durations of which 0 is none.
func longer(what string, had, gets time.Duration) string {
	switch {
	case had == 0 || gets != 0 && gets <= had:
		return ""
	case gets == 0:
		return fmt.Sprintf("no %s instead of %s", what, Days(had))
	}
	return fmt.Sprintf("%s %s instead of %s", what, Days(gets), Days(had))
}

func morePrincipals(had, gets []string) string {
	switch {
	case len(had) == 0:
		return ""
	case len(gets) == 0:
		return "no principals.allow: nobody is out of place"
	}
	more := slices.DeleteFunc(slices.Clone(gets), func(pattern string) bool { return coveredBy(had, pattern) })
	if len(more) == 0 {
		return ""
	}
	return "principals allowed besides: " + strings.Join(more, ", ")
}

// coveredBy reports whether one of the patterns surely matches whatever another one does.
func coveredBy(patterns []string, other string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		// A * in the other is matched by a * only, or else by ?, which would match less than it stands for.
		return p == other || Glob(p, other) && (!strings.Contains(p, "?") || !strings.Contains(other, "*"))
	})
}

func moreNetworks(had, gets *Policy) string {
	switch {
	case len(had.Networks)+len(had.VPCEs) == 0:
		return ""
	case len(gets.Networks)+len(gets.VPCEs) == 0:
		return "no networks.allow: no network is out of place"
	}
	var more []string
	for _, prefix := range gets.Networks {
		if !slices.ContainsFunc(had.Networks, func(p netip.Prefix) bool {
			return p.Bits() <= prefix.Bits() && p.Contains(prefix.Addr())
		}) {
			more = append(more, prefix.String())
		}
	}
	for _, endpoint := range gets.VPCEs {
		if !slices.Contains(had.VPCEs, endpoint) {
			more = append(more, endpoint)
		}
	}
	if len(more) == 0 {
		return ""
	}
	return "networks allowed besides: " + strings.Join(more, ", ")
}

// Days writes a duration as policies do: in days where it is whole ones.
func Days(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}
