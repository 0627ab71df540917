package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"rotd/internal/suggest"
)

// Names are what filters may name. A name that is none of them and matches nothing is an error: an empty list would
// reassure whoever mistyped it.
type Names struct {
	Rules    []string // rules, checks and what rotd finds about itself
	Places   []Place
	Policies []string
}

// Place is an account and Region that is looked after.
type Place struct {
	Account, Region string
}

// keyStates are KMS's words.
func keyStates() []string {
	return []string{
		"Creating", "Disabled", "Enabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion", "Unavailable",
		"Updating",
	}
}

// filter has what a query names; "" filters nothing.
type filter struct {
	rule, key, account, region, state, policy string
}

// pageOf asks for a page. A list that has nothing at all in it is an error when check says that its filter names what
// is not there; something that is no longer there and has left rows is none.
func pageOf[T any](r Range, ask func(Range) (Page[T], error), check func() error) (Page[T], error) {
	page, err := ask(r)
	if err != nil || len(page.Items) > 0 || r.After != "" {
		return page, err
	}
	unknown := check()
	if unknown == nil {
		return page, nil
	}
	for err == nil && len(page.Items) == 0 && page.Next != "" {
		r.After = page.Next
		page, err = ask(r)
	}
	if err == nil && len(page.Items) == 0 {
		err = unknown
	}
	return page, err
}

// checkNames says which of a filter's names is not there.
func (s *Server) checkNames(ctx context.Context, f filter) error {
	if f.key != "" {
		// A name of several keys is one that is there.
		if _, err := s.backend.Key(ctx, f.key); err != nil && !errors.Is(err, ErrAmbiguous) {
			return err
		}
	}
	known, err := s.backend.Names(ctx)
	if err != nil {
		return err
	}
	return known.check(f)
}

func (n *Names) check(f filter) error {
	is := func(name, value string) bool { return value == "" || strings.EqualFold(name, value) }
	isPlace := func(p Place) bool { return is(p.Account, f.account) && is(p.Region, f.region) }
	switch {
	case f.rule != "" && !slices.Contains(n.Rules, f.rule):
		near := suggest.DidYouMean(f.rule, n.Rules)
		if near == "" {
			near = "; `rotd detections list` has them all"
		}
		return invalid("rule: %q is no rule or check of this version%s", f.rule, near)
	case f.account+f.region != "" && !slices.ContainsFunc(n.Places, isPlace):
		return invalid("%s is not among the configured accounts and Regions: %s", placeText(f.account, f.region),
			n.places())
	case !slices.ContainsFunc(keyStates(), func(state string) bool { return is(state, f.state) }):
		return invalid("state: %q is none of %s", f.state, strings.Join(keyStates(), ", "))
	case f.policy != "" && !slices.Contains(n.Policies, f.policy):
		return invalid("policy: no policy %q is configured; there are: %s", f.policy, strings.Join(n.Policies, ", "))
	}
	return nil
}

func placeText(account, region string) string {
	switch {
	case account == "":
		return "region " + region
	case region == "":
		return "account " + account
	}
	return account + "/" + region
}

// places lists the first of them.
func (n *Names) places() string {
	const most = 20
	var all []string
	for i, p := range n.Places {
		if i == most {
			all = append(all, "…")
			break
		}
		all = append(all, p.Account+"/"+p.Region)
	}
	return strings.Join(all, ", ")
}
