package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestEveryBreakIsInSomeCommitsShare(t *testing.T) {
	breaks := make([]breakage, 10)
	for i := range breaks {
		breaks[i].file = fmt.Sprintf("%d.patch", i)
	}
	seen := map[string]bool{}
	for commit := range 40 {
		share := shareOf(breaks, 4, fmt.Sprintf("%040x", commit))
		if len(share) != 3 {
			t.Fatalf("a fourth of 10 is %d breaks, want 3", len(share))
		}
		if again := shareOf(breaks, 4, fmt.Sprintf("%040x", commit)); fmt.Sprint(again) != fmt.Sprint(share) {
			t.Errorf("commit %d has the shares %v and %v", commit, share, again)
		}
		for _, b := range share {
			seen[b.file] = true
		}
	}
	if len(seen) != len(breaks) {
		t.Errorf("40 commits prove %d of 10 breaks", len(seen))
	}
}

func TestAShareIsProvedOnlyIfAllBreaksApply(t *testing.T) {
	const header = "Breaks: sums\nTest: shop/till TestSums"
	root := project(t, map[string]string{
		"1-wrong.patch": patch(header, "return a - b"),
		"2-worse.patch": patch(header, "return b - a"),
	})
	var out bytes.Buffer
	if err := run(t.Context(), &out, root, "", 2, 1); err != nil {
		t.Errorf("error %v\n%s", err, out.String())
	}
	for _, want := range []string{"2 breaks all apply; this commit's share is 1 of them\n", "1 breaks, 1 seen red, in "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}

	root = project(t, map[string]string{
		"1-wrong.patch": patch(header, "return a - b"),
		"2-stale.patch": strings.ReplaceAll(patch(header, "return 3"), "return a + b", "return b + a"),
	})
	err := run(t.Context(), &out, root, "", 2, 1)
	if err == nil || !strings.HasPrefix(err.Error(), "2-stale.patch: the patch does not apply:") {
		t.Errorf("error %v", err)
	}
}
