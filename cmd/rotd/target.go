package main

import (
	"fmt"

	"rotd/internal/admin"
	"rotd/internal/config"
)

// client returns a client for the daemon that flags and environment mean.
func (c *cli) client() (*admin.Client, error) {
	doors, err := c.doors()
	if err != nil {
		return nil, err
	}
	return admin.NewClient(doors.Socket), nil
}

// doors says where the daemon answers: --socket, else --config's, else ROTD_SOCKET, ROTD_CONFIG's, the defaults.
func (c *cli) doors() (config.Admin, error) {
	doors := config.Default().Admin
	path := c.config
	if path == "" && c.socket == "" {
		if doors.Socket = c.getenv("ROTD_SOCKET"); doors.Socket != "" {
			return doors, nil
		}
		doors.Socket, path = config.Default().Admin.Socket, c.getenv("ROTD_CONFIG")
	}
	if path != "" {
		cfg, err := config.Load(path)
		switch {
		case err == nil:
			doors = cfg.Admin
		case c.socket == "":
			return doors, fmt.Errorf("find the daemon's socket (--socket names it): %w", err)
		}
	}
	if c.socket != "" {
		doors.Socket = c.socket
	}
	return doors, nil
}
