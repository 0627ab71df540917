package admin

import (
	"errors"
	"fmt"
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who connected.
func peerOf(conn net.Conn) (Peer, error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return Peer{}, errors.New("not a unix socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("ask who is calling: %w", err)
	}
	var cred *unix.Ucred
	var groups []uint32
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		groups = peerGroups(fd)
	}); err != nil {
		return Peer{}, fmt.Errorf("ask who is calling: %w", err)
	}
	if failed != nil {
		return Peer{}, fmt.Errorf("ask who is calling: %w", failed)
	}
	return Peer{UID: cred.Uid, GID: cred.Gid, PID: cred.Pid, Groups: groups}, nil
}

// maxGroups is Linux's limit for a process.
const maxGroups = 65536

// peerGroups asks for the groups the peer had when it connected. The kernel's word also holds where groups come from a
// directory service, which a lookup in /etc/group would not find. Without it only the peer's own group is known.
func peerGroups(fd uintptr) []uint32 {
	for most := 64; most <= maxGroups; most *= 32 {
		groups := make([]uint32, most)
		size := uint32(most * 4)
		//nolint:gosec // golang.org/x/sys/unix has SO_PEERGROUPS, but no function that returns a list of numbers
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch errno {
		case 0:
			return groups[:size/4]
		case unix.ERANGE: // there are more
		default:
			return nil
		}
	}
	return nil
}
