package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/sigma"
)

func newDetectionsImportCommand(c *cli) *cobra.Command {
	var file string
	var sources []string
	cmd := &cobra.Command{
		Use:   "sigma FILE…",
		Short: "Turn Sigma rules for CloudTrail into rules of your own",
		Long: prose(
			"Turn Sigma rules for CloudTrail (product: aws, service: cloudtrail) into a file of rules of your own, all of "+
				"them staged. A FILE may be a folder: its .yml and .yaml files are read. Every rule is compiled before it is "+
				"written; what came of each, and why not, is told beside the output. docs/users-rules.md says what can be "+
				"turned.",
			"Ends with 0 when every rule was imported, with 3 when some were not, and with 1 when none was.",
		),
		Example: "  rotd detections import sigma sigma/rules/cloud/aws -f rules/sigma.yaml\n" +
			"  rotd detections import sigma --source kms.amazonaws.com root.yml",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := textOnly(cmd); err != nil {
				return err
			}
			if len(paths) == 0 {
				return wrongUse(cmd, "want files or folders of Sigma rules")
			}
			return c.importSigma(paths, sources, file)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "write to FILE instead of the output")
	f.StringSliceVar(&sources, "source", nil, "ask rules that name no eventSource about this one's events (repeatable)")
	return group("import", "Turn rules of others into rules of your own", cmd)
}

// importSigma turns the rules of files and folders, and says what came of each.
func (c *cli) importSigma(paths, sources []string, file string) error {
	var rules []*sigma.Rule
	for _, path := range paths {
		read, err := readSigma(path)
		if err != nil {
			return err
		}
		rules = append(rules, read...)
	}
	outcomes := sigma.Convert(rules, sources)
	for i := range outcomes {
		compiled(&outcomes[i])
	}
	imported := slices.ContainsFunc(outcomes, func(o sigma.Outcome) bool { return o.Imported() })
	if imported {
		if err := c.writeRules(file, sigma.Write(outcomes)); err != nil {
			return err
		}
	}
	refused := c.printImport(outcomes)
	switch {
	case !imported:
		return &exitError{status: admin.ExitFailed}
	case refused > 0:
		return &exitError{status: admin.ExitUnfinished}
	}
	return nil
}

func (c *cli) writeRules(file string, rules []byte) error {
	put := func(to io.Writer) error {
		if _, err := to.Write(rules); err != nil {
			return fmt.Errorf("write the rules: %w", err)
		}
		return nil
	}
	if file == "" {
		return put(c.out)
	}
	return c.wholeFile(file, "the rules", put)
}

// readSigma reads the rules of a file, or of those in a folder.
func readSigma(path string) (rules []*sigma.Rule, err error) {
	err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() || at != path && !slices.Contains([]string{".yml", ".yaml"}, filepath.Ext(at)):
			return nil
		}
		file, err := os.Open(at) //nolint:gosec // G122: whoever runs the command named the folder, and only reads
		if err != nil {
			return err
		}
		defer file.Close()
		data, err := io.ReadAll(io.LimitReader(file, sigma.MaxSize+1))
		if err != nil {
			return err
		}
		rules = append(rules, sigma.Read(at, data)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read Sigma rules: %w", err)
	}
	return rules, nil
}

// compiled loads an imported rule as a daemon would, and refuses it when that does not take it.
func compiled(o *sigma.Outcome) {
	if !o.Imported() {
		return
	}
	_, err := config.ParseRules(o.Rule.File, sigma.Write([]sigma.Outcome{*o}))
	invalid, ok := errors.AsType[*config.Errors](err)
	if err == nil {
		return
	}
	if !ok {
		o.Problems = append(o.Problems, sigma.Problem{Message: err.Error()})
		return
	}
	for _, p := range invalid.Problems {
		o.Problems = append(o.Problems, sigma.Problem{
			Message: fmt.Sprintf("as a rule of rotd: %s: %s", strings.TrimPrefix(p.Path, "rules[0]."), p.Message),
		})
	}
}

// printImport says what came of each rule, and returns how many were not imported.
func (c *cli) printImport(outcomes []sigma.Outcome) (refused int) {
	imported, remarked, parts := 0, 0, 0
	for i := range outcomes {
		o := &outcomes[i]
		where := fmt.Sprintf("%s:%d", o.Rule.File, o.Rule.Line)
		var notes []string
		switch problems := o.Refused(); {
		case len(problems) > 0:
			refused++
			hint(c.err, "not imported  %s  %s", clean(where), clean(o.Rule.Title))
			for _, p := range problems {
				notes = append(notes, p.String())
			}
		case !o.Imported():
			parts++
			hint(c.err, "counted       %s  %s", clean(where), clean(o.Rule.Title))
			notes = []string{"by " + strings.Join(o.Counted(), " and ")}
		default:
			imported++
			hint(c.err, "imported      %s  %s", clean(where), o.Draft.ID)
			notes = o.Remarks
			if len(notes) > 0 {
				remarked++
			}
		}
		for _, note := range notes {
			for _, line := range wrap(clean(note), c.columns()-noteIndent) {
				hint(c.err, "%*s%s", noteIndent, "", line)
			}
		}
	}
	told := fmt.Sprintf("%d imported (%d with remarks), %d not", imported, remarked, refused)
	if parts > 0 {
		told += fmt.Sprintf(", %d counted by correlations", parts)
	}
	hint(c.err, "\n%s.", told)
	return refused
}

// noteIndent is how far what is said of a rule is indented.
const noteIndent = 14
