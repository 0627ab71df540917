package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/eventbridge"
)

func newEventPatternCommand(c *cli) *cobra.Command {
	var sources bool
	cmd := &cobra.Command{
		Use:   "event-pattern [-c rotd.yaml]",
		Short: "Print the EventBridge event pattern that feeds rotd what its rules want",
		Long: prose("Print the event pattern of the EventBridge rule that sends rotd's queue what the loaded rules want: "+
			"all of KMS's events, and the named ones of other services. With -c your own rules count too, and those that are "+
			"disabled do not. Asks nothing of AWS.",
			"The uses of keys (Decrypt and its kin) match only while the rule's state is "+
				"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS. IAM's events are sent in us-east-1 alone."),
		Example: "  rotd detections event-pattern -c rotd.yaml\n" +
			"  aws events put-rule --name rotd --state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS \\\n" +
			"    --event-pattern \"$(rotd detections event-pattern -c rotd.yaml)\"",
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := textOnly(cmd); err != nil {
				return err
			}
			var settings detection.Settings
			if c.config != "" {
				cfg, err := config.Load(c.config, knownIDs())
				if err != nil {
					return err
				}
				settings = cfg.Detections.Settings()
			}
			wanted := detection.NewJudge(settings).Wanted()
			pattern := eventbridge.New(wanted)
			if sources {
				pattern = eventbridge.Sources(wanted)
			}
			text, err := pattern.JSON()
			if long := new(eventbridge.TooLongError); errors.As(err, &long) && !sources {
				return exit(admin.ExitFailed, "%v: --sources-only asks for all events of the same services, of which rotd "+
					"ignores what no rule wants; or spread it over several rules with the same target", long)
			}
			if err != nil {
				return fmt.Errorf("write the event pattern: %w", err)
			}
			fmt.Fprintf(c.out, "%s\n", text)
			return nil
		},
	}
	cmd.Flags().BoolVar(&sources, "sources-only", false, "name the services alone, not their events: shorter, and more "+
		"is delivered")
	return cmd
}
