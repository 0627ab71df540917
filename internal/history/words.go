package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/inventory"
	"rotd/internal/keypolicy"
)

// words say a change in one sentence without its end.
func (e *Entry) words() string {
	switch e.Kind {
	case State:
		return "state " + or(text(e.Before), "none") + " → " + or(text(e.After), "none")
	case Description:
		return "description " + or(text(e.Before), "none") + " → " + or(text(e.After), "none")
	case Deletion:
		return dated(e, "deletion is no longer scheduled", "deletion is scheduled for")
	case ValidTo:
		return dated(e, "the imported material has no end any more", "the imported material expires")
	case Gone:
		return dated(e, "KMS knows the key again", "KMS no longer knows the key, since")
	case Material:
		return "current key material " + or(text(e.Before), "none") + " → " + or(text(e.After), "none")
	case MultiRegion:
		return regionsWords(e)
	case OrgPath:
		return "organization path " + or(text(e.Before), "not known") + " → " + or(text(e.After), "not known")
	case Aliases:
		return aliasWords(e)
	case Tags:
		return tagWords(e)
	case Policy:
		return policyWords(text(e.Before), text(e.After))
	case Denied:
		return deniedWords(e)
	case Schedule:
		return "automatic rotation " + scheduleWords(e.Before) + " → " + scheduleWords(e.After)
	case Grants:
		return grantWords(e)
	case Rotations, Created, FirstSeen, Rotated, Reported, Dropped:
	}
	return string(e.Kind)
}

// firstWords say what the first reading showed, which everything after is compared with.
func firstWords(k *inventory.Key, kept *Kept) string {
	const first = "rotd read the key for the first time"
	past, err := AsOf(k, kept, k.FirstRead)
	if err != nil {
		return first
	}
	parts := []string{first, or(past.Key.State, "state unknown")}
	if past.Key.Rotation != nil {
		parts = append(parts, "automatic rotation "+scheduleWords(encode(automatic(&past.Key))))
	}
	if len(past.Key.Aliases) > 0 {
		parts = append(parts, listed(past.Key.Aliases))
	}
	return parts[0] + ": " + strings.Join(parts[1:], ", ")
}

// text is a JSON string's value.
func text(raw jsontext.Value) (s string) {
	_ = decode(raw, &s) // another value is shown as none
	return s
}

func dated(e *Entry, none, some string) string {
	var at *time.Time
	if _ = decode(e.After, &at); at == nil {
		return none
	}
	return some + " " + stamp(*at)
}

// Lists are what came and what went with a change of a list.
func (e *Entry) Lists() (came, went []string) {
	var before, after []string
	_, _ = decode(e.Before, &before), decode(e.After, &after)
	equal := func(a, b string) bool { return a == b }
	return lacking(after, before, equal), lacking(before, after, equal)
}

func aliasWords(e *Entry) string {
	came, went := e.Lists()
	var parts []string
	for _, alias := range came {
		part := shown(alias) + " added"
		if from := e.otherKey(alias, func(m Move) string { return m.From }); from != "" {
			part += ", taken from " + shown(from)
		}
		parts = append(parts, part)
	}
	for _, alias := range went {
		part := shown(alias) + " removed"
		if to := e.otherKey(alias, func(m Move) string { return m.To }); to != "" {
			part += ", moved to " + shown(to)
		}
		parts = append(parts, part)
	}
	return "aliases: " + few(parts)
}

// otherKey is the key an alias came from or went to, as far as known.
func (e *Entry) otherKey(alias string, end func(Move) string) string {
	for _, m := range e.Moves {
		if m.Alias == alias {
			return end(m)
		}
	}
	return ""
}

func tagWords(e *Entry) string {
	var before, after map[string]string
	_, _ = decode(e.Before, &before), decode(e.After, &after)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if old, had := before[name]; !had {
			parts = append(parts, shown(name)+"="+shown(after[name])+" added")
		} else if old != after[name] {
			parts = append(parts, shown(name)+" "+shown(old)+" → "+shown(after[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, has := after[name]; !has {
			parts = append(parts, shown(name)+"="+shown(before[name])+" removed")
		}
	}
	return "tags: " + few(parts)
}

func few(parts []string) string {
	if more := len(parts) - maxListed; more > 0 {
		parts = append(parts[:maxListed:maxListed], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

func deniedWords(e *Entry) string {
	came, went := e.Lists()
	var parts []string
	if len(came) > 0 {
		parts = append(parts, "KMS refuses rotd "+listed(came)+": what that tells is not known from here on")
	}
	if len(went) > 0 {
		parts = append(parts, "KMS allows rotd "+listed(went)+" again")
	}
	return strings.Join(parts, "; ")
}

func scheduleWords(raw jsontext.Value) string {
	var a *Automatic
	switch _ = decode(raw, &a); {
	case a == nil:
		return "none"
	case a.Unknown:
		return "unknown"
	case !a.Enabled:
		return "off"
	}
	return fmt.Sprintf("every %d days", a.PeriodDays)
}

func regionsWords(e *Entry) string {
	var before, after Regions
	_, _ = decode(e.Before, &before), decode(e.After, &after)
	var parts []string
	if before.Role != after.Role {
		parts = append(parts, "role "+or(before.Role, "none")+" → "+or(after.Role, "none"))
	}
	if before.Primary != after.Primary {
		parts = append(parts, "primary "+or(before.Primary, "none")+" → "+or(after.Primary, "none"))
	}
	equal := func(a, b string) bool { return a == b }
	if came := lacking(after.Replicas, before.Replicas, equal); len(came) > 0 {
		parts = append(parts, "replicas added: "+listed(came))
	}
	if went := lacking(before.Replicas, after.Replicas, equal); len(went) > 0 {
		parts = append(parts, "replicas removed: "+listed(went))
	}
	return "multi-Region " + strings.Join(parts, "; ")
}

func grantWords(e *Entry) string {
	var before, after GrantSet
	_, _ = decode(e.Before, &before), decode(e.After, &after)
	parts := []string{fmt.Sprintf("%d → %d", before.Count, after.Count)}
	grantees := func(grants []inventory.Grant) (all []string) {
		for i := range grants {
			all = append(all, grants[i].Grantee)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	if len(after.Only) > 0 {
		parts = append(parts, "added for "+listed(grantees(after.Only)))
	}
	if len(before.Only) > 0 {
		parts = append(parts, "removed for "+listed(grantees(before.Only)))
	}
	if after.InPart {
		parts = append(parts, "which ones is not known")
	}
	return "grants " + strings.Join(parts, "; ")
}

// policyWords say what changed in a key policy, statement by statement, where both can be understood.
func policyWords(before, after string) string {
	switch {
	case before == "":
		return "key policy was read for the first time"
	case after == "":
		return "key policy is empty"
	}
	old, errOld := keypolicy.Parse([]byte(before))
	updated, errNew := keypolicy.Parse([]byte(after))
	switch {
	case errNew != nil:
		return "key policy changed to one that cannot be understood"
	case errOld != nil:
		return "key policy changed from one that could not be understood"
	}
	var parts []string
	for _, c := range keypolicy.Diff(old, updated) {
		parts = append(parts, c.Text)
	}
	if len(parts) == 0 {
		return "key policy: its text changed, what it allows did not"
	}
	return "key policy: " + few(parts)
}
