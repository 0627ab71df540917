package world

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"rotd/internal/awssim"
)

// lives are the credentials of the daemons of a world: each assumes the role anew, as an ECS task does.
type lives struct {
	mu   sync.Mutex
	n    int
	keys map[string]bool // their access key ids
}

const rotdSession = "rotd-daemon-"

// nextLife makes the credentials of another daemon.
func (w *World) nextLife() (p awssim.Principal, life int, err error) {
	w.lives.mu.Lock()
	defer w.lives.mu.Unlock()
	w.lives.n++
	p = role(w.Sim, "rotd", rotdSession+strconv.Itoa(w.lives.n))
	if w.lives.keys == nil {
		w.lives.keys = make(map[string]bool)
	}
	w.lives.keys[p.AccessKeyID] = true
	if w.Policy != "" {
		err = w.Sim.SetPolicy(p.AccessKeyID, w.Policy)
	}
	return p, w.lives.n, err
}

// IsRotd reports whether an access key is one of the daemons'.
func (w *World) IsRotd(accessKeyID string) bool {
	w.lives.mu.Lock()
	defer w.lives.mu.Unlock()
	return w.lives.keys[accessKeyID]
}

// ByRotd chooses the daemons' requests.
func (w *World) ByRotd(r awssim.Request) bool { return w.IsRotd(r.AccessKeyID) }

// lifeOf is the life of the daemon with this principal.
func lifeOf(principalARN string) (int, error) {
	_, number, ok := strings.Cut(principalARN, "/"+rotdSession)
	life, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q published, which is no rotd", principalARN)
	}
	return life, nil
}
