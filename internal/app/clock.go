package app

import (
	"time"

	"go.uber.org/zap"

	"rotd/internal/admin"
)

// tellClock tells that this machine's clock is off by AWS's, and that it is right again.
func (d *daemonProcess) tellClock(ahead time.Duration) {
	if ahead == 0 {
		d.log.Info("this machine's clock is right again")
		return
	}
	d.log.Error("this machine's clock is wrong: set it right. AWS's answers are dated otherwise, and rotd's times, "+
		"windows and waits are off by as much", zap.String("clock", admin.ClockOff(ahead)))
}

// clockOff says how far off the clock is, when that is too far to call a key due by it.
func (d *daemonProcess) clockOff() string {
	ahead := d.clock.Ahead()
	if ahead.Abs() < admin.ClockFarOff {
		return ""
	}
	return admin.ClockOff(ahead)
}
