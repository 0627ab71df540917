package userrules

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"rotd/internal/detection"
)

// piece is a part of a message: words of the rule's author, or an expression in its place.
type piece struct {
	words   string
	program cel.Program
}

// words are the author's, in one paragraph: a block of text in YAML has line ends.
func words(text string) piece { return piece{words: strings.ReplaceAll(text, "\n", " ")} }

// message reads a text with {{ expressions }} in it. The first }} ends an expression.
func (c *compiler) message(part, text string) []piece {
	if at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }); at >= 0 {
		c.fail(placeOf(part, text, at), 1, 1, "a control character has no place in a message")
		return nil
	}
	var pieces []piece
	done := 0
	for {
		open := strings.Index(text[done:], "{{")
		if open < 0 {
			return append(pieces, words(text[done:]))
		}
		open += done
		at := placeOf(part, text, open)
		length := strings.Index(text[open:], "}}")
		if length < 0 {
			c.fail(at, 1, 1, "{{ has no }}")
			return nil
		}
		inside := text[open+len("{{") : open+length]
		begin := open + len("{{") + len(inside) - len(strings.TrimLeft(inside, " \n"))
		pieces = append(pieces, words(text[done:open]), piece{program: c.program(
			placeOf(part, text, begin), strings.TrimSpace(inside),
			"something that has words: a text, number, time or list of texts",
			cel.StringType, cel.IntType, cel.DoubleType, cel.BoolType, cel.TimestampType, cel.DurationType, cel.DynType,
			cel.ListType(cel.StringType))})
		done = open + length + len("}}")
	}
}

// placeOf is where a byte of a part's text is.
func placeOf(part, text string, at int) place {
	before := text[:at]
	line := strings.Count(before, "\n") + 1
	return place{part, line, len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1}
}

// unknown stands for what the event does not say.
const unknown = "(unknown)"

// said is a value in a sentence. What comes from the event was chosen by others, and cannot end the sentence.
func said(v ref.Val) string {
	switch v := v.(type) {
	case types.String:
		if v == "" {
			return unknown
		}
		return detection.Shown(string(v))
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.Double:
		return strconv.FormatFloat(float64(v), 'g', -1, 64)
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case types.Timestamp:
		return v.UTC().Format("2006-01-02 15:04:05Z")
	case types.Duration:
		return v.Round(time.Second).String()
	case traits.Lister:
		var all []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			if text, ok := it.Next().(types.String); ok {
				all = append(all, string(text))
			}
		}
		return detection.Listed(all)
	}
	return unknown
}
