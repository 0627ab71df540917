package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rotd/internal/config"
)

// defaultConfig is where packages put rotd.yaml.
const defaultConfig = "/etc/rotd/rotd.yaml"

// configPath is the configuration that flags and environment mean.
func (c *cli) configPath() string {
	return orElse(c.config, orElse(c.getenv("ROTD_CONFIG"), defaultConfig))
}

func newConfigCommand(c *cli) *cobra.Command {
	validate := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check rotd.yaml and say everything that is wrong with it, with line numbers",
		Long: prose(
			"Check rotd.yaml: FILE, else -c's, $ROTD_CONFIG's, " + defaultConfig + ". Says everything that is wrong at " +
				"once, and what is allowed but probably not meant. Asks nothing of AWS.",
		),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return wrongUse(cmd, "unexpected argument %q", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := textOnly(cmd); err != nil {
				return err
			}
			path := c.configPath()
			if len(args) == 1 {
				path = args[0]
			}
			return c.validate(path)
		},
	}
	example := &cobra.Command{
		Use:   "init",
		Short: "Print a commented rotd.yaml to begin with",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := textOnly(cmd); err != nil {
				return err
			}
			return write(c.out, []byte(config.Example))
		},
	}
	schema := &cobra.Command{
		Use:   "schema",
		Short: "Print rotd.yaml's JSON Schema, for editors",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := textOnly(cmd); err != nil {
				return err
			}
			text, err := config.Schema()
			if err != nil {
				return err
			}
			return write(c.out, text)
		},
	}
	return group("config", "rotd.yaml: check it, test it, explain it, begin one, compare", validate,
		newConfigExplainCommand(c), newConfigTestCommand(c), newConfigCompareCommand(c), example, schema)
}

// textOnly refuses -o where there is one form only.
func textOnly(cmd *cobra.Command) error {
	if cmd.Flags().Changed("output") {
		return wrongUse(cmd, "-o is not for this command, which prints one form only")
	}
	return nil
}

func (c *cli) validate(path string) error {
	cfg, err := config.Load(path, knownIDs())
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintf(c.out, "warning: %s\n", clean(w.String()))
	}
	fmt.Fprintf(c.out, "%s is valid%s: mode %s, %s, %s, %s.\n", path, warningsText(len(cfg.Warnings)), cfg.Mode,
		plural(len(cfg.Intake.Queues), "queue", "queues"), plural(len(cfg.Policies), "policy", "policies"),
		plural(len(cfg.Alerts.Topics), "topic", "topics"))
	return nil
}

func warningsText(n int) string {
	if n == 0 {
		return ""
	}
	return ", with " + plural(n, "warning", "warnings")
}
