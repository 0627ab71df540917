package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// build says which rotd this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild is what the linker set, or what `go build` alone leaves.
func thisBuild() build {
	b := build{
		Version: version, Commit: commit, Date: date, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	b.Version, b.Commit, b.Date = orElse(b.Version, "devel"), orElse(b.Commit, "unknown"), orElse(b.Date, "unknown")
	return b
}

// String is a line for people.
func (b build) String() string {
	return fmt.Sprintf("rotd %s (commit %s, %s, %s %s)\n", b.Version, b.Commit, b.Date, b.Go, b.Platform)
}

func newVersionCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which rotd this is",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			b := thisBuild()
			if c.output != "table" {
				return one(c, listing[build]{schema: "rotd.version/1", kind: "version"}, b)
			}
			return write(c.out, []byte(b.String()))
		},
	}
}
