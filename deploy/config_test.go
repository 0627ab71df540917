package deploy

import (
	"testing"

	"rotd/internal/config"
	"rotd/internal/detection"
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

func TestTheUnitsConfigurationPassesTheCasesBesideIt(t *testing.T) {
	known := config.Known{Rules: detection.RuleIDs(), Checks: detection.CheckIDs()}
	c, err := config.Load("systemd/rotd.yaml", known)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := c.LoadCases(config.CasesBeside("systemd/rotd.yaml"), known)
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		if trial := c.Try(&cases[i]); !trial.Passed {
			t.Errorf("%s:%d: %s: %+v", trial.File, trial.Line, trial.Case, trial)
		}
	}
}
