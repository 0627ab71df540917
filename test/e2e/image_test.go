package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
	"rotd/test/crash/world"
)

// nobody is the image's user; what rotd writes to belongs to it.
const nobody = 65532

// manifest and imageConfig are what a registry keeps of an image, as far as it matters here.
type manifest struct {
	Config blob
	Layers []blob
}

type blob struct {
	Digest string
	Size   int
}

type imageConfig struct {
	Config struct {
		User        string
		Entrypoint  []string
		Cmd         []string
		Volumes     map[string]struct{}
		Healthcheck struct{ Test []string }
	}
}

// image builds the container image without an engine and returns the folder it is in.
func image(t *testing.T) (dir string) {
	t.Helper()
	if _, err := exec.LookPath("buildah"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no buildah: install it")
		}
		t.Skip("no buildah: install it")
	}
	if os.Getuid() != 0 {
		t.Skip("running an image's file system without a container engine takes root")
	}
	dir = t.TempDir()
	build := exec.CommandContext(t.Context(), "scripts/image.sh", "rotd", "v98.0.0", "0123456", "2026-01-02T03:04:05Z",
		dir)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the image: %v\n%s", err, out)
	}
	return dir
}

// read reads a blob of an image.
func (b blob) read(t *testing.T, dir string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(b.Digest, "sha256:")))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func decode[T any](t *testing.T, raw []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func manifestOf(t *testing.T, dir string) manifest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	return decode[manifest](t, raw)
}

// unpack unpacks a layer and returns what is in it.
func (b blob) unpack(t *testing.T, dir, root string) (names []string) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(b.read(t, dir)))
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
		path := filepath.Join(root, filepath.Clean("/"+header.Name))
		mode := header.FileInfo().Mode()
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, mode)
		} else {
			var content []byte
			if content, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(path, content, mode)
			}
		}
		if err = errors.Join(err, os.Chmod(path, mode), os.Chown(path, header.Uid, header.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheImage(t *testing.T) {
	t.Parallel()
	dir := image(t)
	t.Run("holds rotd and what it needs", func(t *testing.T) { holdsRotdAndWhatItNeeds(t, dir) })
	t.Run("runs as nobody on a read-only root", func(t *testing.T) { runsAsNobodyOnAReadOnlyRoot(t, dir) })
	t.Run("is the same when it is built again", func(t *testing.T) {
		if diff := cmp.Diff(manifestOf(t, dir), manifestOf(t, image(t))); diff != "" {
			t.Errorf("two builds of one commit differ (-first +second):\n%s", diff)
		}
	})
}

func holdsRotdAndWhatItNeeds(t *testing.T, dir string) {
	m := manifestOf(t, dir)
	got := decode[imageConfig](t, m.Config.read(t, dir)).Config
	if got.User != "65532:65532" || !slices.Equal(got.Entrypoint, []string{"/rotd"}) ||
		!slices.Equal(got.Cmd, []string{"run", "--config", "/etc/rotd/rotd.yaml"}) ||
		!slices.Equal(got.Healthcheck.Test, []string{"CMD", "/rotd", "health"}) {
		t.Errorf("the image's configuration is %+v", got)
	}
	if _, ok := got.Volumes["/var/lib/rotd"]; !ok {
		t.Errorf("volumes: %v", got.Volumes)
	}
	size := 0
	var files []string
	for _, layer := range m.Layers {
		size += layer.Size
		files = append(files, layer.unpack(t, dir, t.TempDir())...)
	}
	if most := 30_000_000; size > most {
		t.Errorf("the layers have %d bytes, want at most %d", size, most)
	}
	slices.Sort(files)
	want := []string{
		"etc/", "etc/ssl/", "etc/ssl/certs/", "etc/ssl/certs/ca-certificates.crt", "rotd", "run/", "run/rotd/", "var/",
		"var/lib/", "var/lib/rotd/",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// runsAsNobodyOnAReadOnlyRoot runs the image's file system as an engine would with --read-only: in mounts of its own,
// with nothing to write to but the state's volume and the socket's folder.
func runsAsNobodyOnAReadOnlyRoot(t *testing.T, dir string) {
	w := newWorld(t, world.Options{}, "cards")
	root, volume, sockets := filepath.Join(w.Dir, "root"), filepath.Join(w.Dir, "volume"), filepath.Join(w.Dir, "run")
	for _, layer := range manifestOf(t, dir).Layers {
		layer.unpack(t, dir, root)
	}
	for _, writable := range []string{volume, sockets} {
		if err := errors.Join(os.Mkdir(writable, 0o700), os.Chown(writable, nobody, nobody)); err != nil {
			t.Fatal(err)
		}
	}
	w.Client = admin.NewClient(filepath.Join(sockets, "rotd.sock"))
	t.Cleanup(w.Client.Close)
	w.Config = filepath.Join(root, "etc/rotd/rotd.yaml")
	if err := os.Mkdir(filepath.Dir(w.Config), 0o755); err != nil {
		t.Fatal(err)
	}
	err := w.Configure(w.StatePath, "/var/lib/rotd/rotd.db", w.Client.Socket(), "/run/rotd/rotd.sock",
		w.Dir+"/material", "/material")
	if err := errors.Join(err, os.Chown(w.Config, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) *exec.Cmd {
		const mounted = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
			mount --bind "$2" "$1/var/lib/rotd" && mount --bind "$3" "$1/run/rotd" &&
			root=$1 && shift 3 && exec chroot --userspec=65532:65532 --groups= "$root" "$@"`
		return exec.Command("unshare", append([]string{
			"--mount", "--", "sh", "-c", mounted, "sh", root, volume, sockets,
		}, args...)...)
	}
	w.Launch = func() *exec.Cmd { return inside("/rotd", "run", "--config", "/etc/rotd/rotd.yaml") }
	d := ready(t, w)
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	if out, err := inside("/rotd", "health").CombinedOutput(); err != nil {
		t.Errorf("the health check: %v\n%s", err, out)
	}
	if err := d.Stop(5 * time.Second); err != nil {
		t.Error(err)
	}
	if out, err := inside("/rotd", "health").CombinedOutput(); err == nil {
		t.Errorf("the health check of a daemon that is gone:\n%s", out)
	}
}
