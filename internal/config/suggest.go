package config

import (
	"fmt"
	"strings"
)

// enumerate writes words as `a, b or c`.
func enumerate[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// didYouMean is `: did you mean x?` when one of the words is close, else empty.
func didYouMean[T ~string](written string, words []T) string {
	if meant := closest(written, words); meant != "" {
		return fmt.Sprintf(": did you mean %s?", meant)
	}
	return ""
}

// closest returns the word that is within a third of its length of what was written, case and - and _ aside, "" when
// there is none.
func closest[T ~string](written string, words []T) T {
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
