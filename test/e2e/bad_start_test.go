package e2e

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.etcd.io/bbolt"

	"rotd/internal/admin"
	"rotd/internal/state"
	"rotd/test/crash/world"
)

// badStart makes what a row of the documentation's table "When it will not start" tells of.
type badStart struct {
	before func(t *testing.T, w *world.World)
	during func(t *testing.T, w *world.World, d *world.Daemon) // once it is ready; nil: it is bad from the start
	mend   func(t *testing.T, w *world.World, d *world.Daemon) // nil: it is not mended under the running daemon
	o      world.Options
}

// badStarts are the rows' by what they say there is.
func badStarts() map[string]badStart {
	return map[string]badStart{
		"no configuration file":                        {before: noConfiguration},
		"a configuration file that rotd may not read":  {before: secretConfiguration},
		"a mistake in the configuration":               {before: mistake},
		"a folder of the state that is read-only":      {before: readOnlyState},
		"a folder of the state that rotd may not open": {before: secretState},
		"a full disk":                                            {before: fullDisk},
		"a disk that fills up while rotd runs":                   {before: smallDisk, during: fillDisk, mend: makeRoom},
		"a state of a newer rotd":                                {before: newerState},
		"a second rotd on one state":                             {before: twoOnOneState},
		"a socket that another rotd answers on":                  {before: twoOnOneSocket},
		"a socket that another program listens on":               {before: othersSocket},
		"a file in the socket's place":                           {before: fileAsSocket},
		"no folder for the socket":                               {before: socketNowhere},
		"somebody else on the status address":                    {before: takenAddress},
		"no Region":                                              {before: noRegion},
		"an AWS profile that is not there":                       {before: noProfile},
		"no AWS credentials":                                     {before: noCredentials},
		"credentials of a metadata service that does not answer": {before: silentMetadata},
		"an access key that AWS does not know":                   {before: unknownKey},
		"a Region that does not exist":                           {before: noSuchRegion},
		"a network that swallows what rotd sends":                {before: silentAWS},
		"no state, and no way to its snapshots":                  {before: lostState},
		"a Region without any key":                               {before: emptyRegion},
		"a queue in another Region":                              {before: otherRegion, mend: createQueueThere},
		"a queue that is not there":                              {before: noQueue, mend: createQueue},
		"a queue that is deleted while rotd runs":                {during: deleteQueue, mend: createQueue},
		"a clock that is off":                                    {o: world.Options{ClockAhead: -time.Hour}},
	}
}

// badStartRow is a row of the table: what rotd says has … for what differs.
var badStartRow = regexp.MustCompile("(?m)^\\| (.*) \\| `(.*)` \\| (?:(waits)|(runs)|ends with ([0-9])) \\| .* \\|$")

// TestWhatKeepsRotdFromStartingIsDocumentedAndSaid makes what each row of the table tells of, and wants rotd to say and
// do what stands there.
func TestWhatKeepsRotdFromStartingIsDocumentedAndSaid(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## When it will not start\n")
	section, _, _ = strings.Cut(section, "\n## ")
	all := badStarts()
	rows := badStartRow.FindAllStringSubmatch(section, -1)
	if len(rows) != len(all) || strings.Count(section, "\n| ") != len(rows)+1 {
		t.Errorf("%d rows, of which %d can be read; %d are tested", strings.Count(section, "\n| ")-1, len(rows), len(all))
	}
	for _, row := range rows {
		bad, ok := all[row[1]]
		if !ok {
			t.Errorf("nobody tests %q", row[1])
			continue
		}
		says := regexp.MustCompile("(?s)" + strings.ReplaceAll(regexp.QuoteMeta(row[2]), "…", ".*"))
		t.Run(row[1], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, bad.o, "cards")
			if bad.before != nil {
				bad.before(t, w)
			}
			d := run(t, w)
			if bad.during != nil {
				if err := d.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				bad.during(t, w, d)
			}
			if row[5] != "" {
				wantEnd(t, d, row[5])
			} else {
				wantWord(t, w, says, row[4] != "")
			}
			if row[4] == "" {
				until(t, "the log to say "+row[2], func() bool { return says.MatchString(d.Log.String()) })
			}
			if bad.mend != nil {
				bad.mend(t, w, d)
				until(t, "rotd to be ready by itself", func() bool {
					r, err := w.Client.Ready(t.Context())
					return err == nil && r.Ready
				})
			}
			if row[5] == "" {
				if err := d.Stop(20 * time.Second); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestTheSocketOfADeadRotdIsTakenOver starts rotd where one was killed.
func TestTheSocketOfADeadRotdIsTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	ready(t, w).Kill()
	if info, err := os.Lstat(w.Client.Socket()); err != nil || info.Mode().Type() != os.ModeSocket {
		t.Fatalf("the dead one left %v (%v)", info, err)
	}
	ready(t, w)
}

func wantEnd(t *testing.T, d *world.Daemon, status string) {
	t.Helper()
	if got, err := d.ExitStatus(patience); err != nil || strconv.Itoa(got) != status {
		t.Errorf("exit status %d (%v), want %s", got, err, status)
	}
}

// wantWord waits until the daemon says what it waits for; one that does its work says so in its status.
func wantWord(t *testing.T, w *world.World, says *regexp.Regexp, runs bool) {
	t.Helper()
	until(t, "rotd to say "+says.String(), func() bool {
		r, err := w.Client.Ready(t.Context())
		if err != nil || r.Ready != runs {
			return false
		}
		if !runs {
			return says.MatchString(strings.Join(r.Reasons, "\n"))
		}
		s, err := w.Client.Status(t.Context())
		return err == nil && slices.ContainsFunc(s.Troubles, func(trouble admin.Trouble) bool {
			return says.MatchString(trouble.What)
		})
	})
}

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
