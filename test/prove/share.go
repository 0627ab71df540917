package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os/exec"
	"slices"
	"strings"
)

// shareOf picks one in share of the breaks, the same for the same commit and others for another: a check of minutes
// gets around to all of them within some commits.
func shareOf(breaks []breakage, share int, commit string) []breakage {
	place := func(b breakage) uint64 {
		h := fnv.New64a()
		fmt.Fprint(h, commit, b.file)
		return h.Sum64()
	}
	drawn := slices.SortedFunc(slices.Values(breaks), func(a, b breakage) int {
		return cmp.Compare(place(a), place(b))
	})[:(len(breaks)+share-1)/share]
	slices.SortFunc(drawn, func(a, b breakage) int { return strings.Compare(a.file, b.file) })
	return drawn
}

// takes tells which breaks no longer apply to the tree.
func (t tree) takes(ctx context.Context, breaks []breakage) error {
	var stale []error
	for _, b := range breaks {
		if err := t.apply(ctx, b.patch, "--check"); err != nil {
			stale = append(stale, fmt.Errorf("%s: %w", b.file, err))
		}
	}
	return errors.Join(stale...)
}

// commitOf is the commit that is checked out at root; "" when there is none yet.
func commitOf(ctx context.Context, root string) string {
	head := exec.CommandContext(ctx, "git", "rev-parse", "--verify", "--quiet", "HEAD")
	head.Dir = root
	out, err := head.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
