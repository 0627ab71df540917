package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

func newPauseCommand(c *cli) *cobra.Command {
	var reason, incident string
	cmd := &cobra.Command{
		Use:   "pause --reason TEXT",
		Short: "Stop automatic actions until resume; alerts go on",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(reason) == "" {
				return wrongUse(cmd, "--reason is required: it goes into the audit log")
			}
			return c.pauseOrResume(func(client *admin.Client) (*admin.Paused, error) {
				return client.Pause(cmd.Context(), reason, incident)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why (required)")
	incidentFlag(cmd, &incident)
	return cmd
}

func newResumeCommand(c *cli) *cobra.Command {
	var incident string
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Let automatic actions go on, and arm a new state",
		Long: prose("Let automatic actions go on: end a pause, close the circuit breaker that failed actions have opened, " +
			"and arm a new state."),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.pauseOrResume(func(client *admin.Client) (*admin.Paused, error) {
				return client.Resume(cmd.Context(), incident)
			})
		},
	}
	incidentFlag(cmd, &incident)
	return cmd
}

func (c *cli) pauseOrResume(ask func(*admin.Client) (*admin.Paused, error)) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := ask(client)
	if errors.Is(err, admin.ErrNoDaemon) {
		return fmt.Errorf("%w (while no daemon runs nothing acts by itself)", err)
	}
	if err != nil {
		return err
	}
	if c.output != "table" {
		return one(c, listing[*admin.Paused]{schema: "rotd.pauses/1", kind: "pause"}, p)
	}
	if b := p.Breaker; b != nil {
		c.paragraph("", fmt.Sprintf("Closed the circuit breaker, open since %s: %d actions had failed in a row.",
			both(c.now(), b.OpenedAt), len(b.Failures)))
	}
	for _, sentence := range pausedText(c.now(), p) {
		c.paragraph("", sentence)
	}
	return nil
}

// pausedText says what a pause or resume changed, and what it found.
func pausedText(now time.Time, p *admin.Paused) []string {
	const goOn = "Automatic actions go on where policies say so."
	before := ""
	if b := p.Before; b != nil {
		before = fmt.Sprintf("by %s since %s: %s", b.By, both(now, b.At), b.Reason)
	}
	switch {
	case p.Paused && before != "":
		return []string{
			fmt.Sprintf("Paused by %s. It was paused already, %s", p.By, before),
			"Nothing automatic happens until `rotd resume`, which ends both; watching and alerts go on.",
		}
	case p.Paused:
		return []string{
			fmt.Sprintf("Paused by %s.", p.By),
			"Nothing automatic happens until `rotd resume`; watching and alerts go on.",
		}
	case before != "" && p.Armed:
		return []string{fmt.Sprintf("Resumed and armed by %s. It was paused %s", p.By, before), goOn}
	case before != "":
		return []string{fmt.Sprintf("Resumed by %s. It was paused %s", p.By, before), goOn}
	case p.Armed:
		return []string{fmt.Sprintf("Was not paused; armed by %s.", p.By), goOn}
	case p.Breaker != nil:
		return []string{"Was not paused, and is armed.", goOn}
	}
	return []string{"Was not paused, and is armed: nothing has changed.", goOn}
}
