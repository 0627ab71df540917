package deploy

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	olderRelease = "v98.0.0-rc.1"
	newerRelease = "v98.0.0"
	packagedOn   = "2026-01-02T03:04:05Z"
)

// packages builds both packages of a release and returns their paths.
func packages(t *testing.T, release string) (deb, rpm string) {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "scripts/packages.sh", release, "0123456", packagedOn, dir)
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the packages of %s: %v\n%s", release, err, out)
	}
	return packagesIn(t, dir)
}

// packagesIn are the paths of both packages in a directory.
func packagesIn(t *testing.T, dir string) (deb, rpm string) {
	t.Helper()
	found := func(pattern string) string {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(paths) != 1 {
			t.Fatalf("%s: %q (%v)", pattern, paths, err)
		}
		return paths[0]
	}
	return found("*.deb"), found("*.rpm")
}

// needPrograms skips where a program is missing; in CI it has to be there.
func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("no %s: install it", name)
			}
			t.Skipf("no %s: install it", name)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("package managers install into another root as root only")
	}
}

// machine is a root directory with what the packages' scripts call and nothing else: no /proc, no running systemd.
type machine struct {
	*testing.T
	root string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t, t.TempDir()}
	for _, dir := range []string{
		"dev", "etc", "tmp", "usr/bin", "usr/lib", "usr/lib64", "var/lib/dpkg/info", "var/lib/dpkg/updates",
		"var/lib/private/rotd",
	} {
		if err := os.MkdirAll(filepath.Join(m.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+link, filepath.Join(m.root, link)); err != nil {
			t.Fatal(err)
		}
	}
	m.write("dev/null", "")
	m.write("var/lib/dpkg/status", "")
	m.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	m.write("etc/group", "root:x:0:\n")
	for _, program := range []string{"sh", "cat", "chown", "chmod", "ln", "mkdir", "rm", "rmdir", "systemd-sysusers"} {
		m.borrow(program)
	}
	return m
}

// waitingReload is where the unit's addition is for a systemd that can wait for a reload.
const waitingReload = "usr/lib/systemd/system/rotd.service.d/notify-reload.conf"

// systemd says which version of systemd is installed.
func (m *machine) systemd(version string) {
	m.Helper()
	m.write("usr/bin/systemctl", "#!/bin/sh\necho 'systemd "+version+"'\necho +PAM +AUDIT\n")
	if err := os.Chmod(filepath.Join(m.root, "usr/bin/systemctl"), 0o755); err != nil {
		m.Fatal(err)
	}
}

// reloads is what the addition says; nothing without one.
func (m *machine) reloads() string {
	m.Helper()
	target, err := os.Readlink(filepath.Join(m.root, waitingReload))
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil {
		m.Fatal(err)
	}
	return m.read(target)
}

// borrow copies a program of this machine with the libraries it is linked with.
func (m *machine) borrow(program string) {
	m.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		m.Fatal(err)
	}
	out, err := exec.CommandContext(m.Context(), "ldd", path).Output()
	if err != nil {
		m.Fatal(err)
	}
	m.copy(path, "usr/bin/"+program)
	for _, library := range regexp.MustCompile(`/[^ ]+`).FindAllString(string(out), -1) {
		m.copy(library, strings.TrimPrefix(library, "/"))
	}
}

func (m *machine) copy(from, to string) {
	m.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		m.Fatal(err)
	}
	path := filepath.Join(m.root, to)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o755); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) write(name, content string) {
	m.Helper()
	if err := os.WriteFile(filepath.Join(m.root, name), []byte(content), 0o644); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.Helper()
	content, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil {
		m.Fatal(err)
	}
	return string(content)
}

// files are all files below a directory, but for those of the package manager.
func (m *machine) files(below string) (names []string) {
	m.Helper()
	err := filepath.WalkDir(filepath.Join(m.root, below), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, m.root))
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		m.Fatal(err)
	}
	return names
}

// ownership is a file's mode and owners, such as "drwxr-x--- 0 999".
func (m *machine) ownership(name string) string {
	m.Helper()
	info, err := os.Stat(filepath.Join(m.root, name))
	if err != nil {
		m.Fatal(err)
	}
	owned, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		m.Fatalf("%T", info.Sys())
	}
	return fmt.Sprintf("%v %d %d", info.Mode(), owned.Uid, owned.Gid)
}

// does runs one of this machine's programs and wants it to succeed.
func (m *machine) does(program string, args ...string) string {
	m.Helper()
	out, err := exec.CommandContext(m.Context(), program, args...).CombinedOutput()
	if err != nil {
		m.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// dpkg installs, removes or purges.
func (m *machine) dpkg(args ...string) string {
	m.Helper()
	return m.does("dpkg", append([]string{"--root=" + m.root, "--force-confold"}, args...)...)
}

// says runs a program inside the root.
func (m *machine) says(args ...string) string {
	m.Helper()
	return m.does("chroot", append([]string{m.root}, args...)...)
}

// group is the number of the operators' group.
func (m *machine) group() string {
	m.Helper()
	found := regexp.MustCompile(`(?m)^rotd-operators:[^:]*:([0-9]+):`).FindStringSubmatch(m.read("etc/group"))
	if found == nil {
		m.Fatalf("no rotd-operators in\n%s", m.read("etc/group"))
	}
	return found[1]
}

func (m *machine) wantInstalled(release string) {
	m.Helper()
	if said := m.says("/usr/bin/rotd", "version"); !strings.HasPrefix(said, "rotd "+release+" (commit 0123456, ") {
		m.Errorf("rotd version: %s", said)
	}
	group := m.group()
	for name, want := range map[string]string{
		"etc/rotd":                                      "drwxr-x--- 0 " + group,
		"etc/rotd/rotd.yaml":                            "-rw-r----- 0 " + group,
		"usr/bin/rotd":                                  "-rwxr-xr-x 0 0",
		"usr/lib/systemd/system/rotd.service":           "-rw-r--r-- 0 0",
		"usr/share/man/man1/rotd.1.gz":                  "-rw-r--r-- 0 0",
		"usr/share/man/man1/rotd-run.1.gz":              "-rw-r--r-- 0 0",
		"usr/share/bash-completion/completions/rotd":    "-rw-r--r-- 0 0",
		"usr/share/fish/vendor_completions.d/rotd.fish": "-rw-r--r-- 0 0",
		"usr/share/doc/rotd/changelog.gz":               "-rw-r--r-- 0 0",
	} {
		if got := m.ownership(name); got != want {
			m.Errorf("/%s is %s, want %s", name, got, want)
		}
	}
	m.says("/usr/bin/rotd", "config", "validate", "/etc/rotd/rotd.yaml")
}

const firstSteps = "rotd is installed and not started."

func TestAReleaseAndItsPackages(t *testing.T) {
	t.Parallel()
	needPrograms(t, "dpkg", "rpm", "ldd", "systemd-sysusers", "minisign", "tar", "sha256sum")
	olderDeb, olderRPM := packages(t, olderRelease)
	dist, public := signedRelease(t, newerRelease)
	newerDeb, newerRPM := packagesIn(t, dist)
	t.Run("a release is whole and signed", func(t *testing.T) { isWholeAndSigned(t, newerRelease, dist, public) })
	t.Run("dpkg installs, upgrades, removes and purges the Debian package", func(t *testing.T) {
		goesThroughDpkg(t, olderDeb, newerDeb)
	})
	t.Run("rpm installs, upgrades and erases the other", func(t *testing.T) { goesThroughRPM(t, olderRPM, newerRPM) })
	t.Run("the same commit makes the same bytes", func(t *testing.T) {
		deb, rpm := packages(t, newerRelease)
		if diff := cmp.Diff([]string{sum(t, newerDeb), sum(t, newerRPM)}, []string{sum(t, deb), sum(t, rpm)}); diff != "" {
			t.Errorf("two builds differ (-first +second):\n%s", diff)
		}
	})
}

func goesThroughDpkg(t *testing.T, older, newer string) {
	m := newMachine(t)
	if said := m.dpkg("--install", older); !strings.Contains(said, firstSteps) {
		t.Errorf("the first steps are not said:\n%s", said)
	}
	m.wantInstalled(olderRelease)
	if got := m.reloads(); got != "" {
		t.Errorf("without systemd the unit has\n%s", got)
	}

	m.systemd("252 (252.38-1~deb12u1)")
	mine := m.read("etc/rotd/rotd.yaml") + "# mine\n"
	m.write("etc/rotd/rotd.yaml", mine)
	m.write("var/lib/private/rotd/rotd.db", "evidence")
	said := m.dpkg("--install", newer)
	if !strings.Contains(said, "over (98.0.0~rc.1)") || strings.Contains(said, firstSteps) {
		t.Errorf("an upgrade said\n%s", said)
	}
	m.wantInstalled(newerRelease)
	if got := m.read("etc/rotd/rotd.yaml"); got != mine {
		t.Errorf("the configuration was changed (-want +got):\n%s", cmp.Diff(mine, got))
	}
	if got := m.reloads(); got != "" {
		t.Errorf("for systemd 252 the unit has\n%s", got)
	}
	m.systemd("253~rc1 (253~rc1-3)")
	m.dpkg("--install", newer)
	if got := m.reloads(); !strings.Contains(got, "\nType=notify-reload\n") {
		t.Errorf("for systemd 253 the unit has\n%s", got)
	}

	m.dpkg("--remove", "rotd")
	if left := m.files("usr/lib/systemd"); len(left) > 0 {
		t.Errorf("removal left %q", left)
	}
	if diff := cmp.Diff([]string{"/etc/rotd/rotd.yaml"}, m.files("etc/rotd")); diff != "" {
		t.Errorf("after removal (-want +got):\n%s", diff)
	}
	if left := m.files("usr/share"); len(left) > 0 {
		t.Errorf("removal left %q", left)
	}
	if said := m.dpkg("--purge", "rotd"); !strings.Contains(said, "stays in /var/lib/private/rotd") {
		t.Errorf("what stays is not said:\n%s", said)
	}
	if left := m.files("etc/rotd"); len(left) > 0 {
		t.Errorf("purging left %q", left)
	}
	if got := m.read("var/lib/private/rotd/rotd.db"); got != "evidence" {
		t.Errorf("the state is %q", got)
	}
}

func goesThroughRPM(t *testing.T, older, newer string) {
	m := newMachine(t)
	m.systemd("257 (257.4-3.fc42)")
	rpm := func(args ...string) string {
		return m.does("rpm", append([]string{"--root", m.root, "--nosignature"}, args...)...)
	}
	if said := rpm("--install", "--nodeps", older); !strings.Contains(said, firstSteps) {
		t.Errorf("the first steps are not said:\n%s", said)
	}
	m.wantInstalled(olderRelease)
	mine := m.read("etc/rotd/rotd.yaml") + "# mine\n"
	m.write("etc/rotd/rotd.yaml", mine)
	m.write("var/lib/private/rotd/rotd.db", "evidence")
	if got := m.reloads(); !strings.Contains(got, "\nType=notify-reload\n") {
		t.Errorf("for systemd 257 the unit has\n%s", got)
	}
	if said := rpm("--upgrade", "--nodeps", newer); strings.Contains(said, firstSteps) {
		t.Errorf("an upgrade said\n%s", said)
	}
	m.wantInstalled(newerRelease)
	if got := m.read("etc/rotd/rotd.yaml"); got != mine {
		t.Errorf("the configuration was changed (-want +got):\n%s", cmp.Diff(mine, got))
	}
	if got := m.reloads(); got == "" {
		t.Error("an upgrade took the unit's addition away")
	}
	if said := rpm("--erase", "rotd"); !strings.Contains(said, "stays in /var/lib/private/rotd") {
		t.Errorf("what stays is not said:\n%s", said)
	}
	if left := m.files("usr/lib/systemd"); len(left) > 0 {
		t.Errorf("erasing left %q", left)
	}
	if diff := cmp.Diff([]string{"/etc/rotd/rotd.yaml.rpmsave"}, m.files("etc/rotd")); diff != "" {
		t.Errorf("after it was erased (-want +got):\n%s", diff)
	}
}

// sum is a file's name and hash.
func sum(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %x", filepath.Base(path), h.Sum(nil))
}
