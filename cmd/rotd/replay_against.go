package main

import (
	"fmt"

	"rotd/internal/admin"
	"rotd/internal/replay"
)

// replayedAgainst is the shape of -o json with --against.
type replayedAgainst struct {
	admin.Page[replay.Difference]
	Summary replay.Summary `json:"summary"`
	Against replay.Summary `json:"against"`
}

// printReplayAgainst says what another configuration makes of an archive.
func (c *cli) printReplayAgainst(r, other *replay.Result) error {
	differences := replay.Compare(r, other)
	switch c.output {
	case "json":
		return c.printJSON(replayedAgainst{
			Page: admin.Page[replay.Difference]{
				Schema: "rotd.replay-against/1", Items: differences, Partial: r.Failed > 0,
			},
			Summary: r.Summary, Against: other.Summary,
		})
	case "jsonl":
		for _, d := range differences {
			if err := c.printLine("difference", d); err != nil {
				return err
			}
		}
		return nil
	}
	counted := map[replay.Change]int{}
	for i := range differences {
		d := &differences[i]
		counted[d.Change]++
		fmt.Fprintf(c.out, "%s\n", c.styled(bold, string(d.Change)))
		if d.Was != "" {
			c.field("was", d.Was)
		}
		c.printReplayed(&d.Finding)
	}
	if !nothingRead(r) {
		c.paragraph("", fmt.Sprintf("%s in %s; the other configuration finds %d: %d gained, %d lost, %d weighed otherwise.",
			plural(r.Summary.Findings, "finding", "findings"), plural(r.Summary.Records, "record", "records"),
			other.Summary.Findings, counted[replay.Gained], counted[replay.Lost], counted[replay.Weighed]))
	}
	return nil
}
