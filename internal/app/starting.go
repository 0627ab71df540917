package app

import (
	"errors"

	"rotd/internal/admin"
)

// started says that rotd is still starting, as long as it is: what needs the engine cannot be answered then.
func (b *backend) started() error {
	if b.d.up.Load() {
		return nil
	}
	return admin.As(admin.ErrBusy, errors.New(b.d.startingUp()))
}

// waitsFor notes what the start waits for.
func (d *daemonProcess) waitsFor(what string) { d.waiting.Store(&what) }

// startingUp says what the start waits for.
func (d *daemonProcess) startingUp() string {
	if why := d.waiting.Load(); why != nil {
		return "rotd is starting: " + *why
	}
	return "rotd is starting"
}
