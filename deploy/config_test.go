package deploy

import (
	"testing"

	"rotd/internal/config"
)

func TestTheUnitsConfigurationIsValidAndMatchesTheUnit(t *testing.T) {
	c, err := config.Load("systemd/rotd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range c.Warnings {
		t.Errorf("warning: %v", warning)
	}
	if got, want := c.State.Path, "/var/lib/rotd/rotd.db"; got != want {
		t.Errorf("state.path is %s, the unit's StateDirectory= gives %s", got, want)
	}
	if got, want := c.Admin.Socket, "/run/rotd/rotd.sock"; got != want {
		t.Errorf("admin.socket is %s, the unit's RuntimeDirectory= gives %s", got, want)
	}
	if c.Mode != "observe" {
		t.Errorf("mode is %s: a first configuration changes nothing", c.Mode)
	}
}
