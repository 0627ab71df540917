package e2e

import (
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"rotd/test/crash/world"
)

// manager is systemd as far as a service sees it: the socket it notifies, and the notifications in their order.
func manager(t *testing.T, w *world.World) <-chan string {
	t.Helper()
	path := filepath.Join(w.Dir, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 4096)
		for {
			n, err := socket.Read(buffer)
			if err != nil {
				return
			}
			heard <- string(buffer[:n])
		}
	}()
	t.Cleanup(func() {
		socket.Close()
		<-ended
	})
	w.Environment = append(w.Environment, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=100000")
	return heard
}

// hears waits for a notification, passing over others that may come at any time, and returns it.
func hears(t *testing.T, heard <-chan string, want string, others ...string) string {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case got := <-heard:
			if regexp.MustCompile("^(?:" + want + ")$").MatchString(got) {
				return got
			}
			if !slices.Contains(others, got) {
				t.Fatalf("systemd was told %q, want %s", got, want)
			}
		case <-limit:
			t.Fatalf("systemd was never told %s", want)
		}
	}
}

// TestSystemdIsToldWhatRotdDoes plays the service manager: a unit of Type=notify or notify-reload goes by these words.
func TestSystemdIsToldWhatRotdDoes(t *testing.T) {
	t.Parallel()
	const alive = "WATCHDOG=1"
	w := newWorld(t, world.Options{}, "cards")
	if err := w.Configure(); err != nil {
		t.Fatal(err)
	}
	heard := manager(t, w)
	d := run(t, w)
	hears(t, heard, "READY=1", "STATUS=opening the state\nEXTEND_TIMEOUT_USEC=60000000")
	if _, err := w.Client.Status(t.Context()); err != nil {
		t.Errorf("systemd was told that rotd runs, and status was answered %v", err)
	}
	hears(t, heard, alive)
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	hears(t, heard, `RELOADING=1\nMONOTONIC_USEC=[0-9]+\n?`, alive)
	hears(t, heard, "READY=1", alive)
	if err := d.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hears(t, heard, "STOPPING=1", alive)
	if status, err := d.ExitStatus(20 * time.Second); err != nil || status != 0 {
		t.Errorf("exit status %d (%v)", status, err)
	}
}
