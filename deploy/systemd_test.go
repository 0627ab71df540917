// Package deploy tests what rotd is installed with: the systemd unit and the container image.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const installedBinary = "/usr/bin/rotd"

// startingUnit is a copy of the unit that starts a program which is there: systemd looks for it, and never runs it.
func startingUnit(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no systemd-analyze: install systemd")
		}
		t.Skip("no systemd-analyze: install systemd")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit, err := os.ReadFile("systemd/rotd.service")
	if err != nil {
		t.Fatal(err)
	}
	pointed := strings.Replace(string(unit), "ExecStart="+installedBinary, "ExecStart="+program, 1)
	if pointed == string(unit) {
		t.Fatalf("the unit does not start %s", installedBinary)
	}
	path := filepath.Join(t.TempDir(), "rotd.service")
	if err := os.WriteFile(path, []byte(pointed), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSystemdHasNothingToSayAboutTheUnit(t *testing.T) {
	verify := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", startingUnit(t))
	if out, err := verify.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// A systemd that knows no notify-reload says so and keeps the unit's type.
func TestSystemdTakesTheUnitsAddition(t *testing.T) {
	unit := startingUnit(t)
	addition, err := os.ReadFile("systemd/notify-reload.conf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(unit+".d", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(unit+".d", "notify-reload.conf"), addition, 0o600); err != nil {
		t.Fatal(err)
	}
	verify := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", unit)
	said, err := verify.CombinedOutput()
	unknown := regexp.MustCompile(`^\S+notify-reload.conf:[0-9]+: Failed to parse [^\n]*notify-reload\n$`)
	if err != nil || len(said) > 0 && !unknown.Match(said) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
}

func TestTheUnitIsExposedLittle(t *testing.T) {
	const most = 1.5 // the least a program that talks to the network and a socket gets to is about 1.2
	security := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=yes", "--no-pager",
		startingUnit(t))
	out, err := security.CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	overall := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if overall == nil {
		t.Fatalf("no overall exposure level in\n%s", out)
	}
	if level, err := strconv.ParseFloat(string(overall[1]), 64); err != nil || level > most {
		t.Errorf("exposure level %s, want at most %g\n%s", overall[1], most, out)
	}
}

// What else depends on the unit: the daemon's protocol with systemd, and who may reach the socket.
func TestTheUnitSaysWhatTheDaemonReliesOn(t *testing.T) {
	unit, err := os.ReadFile("systemd/rotd.service")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, line string }{
		{"readiness and the watchdog are notified", "Type=notify"},
		{"a hanging daemon is restarted", "WatchdogSec=60s"},
		{"a crash is answered by a restart", "Restart=on-failure"},
		{"an invalid configuration is not retried", "RestartPreventExitStatus=2"},
		{"SIGHUP reloads", "ExecReload=/bin/kill -HUP $MAINPID"},
		{"the state outlives the process", "StateDirectory=rotd"},
		{"nobody else reads the state", "StateDirectoryMode=0700"},
		{"the operators' group reaches the socket", "Group=rotd-operators"},
		{"the socket's directory lets that group through", "RuntimeDirectoryMode=0750"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(string(unit), "\n"+test.line+"\n") {
				t.Errorf("no line %q", test.line)
			}
		})
	}
	if strings.Contains(string(unit), "\nPrivateUsers=") {
		t.Error("PrivateUsers= hides who is on the socket")
	}
}
