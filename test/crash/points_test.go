package crash

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
)

// point is a moment in the daemon's talk with AWS.
type point struct {
	operation string
	when      awssim.When
	nth       int // request of this operation, from the daemon's first start on
}

func (p point) String() string {
	when := map[awssim.When]string{
		awssim.BeforeEffect: "before the effect", awssim.AfterEffect: "after the effect, unanswered",
		awssim.AfterAnswer: "after the answer",
	}
	return fmt.Sprintf("%s %d %s", p.operation, p.nth, when[p.when])
}

// changes are what the daemon asks of AWS that changes something, and at which of its requests it is killed. The first
// is made on a young state, a later one among much else. ReEncrypt, which the story does not ask for, has a test of its
// own in reencrypt_test.go.
var changes = map[string][]int{
	"ReceiveMessage":               {1, 4},
	"DeleteMessageBatch":           {1, 3},
	"ChangeMessageVisibilityBatch": {1},
	"Publish":                      {1, 2, 5},
	"RotateKeyOnDemand":            {1, 2},
	"EnableKeyRotation":            {1, 2, 3},
	"CreateKey":                    {1},
	"ReplicateKey":                 {1},
	"CreateGrant":                  {1},
	"UpdateAlias":                  {1},
	"TagResource":                  {1},
	"DeleteAlias":                  {1},
	"RevokeGrant":                  {1},
	"DisableKey":                   {1},
	"EnableKey":                    {1, 2},
	"CreateAlias":                  {1},
	"CancelKeyDeletion":            {1},
	"GetParametersForImport":       {1, 2}, // the token it gives has to be used
	"ImportKeyMaterial":            {1, 2},
}

// reads change nothing: before its effect and after it, unanswered, are the same moment.
var reads = []string{
	"GetQueueAttributes", "GetTopicAttributes", "DescribeKey", "GetKeyRotationStatus", "ListKeyRotations", "ListKeys",
	"ListAliases", "GetKeyPolicy", "ListResourceTags", "ListGrants", "GetKeyLastUsage", "GetCallerIdentity",
}

// operations are all that the daemon asks of AWS.
func operations() []string {
	all := slices.AppendSeq(slices.Clone(reads), maps.Keys(changes))
	slices.Sort(all)
	return all
}

// points are all points, in a fixed order.
func points() (all []point) {
	for _, operation := range slices.Sorted(maps.Keys(changes)) {
		for _, nth := range changes[operation] {
			for _, when := range []awssim.When{awssim.BeforeEffect, awssim.AfterEffect, awssim.AfterAnswer} {
				all = append(all, point{operation, when, nth})
			}
		}
	}
	for _, operation := range reads {
		all = append(all, point{operation, awssim.AfterEffect, 1}, point{operation, awssim.AfterAnswer, 1})
	}
	return all
}

// fault kills the daemon at the point.
func (s *story) fault(p point) awssim.Fault {
	return awssim.Fault{
		Operation: p.operation, Nth: p.nth, Times: 1, When: p.when,
		Match:          func(in awssim.Incoming) bool { return s.w.IsRotd(in.AccessKeyID) },
		DropConnection: p.when != awssim.AfterAnswer,
		Do:             func() { s.lives.kill() },
	}
}

// TestEveryPoint kills the daemon once at each point, each time in a world of its own.
func TestEveryPoint(t *testing.T) {
	var kills atomic.Int64
	all := points()
	t.Run("killed", func(t *testing.T) {
		for i, p := range all {
			t.Run(p.String(), func(t *testing.T) {
				t.Parallel()
				s := newStory(t, *seedFlag+uint64(i), 1, 5)
				var planned *awssim.PlannedFault
				s.play(t, func() { planned = s.w.Sim.Plan(s.fault(p)) }, nobody)
				if planned.Fired() == 0 {
					t.Errorf("the point was never reached")
				}
				_, n := s.lives.counts()
				kills.Add(int64(n))
			})
		}
	})
	t.Logf("%d points, %d kills, seed %d", len(all), kills.Load(), *seedFlag)
	if n := int(kills.Load()); n != len(all) && !t.Failed() {
		t.Errorf("%d kills at %d points", n, len(all))
	}
}

// TestEveryOperationIsAPoint plays the story without a kill: it must come out, and ask AWS for nothing that the points
// forget.
func TestEveryOperationIsAPoint(t *testing.T) {
	t.Parallel()
	s := newStory(t, *seedFlag, 1, 5)
	s.play(t, func() {}, nobody)
	asked := map[string]bool{}
	for _, r := range s.w.Sim.Requests() {
		if s.w.ByRotd(r) {
			asked[r.Operation] = true
		}
	}
	if diff := cmp.Diff(operations(), slices.Sorted(maps.Keys(asked))); diff != "" {
		t.Errorf("operations with points and operations asked for (-points +asked):\n%s", diff)
	}
}

// play plays the whole story: prepare runs before the daemon starts, alongside beside it, judgement comes last.
func (s *story) play(t *testing.T, prepare func(), alongside func(context.Context) error) {
	t.Helper()
	prepare()
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.lives.abandon)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	beside := make(chan error, 1)
	go func() { beside <- alongside(ctx) }()
	if err := s.tell(ctx); err != nil {
		t.Fatalf("%v\n%s", err, s.lives.log())
	}
	if err := <-beside; err != nil {
		t.Fatalf("%v\n%s", err, s.lives.log())
	}
	if err := s.lives.stop(); err != nil {
		t.Fatalf("%v\n%s", err, s.lives.log())
	}
	if err := s.tellTheRest(ctx); err != nil {
		t.Fatal(err)
	}
	s.judge(t)
}

// nobody does nothing beside the daemon.
func nobody(context.Context) error { return nil }
