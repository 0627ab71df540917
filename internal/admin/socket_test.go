package admin

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// leave makes what a daemon that died leaves behind: a socket's file that nobody listens on.
func leave(t *testing.T, path string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
}

func TestListen(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		path    string // below the directory; default s
		want    string // "" when it listens
	}{
		{name: "where nothing is"},
		{name: "where a daemon died", prepare: leave},
		{
			name: "where a daemon lives",
			prepare: func(t *testing.T, path string) {
				listener, err := Listen(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { listener.Close() })
			},
			want: "listen on SOCKET: another daemon is listening there; stop it first, or give this one a socket of its " +
				"own (admin.socket)",
		},
		{
			name: "where a file is",
			prepare: func(t *testing.T, path string) {
				if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			want: "listen on SOCKET: there is a file in its place that is no socket; rotd does not remove it",
		},
		{
			name: "where a link leads to a socket",
			prepare: func(t *testing.T, path string) {
				leave(t, path+"2")
				if err := os.Symlink(path+"2", path); err != nil {
					t.Fatal(err)
				}
			},
			want: "listen on SOCKET: there is a file in its place that is no socket; rotd does not remove it",
		},
		{
			name: "in a directory that is not there", path: "run/s",
			want: "listen on SOCKET: the directory DIR does not exist; create it, writable for rotd alone",
		},
		{
			name: "in a file", path: "run/s",
			prepare: func(t *testing.T, path string) {
				if err := os.WriteFile(filepath.Dir(path), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			want: "listen on SOCKET: DIR is not a directory",
		},
		{
			name: "in a directory that is everybody's",
			prepare: func(t *testing.T, path string) {
				if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
			},
			want: "listen on SOCKET: anybody may write to the directory DIR and replace the socket; chmod o-w it",
		},
		{
			name: "in a directory for temporary files",
			prepare: func(t *testing.T, path string) {
				if err := os.Chmod(filepath.Dir(path), 0o777|fs.ModeSticky); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "at a path that is too long", path: strings.Repeat("x", maxSocketPath),
			want: "are too long for a unix socket, at most 107 are possible",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			if test.path != "" {
				path = filepath.Join(filepath.Dir(path), test.path)
			}
			if test.prepare != nil {
				test.prepare(t, path)
			}
			listener, err := Listen(t.Context(), path)
			if listener != nil {
				defer listener.Close()
			}
			got := short(err, path)
			if test.want == "" && got != "" || !strings.HasSuffix(got, test.want) {
				t.Fatalf("error %q, want %q", got, test.want)
			}
			if test.want != "" {
				return
			}
			info, err := os.Lstat(path)
			if err != nil || info.Mode() != fs.ModeSocket|SocketMode {
				t.Errorf("mode %v, error %v", info.Mode(), err)
			}
		})
	}
}

func TestLivingDaemonIsToldApart(t *testing.T) {
	socket, _ := serve(t, &fakeBackend{}, zap.NewNop())
	if _, err := Listen(t.Context(), socket); !errors.Is(err, ErrInUse) {
		t.Errorf("error %v", err)
	}
	if _, err := clientOf(t, socket).Ready(t.Context()); err != nil {
		t.Errorf("the living daemon was disturbed: %v", err)
	}
}

func TestSocketIsNeverOpenToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	listener, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != SocketMode {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestStopLeavesAnothersSocket(t *testing.T) {
	socket, stop := serve(t, &fakeBackend{}, zap.NewNop())
	if _, err := clientOf(t, socket).Ready(t.Context()); err != nil { // then it has looked at its socket
		t.Fatal(err)
	}
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	leave(t, socket)
	if err := os.Chtimes(socket, noon, noon); err != nil { // file systems' clocks are coarse
		t.Fatal(err)
	}
	stop()
	if _, err := os.Lstat(socket); err != nil {
		t.Errorf("the other's socket: %v", err)
	}
}

func TestPeerIsWhoTheKernelSays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	got, known := peerFrom(withPeer(t.Context(), accepted))
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	want := Peer{UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), PID: int32(os.Getpid()), Groups: []uint32{}}
	for _, gid := range groups {
		want.Groups = append(want.Groups, uint32(gid))
	}
	if diff := cmp.Diff(want, got); diff != "" || !known {
		t.Errorf("known %v, peer (-want +got):\n%s", known, diff)
	}
	if name := (Peer{UID: 4_000_000_000}).Requester(); name != "uid:4000000000" {
		t.Errorf("a user without a name is %q", name)
	}
	if _, known := peerFrom(withPeer(context.WithoutCancel(t.Context()), &net.TCPConn{})); known {
		t.Error("a TCP connection has a peer")
	}
}
