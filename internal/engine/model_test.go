package engine

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"pgregory.net/rapid"

	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// TestRandomPlansOnARealState runs the engine on a real state against a simulated AWS through random plans: people ask
// for rotations, replacements and containments, approve, pause and change modes, strangers change keys, KMS throttles,
// refuses, loses answers and shows changes late, and the engine dies at any moment and begins anew on what was
// committed. Whatever happens:
//
//   - every changing call has its entry in the audit log before it arrives, and one action that asked for it, the only
//     one under way on its key;
//   - an action has at most one rotation, one new key, and one move of each alias;
//   - nothing automatic begins while rotd is paused, unarmed, only watches, has just started or is over budget, and
//     nothing unapproved in mode propose;
//   - every action ends, or goes on within its deadline, and ends as what KMS shows.
//
// All of it is judged by what AWS saw and what the audit log says, not by what the engine says of itself.
func TestRandomPlansOnARealState(t *testing.T) {
	const each = 2 // plans a check: rapid makes a hundred checks of its own accord
	if memory := "/dev/shm"; isFolder(memory) {
		t.Setenv("TMPDIR", memory) // nobody pulls the plug here, and a disk would take most of the time
	}
	rapid.Check(t, func(rt *rapid.T) {
		seed, salt := rapid.Uint64().Draw(rt, "seed"), rapid.Uint64().Draw(rt, "salt")
		steps := rapid.IntRange(5, 12).Draw(rt, "steps")
		for nth := range uint64(each) {
			m := &model{seed: [2]uint64{seed, salt + nth<<32}}
			synctest.Test(t, func(t *testing.T) { m.run(t, steps) })
			if len(m.broken) > 0 {
				rt.Fatalf("%s\n\nthe story:\n%s", strings.Join(m.broken, "\n"), strings.Join(m.story, "\n"))
			}
		}
	})
}

// model is one plan and its world: a simulated AWS, the engine's lives on it, and a witness who believes neither.
type model struct {
	*testing.T
	seed    [2]uint64
	dice    *rand.Rand
	hostile int // how often things go wrong, 0 to 4
	began   time.Time
	sim     *awssim.Sim
	pipes   *pipes
	dir     string
	stale   time.Duration     // for which KMS does not show a change
	keys    map[string]string // by alias as it is at first, ARNs
	faults  []*awssim.PlannedFault
	people  sync.WaitGroup // requests under way

	engineer awssim.Principal // who has hands on the keys too

	life  *life
	lived []*life

	mu       sync.Mutex // held while a life ends, and by whoever needs it to live on; guards what follows
	settings Settings
	regimes  []regime
	peace    bool // nobody dies any more

	witness
}

// Limits that the model holds rotd to.
const (
	modelHourly   = 3
	modelReserve  = 5
	modelCooldown = 10 * time.Minute
	modelHold     = time.Minute
	modelSettle   = 2 * time.Minute
	modelTTL      = 15 * time.Minute
)

// run plays a plan of so many steps, lets everything come to its end, and judges.
func (m *model) run(t *testing.T, steps int) {
	m.T, m.began, m.dir, m.pipes = t, time.Now(), t.TempDir(), newPipes()
	m.roll(0)
	m.hostile = m.dice.IntN(5)
	m.sim = awssim.New(awssim.Options{Seed: m.seed[0]})
	server := &http.Server{Handler: m.sim, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(m.pipes); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	m.settings = configured()
	m.engineer = m.sim.NewAccessKey(account, "engineer")
	m.makeKeys()
	m.watch()
	m.begin()
	m.sweep(Inventory)
	m.setUp()
	for i := range steps {
		m.roll(uint64(i) + 1)
		m.step()
		m.pass(m.span())
		m.stuck()
	}
	m.settle()
	m.judge()
	m.bury()
	m.closeStates()
	for _, err := range []error{server.Close(), m.sim.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	serving.Wait()
}

// roll makes the dice of a step: a plan cut short has the same steps up to there.
func (m *model) roll(step uint64) { m.dice = rand.New(rand.NewPCG(m.seed[0]+step, m.seed[1])) }

func (m *model) chance(percent int) bool { return m.dice.IntN(100) < percent }

// span is how long nothing new happens after a step.
func (m *model) span() time.Duration {
	return []time.Duration{
		time.Second, time.Second, 5 * time.Second, 20 * time.Second, time.Minute, 90 * time.Second, 4 * time.Minute,
		11 * time.Minute,
	}[m.dice.IntN(8)] + time.Duration(m.dice.IntN(2000))*time.Millisecond
}

// tell adds a line to the story.
func (m *model) tell(format string, args ...any) {
	m.storyMu.Lock()
	defer m.storyMu.Unlock()
	m.story = append(m.story, fmt.Sprintf("%10s  ", time.Since(m.began).Round(time.Millisecond))+
		fmt.Sprintf(format, args...))
}

// breaks notes a broken promise.
func (m *model) breaks(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.tell("BROKEN: %s", text)
	m.storyMu.Lock()
	defer m.storyMu.Unlock()
	m.broken = append(m.broken, text)
}

func (m *model) check(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// makeKeys makes keys that are fine, drifted, overdue, spent, asymmetric, or only watched.
func (m *model) makeKeys() {
	o := awssim.KMSOptions{RotationDelay: time.Millisecond} // at once: a second call would rotate again, not be refused
	if m.chance(50) {
		o.RotationDelay = time.Duration(1+m.dice.IntN(300)) * time.Second
	}
	if m.chance(50) {
		o.StaleFor = time.Duration(1+m.dice.IntN(60)) * time.Second
	}
	m.stale = o.StaleFor
	m.sim.KMS().Configure(o)
	now := time.Now()
	past := func(days, times int, kind types.RotationType) (all []awssim.PastRotation) {
		for i := range times {
			at := now.Add(-time.Duration(days+times-i) * day)
			all = append(all, awssim.PastRotation{At: at, Type: kind})
		}
		return all
	}
	fine := awssim.KeyOptions{
		Created: now.Add(-400 * day), RotationPeriod: 90, NextRotation: now.Add(80 * day),
		History: past(10, 1, types.RotationTypeAutomatic),
	}
	drifted, overdue, spent := fine, fine, fine
	drifted.RotationPeriod, drifted.NextRotation = 0, time.Time{}
	overdue.History = past(200, 1, types.RotationTypeAutomatic)
	spent.History = past(200, inventory.OnDemandLimit-modelReserve, types.RotationTypeOnDemand)
	signing := awssim.KeyOptions{Created: now.Add(-500 * day), Spec: types.KeySpecEccNistP256, Aliases: []string{
		"alias/sign-too",
	}}
	m.keys = map[string]string{}
	kinds := map[string]awssim.KeyOptions{
		"pay-fine": fine, "pay-drifted": drifted, "pay-overdue": overdue, "pay-spent": spent, "sign-old": signing,
		"watch-drifted": drifted, "watch-overdue": overdue,
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		o := kinds[name]
		o.Account, o.Region, o.Aliases = account, region, append([]string{"alias/" + name}, o.Aliases...)
		arn, err := m.sim.KMS().CreateKey(o)
		m.check(err)
		m.keys["alias/"+name] = arn
	}
	_, err := m.sim.KMS().AddGrant(m.keys["alias/pay-fine"], awssim.KMSGrant{
		Grantee: "arn:aws:iam::" + account + ":role/app", Operations: []string{"Decrypt"},
	})
	m.check(err)
}

// configured are the settings that a plan begins with.
func configured() Settings {
	return Settings{
		Judge: detection.NewJudge(detection.Settings{}), Trusted: func(id string) bool { return id == account },
		Policies: modelPolicies(90),
		Guardrails: remediation.Guardrails{
			MaxMode: policy.Enforce, RotationsPerHour: modelHourly, KeyCooldown: modelCooldown,
			OnDemandReserve: modelReserve, Settle: modelSettle, StartupHold: modelHold, Grace: 30 * time.Second,
			OverdueGrace: 7 * day, UndoWindow: 12 * time.Hour, Drain: 30 * day, ApprovalTTL: modelTTL, BreakerFailures: 3,
		},
	}
}

// modelPolicies ask for a period of the keys for payments, for a new key for signing every year, and only watch others.
func modelPolicies(days int) policy.Set {
	yearly := policy.Rotation{Method: policy.Auto, Automatic: time.Duration(days) * day, MaxAge: 120 * day}
	return policy.Set{
		{
			Name: "payments", Mode: policy.Enforce, Match: policy.Match{Aliases: []string{"alias/pay-*"}}, Rotation: yearly,
		},
		{
			Name: "signing", Mode: policy.Enforce, Match: policy.Match{Aliases: []string{"alias/sign-*"}},
			Rotation: policy.Rotation{Method: policy.Replace, MaxAge: 365 * day},
		},
		{Name: "watched", Mode: policy.Observe, Rotation: yearly},
	}
}

// setUp lets most plans begin armed, some where people must approve, and trouble await what rotd does first.
func (m *model) setUp() {
	if m.chance(25) {
		m.setMode(policy.Propose)
	}
	if m.chance(80) {
		m.resume()
	}
	for range m.hostile {
		switch m.dice.IntN(4) {
		case 0:
			m.die()
		case 1, 2:
			m.goWrong()
		}
	}
}

// settle ends everything that goes wrong or holds rotd up, and waits until no action is under way.
func (m *model) settle() {
	m.mu.Lock()
	m.peace = true
	m.tell("from here on nothing goes wrong")
	m.mu.Unlock()
	for _, f := range m.faults {
		f.Remove()
	}
	m.sim.KMS().Configure(awssim.KMSOptions{RotationDelay: time.Second})
	m.revive()
	m.setMode(policy.Enforce)
	const hours = 6
	for i := range hours * 60 {
		if i%30 == 0 {
			m.resume()
		}
		if len(m.pending()) == 0 {
			return
		}
		m.pass(time.Minute)
	}
	for _, a := range m.pending() {
		m.breaks("%s (%s of %s) never ends: %s, %s %s", a.ID, a.Method, a.Alias, a.State, a.Waiting, a.LastError)
	}
}

// pending are the actions under way.
func (m *model) pending() (all []remediation.Action) {
	m.check(m.life.db.View(func(tx *state.Tx) (err error) { all, err = tx.PendingActions(1000); return err }))
	return all
}

// stuck wants every action under way to go on within its deadline.
func (m *model) stuck() {
	const slack = 5 * time.Minute
	if m.life.cut.Load() || time.Since(m.life.born) < slack {
		return
	}
	late := time.Now().Add(-slack)
	for _, a := range m.pending() {
		due := a.NotBefore
		switch a.State {
		case remediation.Running:
			due = a.CalledAt
		case remediation.Verifying:
			due = a.Deadline
		case remediation.AwaitingApproval:
			due = a.Approval.Expires
		default:
		}
		if !due.IsZero() && due.Before(late) {
			m.breaks("%s (%s of %s) is %s since it was due at %s", a.ID, a.Method, a.Alias, a.State, due)
		}
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
