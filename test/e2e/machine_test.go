package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/test/crash/world"
)

// boots makes a machine of namespaces out of this one's files, and its systemd process 1 of it: nothing that is done
// there is left here, but the network is this one's. No unit starts by itself.
const boots = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
rm -rf etc/systemd/system/*.wants lib/systemd/system/*.wants
mount -t proc proc proc
mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
exec env -i container=namespaces PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --unit=basic.target
`

// host is such a machine.
type host struct {
	*testing.T
	init *exec.Cmd
}

// newHost boots a machine; where the kernel lets nobody do so the test is skipped.
func newHost(t *testing.T) *host {
	t.Helper()
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil || os.Getuid() != 0 {
		t.Skip("booting systemd takes root, and systemd")
	}
	h := &host{T: t}
	var said bytes.Buffer
	h.init = exec.Command("sh", "-c", boots, "sh", t.TempDir())
	h.init.Stdout, h.init.Stderr = &said, &said
	h.init.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC |
			syscall.CLONE_NEWCGROUP,
		Pdeathsig: syscall.SIGKILL,
	}
	if err := h.init.Start(); err != nil {
		t.Skipf("no machine of namespaces can be made here: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = h.init.Wait() // by the kill below, or because it could not boot
		close(ended)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal:\n%s", h.says("journalctl", "--no-pager", "-n", "60"))
		}
		_ = h.init.Process.Kill() // process 1 takes all others along
		<-ended
	})
	for limit := time.After(patience); ; {
		if state, _ := h.run("systemctl", "is-active", "basic.target"); strings.TrimSpace(state) == "active" {
			return h
		}
		select {
		case <-ended:
			t.Skipf("no machine of namespaces can be made here: %s", said.String())
		case <-limit:
			t.Fatal("systemd does not come up")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// run runs a program on the machine.
func (h *host) run(args ...string) (said string, err error) {
	enter := []string{
		"--target", fmt.Sprint(h.init.Process.Pid), "--mount", "--pid", "--uts", "--ipc", "--cgroup",
		"--root", "--wd", "--",
	}
	out, err := exec.Command("nsenter", append(enter, args...)...).CombinedOutput()
	return string(out), err
}

// says runs a program that may fail.
func (h *host) says(args ...string) string {
	said, _ := h.run(args...) // what it says tells how it ended
	return said
}

// does runs a program that must not fail.
func (h *host) does(args ...string) string {
	h.Helper()
	said, err := h.run(args...)
	if err != nil {
		h.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return said
}

// path is where this machine's processes find a file of that one's.
func (h *host) path(name string) string {
	return filepath.Join("/proc", fmt.Sprint(h.init.Process.Pid), "root", name)
}

// property is one of the unit's.
func (h *host) property(name string) string {
	h.Helper()
	return strings.TrimSpace(h.does("systemctl", "show", "--value", "--property", name, "rotd"))
}

// debs builds the Debian packages of two releases.
func debs(t *testing.T) (older, newer string) {
	t.Helper()
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("no dpkg")
	}
	build := func(release string) string {
		dir := t.TempDir()
		build := exec.CommandContext(t.Context(), "scripts/packages.sh", release, "0123456", "2026-01-02T03:04:05Z", dir)
		build.Dir, build.Env = "../..", append(os.Environ(), "KINDS=deb")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build the packages: %v\n%s", err, out)
		}
		found, err := filepath.Glob(dir + "/*.deb")
		if err != nil || len(found) != 1 {
			t.Fatalf("packages: %q (%v)", found, err)
		}
		return found[0]
	}
	return build("v98.0.0"), build("v99.0.0")
}

// carry copies a file onto the machine.
func (h *host) carry(from, to string) {
	h.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(h.path(to), content, 0o644); err != nil {
		h.Fatal(err)
	}
}

// installed installs a package and configures it for a world of its own, with pairs of old and new text replaced.
func (h *host) installed(deb string, oldnew ...string) *world.World {
	h.Helper()
	h.carry(deb, "/tmp/rotd.deb")
	h.does("dpkg", "--install", "/tmp/rotd.deb")
	w := newWorld(h.T, world.Options{}, "cards")
	w.Client = admin.NewClient(h.path("/run/rotd/rotd.sock"))
	h.Cleanup(w.Client.Close)
	w.Config = h.path("/etc/rotd/rotd.yaml")
	err := w.Configure(append(oldnew, w.StatePath, "/var/lib/rotd/rotd.db", w.Client.Socket(), "/run/rotd/rotd.sock",
		w.Dir+"/material", "/material")...)
	if err != nil {
		h.Fatal(err)
	}
	environment, err := w.LifeEnvironment()
	if err != nil {
		h.Fatal(err)
	}
	err = os.WriteFile(h.path("/etc/rotd/environment"), []byte(strings.Join(environment, "\n")+"\n"), 0o600)
	if err != nil {
		h.Fatal(err)
	}
	return w
}

// drill is what docs/install.md has people type after the loss of a machine, command by command.
func drill(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "### The drill\n")
	_, after, begins := strings.Cut(after, "```\n")
	block, _, ends := strings.Cut(after, "\n```\n")
	if !found || !begins || !ends {
		t.Fatal("docs/install.md has no drill")
	}
	return strings.Split(block, "\n")
}

// TestThePackageOnAMachine has one machine after the other: they share the cgroup that this process is in.
func TestThePackageOnAMachine(t *testing.T) {
	t.Parallel()
	older, newer := debs(t)
	t.Run("runs under systemd until it is removed", func(t *testing.T) { runsUnderSystemd(t, older, newer) })
	t.Run("recovers as the drill is written", func(t *testing.T) { recovers(t, newer) })
}

// recovers follows the drill.
func recovers(t *testing.T, deb string) {
	h := newHost(t)
	w := h.installed(deb, "intake:\n", "audit: {export: s3://backups/audit/}\nintake:\n",
		"state: {path: ", "state: {snapshots: {to: s3://backups/rotd}, path: ")
	w.Sim.CreateBucket(world.Region, world.Account, backups)
	h.does("systemctl", "enable", "--now", "rotd")
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	untilTold(t, w, "finding-resolved rotation-turned-off alias/pay-cards")

	wanted := map[string]string{
		"rotd findings list --rule state-recovered": "The state was restored from a copy",
		"rotd actions list && rotd audit list":      "succeeded",
		"rotd sweep inventory && rotd status":       "the state is new or restored",
		"rotd resume":                               "Automatic actions go on",
	}
	for _, command := range drill(t) {
		line, _, _ := strings.Cut(command, "#")
		line = strings.TrimSpace(line)
		said := h.does("sh", "-c", line)
		if !strings.Contains(said, wanted[line]) {
			t.Errorf("%s says\n%s", line, said)
		}
		delete(wanted, line)
	}
	for line := range wanted {
		t.Errorf("the drill has no %s", line)
	}
	h.does("systemctl", "stop", "rotd")
	wantNothingRepeated(t, w)
}

// runsUnderSystemd installs the package on a machine of its own, starts the unit with all of its sandbox, and lets it
// do its work beside the simulated AWS: through a crash, a reload, an upgrade and its removal.
func runsUnderSystemd(t *testing.T, older, newer string) {
	h := newHost(t)
	h.carry(newer, "/tmp/newer.deb")
	w := h.installed(older, "intake:\n", "audit: {export: /var/log/rotd/audit.jsonl}\nintake:\n")
	h.does("rotd", "config", "validate", "/etc/rotd/rotd.yaml")
	h.does("systemctl", "enable", "--now", "rotd")
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	if user := h.does("ps", "-o", "user=", "-p", h.property("MainPID")); strings.TrimSpace(user) == "root" {
		t.Error("rotd runs as root")
	}
	if mode := h.does("stat", "-c", "%a %G", "/run/rotd/rotd.sock"); mode != "660 rotd-operators\n" {
		t.Errorf("the socket is %s", mode)
	}
	h.does("rotd", "health")

	h.does("systemctl", "kill", "--signal=KILL", "rotd")
	until(t, "a start after the crash", func() bool {
		return h.property("NRestarts") == "1" && h.property("SubState") == "running"
	})
	h.does("systemctl", "reload", "rotd")

	said := h.does("dpkg", "--install", "/tmp/newer.deb")
	until(t, "the newer release", func() bool {
		status, err := w.Client.Status(t.Context())
		return err == nil && status.Version == "v99.0.0"
	})
	if page, err := w.Client.Actions(t.Context(), admin.ActionQuery{}); err != nil || len(page.Items) != 1 {
		t.Errorf("after the upgrade the record of actions is %+v (%v)\n%s", page, err, said)
	}
	wantNothingRepeated(t, w)

	v := audit.NewVerifier()
	exported, err := os.ReadFile(h.path("/var/log/rotd/audit.jsonl"))
	if _, failed := v.Write(exported); err != nil || failed != nil || !v.End().Whole {
		t.Errorf("the exported audit log: %d bytes, %v, %v", len(exported), err, failed)
	}

	h.does("dpkg", "--remove", "rotd")
	if state := h.says("systemctl", "is-active", "rotd"); state != "inactive\n" {
		t.Errorf("after its removal the unit is %s", state)
	}
	if done := changes(w); len(done) != 1 {
		t.Errorf("done: %+v", done)
	}
}
