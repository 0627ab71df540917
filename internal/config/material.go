package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rotd/internal/material"
	"rotd/internal/pattern"
)

// ImportedMaterial says where new material for keys with imported material comes from. Without a source rotd imports
// none.
type ImportedMaterial struct {
	material.Source
	ValidFor time.Duration // after which imported material expires; 0: never
}

func importedMaterial(m *ImportedMaterial) shape {
	return object{
		fields: []field{
			{
				key: "command", doc: "Program, absolute, and arguments; it writes 32 raw bytes. Run without a shell.",
				value: list[string]{
					fresh: func() string { return "" },
					shape: func(s *string) shape { return text(s, "an argument", checkArgument) },
					keep:  func(s string) { m.Command = append(m.Command, s) },
				},
			},
			{
				key: "file", doc: "File of 32 raw bytes, mode 0600; {key_id} and {material} are filled in.",
				value: text(&m.File, "a path", checkMaterialFile),
			},
			{
				key: "valid_for", doc: "After which imported material expires; default: never.",
				value: duration(&m.ValidFor, 7*day, 365*day),
			},
		},
		check: func(o *seen) {
			switch {
			case o.has("command") && o.has("file"):
				o.fail("file", "cannot be there beside command: material has one source")
			case o.absent("command") && o.absent("file"):
				o.fail("", "needs command or file")
			case o.has("command") && len(m.Command) == 0:
				o.fail("command", "is empty")
			case len(m.Command) > 0 && checkAbsolute(m.Command[0]) != nil:
				o.fail("command", "begins with %q, which is no absolute path", shorten(m.Command[0]))
			}
		},
	}
}

var placeholder = pattern.New(`\{[^{}]*\}`)

// checkMaterialFile wants an absolute path with no placeholder but those that are filled in.
func checkMaterialFile(s string) error {
	for _, p := range placeholder().FindAllString(s, -1) {
		if p != "{key_id}" && p != "{material}" {
			return fmt.Errorf("%s is not filled in: there are {key_id} and {material}", shorten(p))
		}
	}
	return checkAbsolute(s)
}

func checkArgument(s string) error {
	if strings.ContainsRune(s, 0) {
		return errors.New("has a NUL in it")
	}
	return nil
}
