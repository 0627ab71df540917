package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

// healthTimeout is shorter than a container's health check allows.
const healthTimeout = 4 * time.Second

func newHealthCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "End with 0 when the daemon does its work, 1 when it does not",
		Long: prose(
			"End with 0 when the daemon does its work, 1 when it does not (and say why), 5 when there is none. Asks over " +
				"the control socket, and where there is none over HTTP. For scripts and container health checks.",
		),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), healthTimeout)
			defer cancel()
			ready, err := c.health(ctx)
			if err != nil {
				return err
			}
			return c.printHealth(ready)
		},
	}
}

// health asks over the socket, and over HTTP where there is none.
func (c *cli) health(ctx context.Context) (*admin.Readiness, error) {
	doors, err := c.doors()
	if err != nil {
		return nil, err
	}
	client := admin.NewClient(doors.Socket)
	defer client.Close()
	ready, err := client.Ready(ctx)
	if err == nil || !errors.Is(err, admin.ErrNoDaemon) || doors.HTTP == "" || c.socket != "" {
		return ready, err
	}
	overHTTP, httpErr := readyOverHTTP(ctx, doors.HTTP)
	if httpErr != nil {
		return nil, fmt.Errorf("%w, and nobody answers on http://%s", err, doors.HTTP)
	}
	return overHTTP, nil
}

// readyOverHTTP asks /readyz.
func readyOverHTTP(ctx context.Context, address string) (*admin.Readiness, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("ask over HTTP: %w", err)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost" // who listens everywhere listens here
	}
	url := "http://" + net.JoinHostPort(host, port) + "/readyz?verbose"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask over HTTP: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy stands between
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask over HTTP: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("ask over HTTP: %w", err)
	}
	var ready admin.Readiness
	if err := json.Unmarshal(raw, &ready); err != nil {
		return nil, fmt.Errorf("who answers on %s is not rotd", address)
	}
	return &ready, nil
}

func (c *cli) printHealth(r *admin.Readiness) error {
	if c.output != "table" {
		if err := one(c, listing[*admin.Readiness]{schema: "rotd.health/1", kind: "health"}, r); err != nil || r.Ready {
			return err
		}
		return &exitError{status: admin.ExitFailed}
	}
	if r.Ready {
		fmt.Fprintln(c.out, "ready")
		return nil
	}
	fmt.Fprintln(c.out, "not ready:")
	for _, reason := range r.Reasons {
		fmt.Fprintln(c.out, "- "+clean(reason))
	}
	return &exitError{status: admin.ExitFailed}
}
