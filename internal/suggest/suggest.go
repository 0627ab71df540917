// Package suggest finds the word that somebody who mistyped one probably meant. It knows no words of its own.
package suggest

import (
	"fmt"
	"strings"
)

// DidYouMean is `: did you mean x?` when one of the words is close, else empty.
func DidYouMean[T ~string](written string, words []T) string {
	if meant := Closest(written, words); meant != "" {
		return fmt.Sprintf(": did you mean %s?", meant)
	}
	return ""
}

// Closest returns the word that is within a third of its length of what was written, case and - and _ aside, "" when
// there is none.
func Closest[T ~string](written string, words []T) T {
	const longestWord = 64
	if len(written) > longestWord {
		return ""
	}
	best, bestDistance := T(""), longestWord
	for _, w := range words {
		d := distance(fold(written), fold(string(w)))
		if d < bestDistance && d <= max(1, len(w)/3) {
			best, bestDistance = w, d
		}
	}
	return best
}

func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// distance is how many bytes have to be put in, taken out, replaced or swapped with their neighbour.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
