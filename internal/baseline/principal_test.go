package baseline

import (
	"testing"
	"time"
)

func TestWhichNetworksAreNewToAPrincipal(t *testing.T) {
	var p Principal
	steps := []struct {
		name    string
		network uint64
		when    time.Time
		isNew   bool
		others  int
		moves   int
	}{
		{"the first is new", 10, at(0, 9, 0), true, 0, 0},
		{"again it is not", 10, at(0, 9, 5), false, 1, 0},
		{"a service's call comes from none", 0, at(1, 9, 0), false, 1, 0},
		{"another in the first day counts as no move", 11, at(0, 20, 0), true, 1, 0},
		{"one after weeks is new", 12, at(20, 9, 0), true, 2, 0},
		{"and the next knows of that move", 13, at(21, 9, 0), true, 3, 1},
		{"an old one told of late is known", 10, at(19, 9, 0), false, 4, 0},
	}
	for _, step := range steps {
		var o Observed
		p.Observe(&Use{At: step.when, Network: step.network}, &o)
		if o.NewNetwork != step.isNew || o.OtherNetworks != step.others || o.NewNetworks != step.moves {
			t.Errorf("%s: new %v beside %d, %d moves; want %v, %d, %d", step.name, o.NewNetwork, o.OtherNetworks,
				o.NewNetworks, step.isNew, step.others, step.moves)
		}
	}
	if want := at(21, 9, 0); !p.Last().Equal(want) {
		t.Errorf("last seen %s, want %s", p.Last(), want)
	}
}

func TestOfAPrincipalWithTooManyNetworksNoneIsNew(t *testing.T) {
	var p Principal
	for i := range MaxNetworks + 2 {
		var o Observed
		p.Observe(&Use{At: at(0, 0, i), Network: uint64(100 - i)}, &o)
		if want := i <= MaxNetworks; o.NewNetwork != want {
			t.Fatalf("network %d: new %v, want %v", i, o.NewNetwork, want)
		}
	}
	if len(p.networks) != MaxNetworks {
		t.Errorf("%d networks are kept, want %d", len(p.networks), MaxNetworks)
	}
}
