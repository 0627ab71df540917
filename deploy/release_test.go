package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// release runs the script behind `make release`, with a key of minisign's or none, and returns what it said.
func release(t *testing.T, version, dir, key string) (said string, err error) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "scripts/release.sh", version, "0123456", packagedOn, dir)
	build.Dir = ".."
	build.Env = append(os.Environ(), "ARCHITECTURES="+runtime.GOARCH, "MINISIGN_KEY="+key, "COSIGN_KEY=")
	out, err := build.CombinedOutput()
	return string(out), err
}

func TestWhatIsNoReleaseIsRefused(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	unusable := "cannot read MINISIGN_KEY=/nowhere"
	if _, err := exec.LookPath("minisign"); err != nil {
		unusable = "MINISIGN_KEY is given, but there is no minisign: install it"
	}
	for _, test := range []struct{ name, version, dir, key, want string }{
		{name: "a commit without a tag", version: "0123456", want: "the commit has no tag such as v1.2.3"},
		{name: "a commit after its tag", version: "v1.2.3-4-g0123456", want: "v1.2.3-4-g0123456 is no release"},
		{name: "a tree with changes", version: "v1.2.3-dirty", want: "v1.2.3-dirty is no release: commit, and tag that"},
		{name: "a key that is not there", version: "v1.2.3", key: "/nowhere", want: unusable},
		{name: "a directory with something in it", version: "v1.2.3", dir: full, want: full + " is not empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := test.dir
			if dir == "" {
				dir = filepath.Join(t.TempDir(), "dist")
			}
			said, err := release(t, test.version, dir, test.key)
			if err == nil || !strings.Contains(said, test.want) {
				t.Errorf("%v: %s", err, said)
			}
			if made, _ := filepath.Glob(dir + "/*"); dir != full && len(made) > 0 {
				t.Errorf("made all the same: %q", made)
			}
		})
	}
}

// signedRelease makes a release and returns where it is, and the public key of its signature.
func signedRelease(t *testing.T, version string) (dist, public string) {
	t.Helper()
	keys := t.TempDir()
	dist, public = filepath.Join(t.TempDir(), "dist"), filepath.Join(keys, "rotd.pub")
	secret := filepath.Join(keys, "rotd.key")
	does(t, keys, "minisign", "-G", "-W", "-p", public, "-s", secret)
	if said, err := release(t, version, dist, secret); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return dist, public
}

// does runs a program in a directory and wants it to succeed.
func does(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	run := exec.CommandContext(t.Context(), program, args...)
	run.Dir = dir
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

func isWholeAndSigned(t *testing.T, version, dist, public string) {
	name := "rotd-" + version + "-linux-" + runtime.GOARCH
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".deb" && ext != ".rpm" { // whose names are the package managers'
			made = append(made, e.Name())
		}
	}
	want := []string{"SHA256SUMS", "SHA256SUMS.minisig", name + ".tar.gz", "rotd-" + version + ".cdx.json"}
	slices.Sort(want)
	if diff := cmp.Diff(want, made); diff != "" || len(entries) != len(want)+2 {
		t.Errorf("%d files (-want +made):\n%s", len(entries), diff)
	}
	if sums := does(t, dist, "sha256sum", "-c", "SHA256SUMS"); strings.Count(sums, ": OK\n") != 4 {
		t.Errorf("the sums are of other files:\n%s", sums)
	}
	said := does(t, dist, "minisign", "-V", "-p", public, "-m", "SHA256SUMS")
	if !strings.Contains(said, "rotd "+version) {
		t.Errorf("the signature says not what it is of: %s", said)
	}

	root := t.TempDir()
	does(t, dist, "tar", "-xzf", name+".tar.gz", "-C", root)
	unpacked := filepath.Join(root, name)
	if said := does(t, unpacked, "./rotd", "version"); !strings.HasPrefix(said, "rotd "+version+" (commit 0123456, ") {
		t.Errorf("rotd version: %s", said)
	}
	for _, part := range []string{
		"LICENSE", "README.md", "CHANGELOG.md", "docs/install.md", "deploy/systemd/rotd.service",
	} {
		if _, err := os.Stat(filepath.Join(unpacked, part)); err != nil {
			t.Errorf("the archive: %v", err)
		}
	}
	wantParts(t, filepath.Join(dist, "rotd-"+version+".cdx.json"))
}

// wantParts wants a parts list to name what rotd is built from.
func wantParts(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct {
			Name, Version string
		} `json:"components"`
	}
	if err := json.Unmarshal(content, &list); err != nil || list.BOMFormat != "CycloneDX" {
		t.Fatalf("%v: %.200s", err, content)
	}
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"go.etcd.io/bbolt", "go.uber.org/zap", "github.com/robfig/cron/v3"} {
		if !slices.ContainsFunc(list.Components, func(c struct{ Name, Version string }) bool {
			return c.Name == part && strings.Contains(string(module), part+" "+c.Version)
		}) {
			t.Errorf("the parts list has not go.mod's %s", part)
		}
	}
}
