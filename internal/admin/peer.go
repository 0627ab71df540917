package admin

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"strconv"
)

// Peer is the process at the other end of the socket, as the kernel knows it.
type Peer struct {
	UID, GID uint32
	PID      int32
	Groups   []uint32 // the others it is in, as the kernel has them; nil: the kernel does not say
}

// Requester names the peer's user as actions and the audit log have it: `uid:1000 (name)`, or `uid:1000` when this
// system has no name for it.
func (p Peer) Requester() string {
	uid := strconv.FormatUint(uint64(p.UID), 10)
	u, err := user.LookupId(uid)
	if err != nil || u.Username == "" {
		return "uid:" + uid
	}
	return fmt.Sprintf("uid:%s (%s)", uid, u.Username)
}

type peerKey struct{}

// withPeer is the server's ConnContext. A connection whose peer cannot be told has none, and may not act.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	peer, err := peerOf(conn)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, peer)
}

func peerFrom(ctx context.Context) (Peer, bool) {
	peer, ok := ctx.Value(peerKey{}).(Peer)
	return peer, ok
}
