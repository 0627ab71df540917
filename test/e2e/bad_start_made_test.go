package e2e

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.etcd.io/bbolt"

	"rotd/internal/state"
	"rotd/test/crash/world"
)

func noConfiguration(t *testing.T, w *world.World) {
	if err := os.Remove(w.Config); err != nil {
		t.Fatal(err)
	}
}

func mistake(t *testing.T, w *world.World) {
	if err := w.Configure("mode: enforce", "mode: enforced"); err != nil {
		t.Fatal(err)
	}
}

// launch has the daemon started by a program before it in the command line.
func launch(t *testing.T, w *world.World, program string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no %s here", program)
	}
	rotd, err := w.Command(t.Context(), "run", "--config", w.Config)
	if err != nil {
		t.Fatal(err)
	}
	w.Launch = func() *exec.Cmd { return exec.Command(program, append(args, rotd.Args...)...) }
	try := exec.CommandContext(t.Context(), program, append(args, "true")...)
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("%s cannot do that here: %v\n%s", program, err, out)
	}
}

// withoutOverride takes root's right to open everything from the daemon.
func withoutOverride(t *testing.T, w *world.World) {
	t.Helper()
	if os.Geteuid() == 0 {
		launch(t, w, "setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
	}
}

func secretConfiguration(t *testing.T, w *world.World) {
	if err := os.Chmod(w.Config, 0); err != nil {
		t.Fatal(err)
	}
	withoutOverride(t, w)
}

// stateFolder gives the state a folder of its own.
func stateFolder(t *testing.T, w *world.World) (folder string) {
	t.Helper()
	folder = filepath.Join(w.Dir, "state")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	before := w.StatePath
	w.StatePath = filepath.Join(folder, filepath.Base(before))
	if err := w.Configure(); err != nil {
		t.Fatal(err)
	}
	return folder
}

func secretState(t *testing.T, w *world.World) {
	folder := stateFolder(t, w)
	if err := os.Chmod(folder, 0); err != nil {
		t.Fatal(err)
	}
	withoutOverride(t, w)
}

// mounted starts the daemon in a mount namespace in which a script was run, with the state's folder as its $0.
func mounted(t *testing.T, w *world.World, script string) {
	t.Helper()
	launch(t, w, "unshare", "--mount", "sh", "-ec", script+"\nexec \"$@\"", stateFolder(t, w))
}

func readOnlyState(t *testing.T, w *world.World) {
	mounted(t, w, `mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"`)
}

func fullDisk(t *testing.T, w *world.World) { mounted(t, w, `mount -t tmpfs -o size=16k tmpfs "$0"`) }

func smallDisk(t *testing.T, w *world.World) { mounted(t, w, `mount -t tmpfs -o size=2m tmpfs "$0"`) }

// ballast is a file on the daemon's disk, which nobody but the daemon sees.
func ballast(w *world.World, d *world.Daemon) string {
	return filepath.Join("/proc", strconv.Itoa(d.Pid()), "root", filepath.Dir(w.StatePath), "ballast")
}

func fillDisk(t *testing.T, w *world.World, d *world.Daemon) {
	if err := os.WriteFile(ballast(w, d), make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for range 10 { // to be kept, as nobody can read it
		if _, err := w.Sim.Send(w.Queue, strings.Repeat("no event ", 10_000)); err != nil {
			t.Fatal(err)
		}
	}
}

func makeRoom(t *testing.T, w *world.World, d *world.Daemon) {
	if err := os.Remove(ballast(w, d)); err != nil {
		t.Fatal(err)
	}
}

func newerState(t *testing.T, w *world.World) {
	db, err := state.Open(state.Options{Path: w.StatePath, Shard: "default", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	bolt, err := bbolt.Open(w.StatePath, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer bolt.Close()
	err = bolt.Update(func(tx *bbolt.Tx) error {
		newer := binary.BigEndian.AppendUint64(nil, state.SchemaVersion+1)
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), newer)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func twoOnOneState(t *testing.T, w *world.World) { ready(t, w) }

func twoOnOneSocket(t *testing.T, w *world.World) {
	ready(t, w)
	stateFolder(t, w)
}

func othersSocket(t *testing.T, w *world.World) { listen(t, "unix", w.Client.Socket()) }

func fileAsSocket(t *testing.T, w *world.World) {
	if err := os.WriteFile(w.Client.Socket(), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if kept, err := os.ReadFile(w.Client.Socket()); err != nil || string(kept) != "precious" {
			t.Errorf("the file holds %q (%v)", kept, err)
		}
	})
}

func socketNowhere(t *testing.T, w *world.World) {
	if err := w.Configure(w.Client.Socket(), filepath.Join(w.Dir, "nowhere", "rotd.sock")); err != nil {
		t.Fatal(err)
	}
}

// listen takes an address, and connections to it, and says nothing to them.
func listen(t *testing.T, network, address string) (taken string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

func takenAddress(t *testing.T, w *world.World) {
	w.HTTP = listen(t, "tcp", "127.0.0.1:0")
	if err := w.Configure(); err != nil {
		t.Fatal(err)
	}
}

func noRegion(_ *testing.T, w *world.World) { w.Environment = append(w.Environment, "AWS_REGION=") }

func noProfile(_ *testing.T, w *world.World) {
	w.Environment = append(w.Environment, "AWS_PROFILE=nobody")
}

func noCredentials(_ *testing.T, w *world.World) {
	w.Environment = append(w.Environment, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=")
}

// silentMetadata has the credentials asked of a service that takes connections and never answers.
func silentMetadata(t *testing.T, w *world.World) {
	noCredentials(t, w)
	w.Environment = append(w.Environment, "AWS_EC2_METADATA_DISABLED=false",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT=http://"+listen(t, "tcp", "127.0.0.1:0"))
}

func silentAWS(t *testing.T, w *world.World) {
	w.Environment = append(w.Environment, "AWS_ENDPOINT_URL_STS=http://"+listen(t, "tcp", "127.0.0.1:0"))
}

func unknownKey(_ *testing.T, w *world.World) {
	w.Environment = append(w.Environment, "AWS_ACCESS_KEY_ID=AKIANOBODY", "AWS_SESSION_TOKEN=")
}

// noSuchRegion has the daemon look for AWS itself, where there is no network to find it on.
func noSuchRegion(t *testing.T, w *world.World) {
	launch(t, w, "unshare", "--net", "sh", "-ec", `ip link set lo up; exec "$@"`, "sh")
	w.Environment = append(w.Environment, "AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_STS=", "AWS_REGION=xx-nowhere-9")
}

func lostState(t *testing.T, w *world.World) {
	err := w.Configure("state: {path: "+w.StatePath+"}",
		"state: {path: "+w.StatePath+", snapshots: {to: s3://backups/rotd}}")
	if err != nil {
		t.Fatal(err)
	}
	noCredentials(t, w)
}

func emptyRegion(t *testing.T, w *world.World) {
	if err := w.Configure("regions: ["+world.Region+"]", "regions: [eu-west-1]"); err != nil {
		t.Fatal(err)
	}
}

func otherRegion(_ *testing.T, w *world.World) {
	w.Environment = append(w.Environment, "AWS_REGION=eu-west-1")
}

func createQueueThere(_ *testing.T, w *world.World, _ *world.Daemon) {
	w.Sim.CreateQueue("eu-west-1", world.Account, "rotd")
}

func noQueue(t *testing.T, w *world.World) { deleteQueue(t, w, nil) }

func deleteQueue(t *testing.T, w *world.World, _ *world.Daemon) {
	client := sqs.NewFromConfig(w.Sim.As(w.App, world.Region))
	if _, err := client.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(w.Queue)}); err != nil {
		t.Fatal(err)
	}
}

func createQueue(_ *testing.T, w *world.World, _ *world.Daemon) {
	w.Sim.CreateQueue(world.Region, world.Account, "rotd")
}
