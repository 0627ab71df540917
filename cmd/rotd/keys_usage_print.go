package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rotd/internal/admin"
	"rotd/internal/usage"
)

// mostShown is how many principals a table has with details; CSV and JSON have all.
const mostShown = 20

func (c *cli) printUsage(u *admin.KeyUsage) {
	now, name := c.now(), u.Alias
	if name == "" {
		name = u.KeyARN
	}
	fmt.Fprintf(c.out, "%s  used since %s\n\n", c.styled(bold, clean(name)), stamp(u.From))
	c.field("ARN", u.KeyARN)
	c.field("calls", callsText(u))
	c.field("first use", firstUseText(now, u))
	c.field("last use", latestText(now, u))
	c.field("KMS itself", kmsText(now, u))
	if u.WatchedSince.After(u.From) {
		c.field("NOTE", "rotd has watched since "+both(now, u.WatchedSince)+" only: of what was before it knows nothing.")
	}
	if u.Calls == 0 {
		return
	}
	fmt.Fprintln(c.out)
	c.printCounts(u)
	c.printPrincipals(u)
	c.printServices(u)
	c.printContexts(u)
	c.printAliases(u)
}

func callsText(u *admin.KeyUsage) string {
	switch {
	case u.Calls == 0:
		return "none that events told of"
	case u.Others != nil:
		return fmt.Sprintf("%d by more than %d principals", u.Calls, len(u.Principals))
	}
	return fmt.Sprintf("%d by %s", u.Calls, plural(len(u.Principals), "principal", "principals"))
}

func firstUseText(now time.Time, u *admin.KeyUsage) string {
	if u.FirstUse.IsZero() {
		return ""
	}
	return both(now, u.FirstUse) + ", as far as it is known"
}

func latestText(now time.Time, u *admin.KeyUsage) string {
	switch u.LatestFrom {
	case "kms":
		return both(now, u.LatestUse) + ", as KMS says; events told of none that late"
	case "events":
		return both(now, u.LatestUse) + ", as events tell"
	}
	return "none that is known"
}

// kmsText is what KMS's own record says.
func kmsText(now time.Time, u *admin.KeyUsage) string {
	k := u.KMS
	switch {
	case k == nil:
		return "not asked (GetKeyLastUsage)"
	case k.At == nil:
		return fmt.Sprintf("no use since it began to track on %s; asked %s", stamp(k.TrackedSince), ago(now, k.ReadAt))
	}
	return fmt.Sprintf("last use %s by %s, tracked since %s; asked %s", both(now, *k.At), k.Operation,
		k.TrackedSince.UTC().Format(time.DateOnly), ago(now, k.ReadAt))
}

// printCounts draws calls over time.
func (c *cli) printCounts(u *admin.KeyUsage) {
	counts := make([]uint64, len(u.Counts))
	for i := range counts {
		counts[i] = u.Counts[i].Calls
	}
	ch, perBar := newChart(counts, c.columns()-2, c.ascii())
	layout, last := time.DateOnly, u.Counts[len(u.Counts)-1].At
	if u.By == "hour" {
		layout = "01-02 15:04Z"
	}
	each := u.By
	if perBar > 1 {
		each = fmt.Sprintf("%d %ss", perBar, u.By)
	}
	fmt.Fprintln(c.out, c.styled(dim, "  calls each "+each))
	for _, line := range ch.lines(u.From.Format(layout), last.Format(layout)) {
		fmt.Fprintln(c.out, "  "+line)
	}
}

func (c *cli) printPrincipals(u *admin.KeyUsage) {
	c.heading("Principals")
	now, all := c.now(), principals(u)
	shown := all[:min(len(all), mostShown)]
	printTable(c, c.out, principalListing(now, u).columns, shown)
	if len(shown) < len(all) {
		hint(c.err, "%d more: -o csv and -o json have all.", len(all)-len(shown))
	}
	c.heading("What they do")
	for i := range shown {
		c.printDetails(&shown[i])
	}
}

// printDetails says from where and how a principal calls.
func (c *cli) printDetails(p *usage.Principal) {
	fmt.Fprintf(c.out, "  %s\n", clean(cut(principalText(*p), max(c.columns()-2, least))))
	for _, set := range []struct {
		label, what string
		members     []string
	}{
		{"operations", "", p.Operations},
		{"networks", "networks", p.Networks},
		{"services", "services", p.Services},
		{"contexts", "contexts", p.Contexts},
	} {
		text := strings.Join(set.members, ", ")
		if slices.Contains(p.More, set.what) {
			text += " and others before"
		}
		c.field("  "+set.label, text)
	}
}

func (c *cli) printServices(u *admin.KeyUsage) {
	if len(u.Services) == 0 {
		return
	}
	type s = usage.Service
	c.heading("Through services")
	printTable(c, c.out, []column[s]{
		{title: "SERVICE", flex: true, value: func(x s) string { return orOthers(x.Name) }},
		{title: "CALLS", right: true, value: func(x s) string { return strconv.FormatUint(x.Calls, 10) }},
		{title: "SHARE", right: true, value: func(x s) string { return shareText(x.Calls, u.Calls) }},
		{title: "LAST HOUR", value: func(x s) string { return hourText(x.LastHour) }},
	}, u.Services)
}

func (c *cli) printContexts(u *admin.KeyUsage) {
	if len(u.Contexts) == 0 {
		return
	}
	type x = usage.Context
	c.heading("Encryption contexts, by their names")
	printTable(c, c.out, []column[x]{
		{title: "NAMES", flex: true, value: func(x x) string { return orOthers(strings.Join(x.Names, ", ")) }},
		{title: "CALLS", right: true, value: func(x x) string { return strconv.FormatUint(x.Calls, 10) }},
		{title: "SHARE", right: true, value: func(x x) string { return shareText(x.Calls, u.Calls) }},
		{title: "VALUES", right: true, value: distinctText},
		{title: "LAST HOUR", value: func(x x) string { return hourText(x.LastHour) }},
	}, u.Contexts)
}

// printAliases says who would notice if an alias went.
func (c *cli) printAliases(u *admin.KeyUsage) {
	if len(u.Aliases) == 0 {
		return
	}
	type a = usage.ByAlias
	c.heading("By alias")
	printTable(c, c.out, []column[a]{
		{title: "ALIAS", flex: true, value: func(x a) string { return x.Alias }},
		{title: "PRINCIPAL", flex: true, value: func(x a) string { return shortPrincipal(x.Principal) }},
		{title: "LAST HOUR", value: func(x a) string { return hourText(x.LastHour) }},
	}, u.Aliases)
	if u.MoreAliases {
		hint(c.err, "There are more: rotd keeps the %d used last.", usage.MaxAliases)
	}
}

// distinctText is about how many contexts there are; few are counted nearly exactly.
func distinctText(x usage.Context) string {
	switch {
	case x.AtLeast:
		return fmt.Sprintf(">%d", x.Distinct)
	case x.Distinct > 5:
		return fmt.Sprintf("~%d", x.Distinct)
	}
	return strconv.Itoa(x.Distinct)
}

func orOthers(name string) string {
	if name == "" {
		return "others"
	}
	return name
}

func hourText(hour time.Time) string { return hour.UTC().Format("2006-01-02 15:00Z") }
