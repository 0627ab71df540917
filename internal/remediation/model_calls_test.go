package remediation

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// account is a small KMS with several keys, for actions of several calls. It loses answers, forgets for a while what it
// did, and is crashed into.
type account struct {
	t       *rapid.T
	dice    *rand.Rand
	hostile int
	now     time.Time
	lag     time.Duration // until reads show an effect
	keys    map[string]*inventory.Key
	aliases map[string]string
	grants  map[string]string // id or name → key
	made    map[string]string // action's id → ARN
	effects []effect
	taken   map[string]int // by call
}

type effect struct {
	at   time.Time
	name string
}

const (
	newARN     = testARN + "-new"
	replicaARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// TestActionsOfSeveralCalls drives replacements, containments and imports through lost answers, crashes and lags.
// Whatever happens an action ends, no call that must not be repeated has two effects, calls come in order and only once
// the one before is shown, and success means that KMS shows all of it.
func TestActionsOfSeveralCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		hostile := rapid.IntRange(0, 4).Draw(t, "hostile")
		plans := map[string]func(*account) Action{
			"replace": replacement, "contain": containment, "restore": restoration, "import": importation,
		}
		name := rapid.SampledFrom([]string{"replace", "contain", "restore", "import"}).Draw(t, "plan")
		for range 20 {
			w := newAccount(t, dice, hostile)
			a := plans[name](w)
			a.Automatic = name == "restore" && dice.IntN(2) == 0
			w.drive(a)
		}
	})
}

func newAccount(t *rapid.T, dice *rand.Rand, hostile int) *account {
	k := testKey()
	w := &account{
		t: t, dice: dice, hostile: hostile, now: testNow(), keys: map[string]*inventory.Key{k.ARN: k},
		aliases: map[string]string{"alias/pay": k.ARN, "alias/pay-old": k.ARN}, grants: map[string]string{"g1": k.ARN},
		made: map[string]string{}, taken: map[string]int{}, lag: time.Duration(dice.IntN(120)) * time.Second,
	}
	return w
}

func (w *account) action(verb Verb, method Method, calls ...Call) Action {
	k := w.keys[testARN]
	return Action{
		ID: "act_1", Verb: verb, Method: method, State: Planned, KeyARN: k.ARN, Account: k.Account, Region: k.Region,
		Before: PreconditionOf(k), Created: w.now, Calls: calls, Requester: "uid:1000 (kim)", Reason: "test",
	}
}

func replacement(w *account) Action {
	return w.action(Replace, NewKey,
		Call{Operation: CreateKey, New: &NewKeySpec{Spec: "SYMMETRIC_DEFAULT", Tags: map[string]string{"team": "pay"}}},
		Call{Operation: EnableKeyRotation, PeriodDays: 90},
		Call{Operation: CreateGrant, Grant: &inventory.Grant{ID: "g0", Grantee: "arn:aws:iam::111122223333:role/app"}},
		Call{Operation: ReplicateKey, Region: "us-east-1"},
		Call{Operation: UpdateAlias, Alias: "alias/pay", FromARN: testARN},
		Call{Operation: UpdateAlias, Alias: "alias/pay-old", FromARN: testARN},
		Call{Operation: TagResource, KeyARN: testARN, Tags: map[string]string{"rotd:replaced-by": "x"}},
	)
}

func containment(w *account) Action {
	return w.action(Contain, Measures,
		Call{Operation: RevokeGrant, KeyARN: testARN, Grant: &inventory.Grant{ID: "g1", Grantee: "someone"}},
		Call{Operation: DeleteAlias, KeyARN: testARN, Alias: "alias/pay"},
		Call{Operation: DisableKey, KeyARN: testARN, KeyState: "Enabled"},
	)
}

func restoration(w *account) Action {
	w.keys[testARN].State = "PendingDeletion"
	return w.action(Contain, Restore,
		Call{Operation: CancelKeyDeletion, KeyARN: testARN, KeyState: "PendingDeletion"},
		Call{Operation: EnableKey, KeyARN: testARN, KeyState: "Disabled"},
	)
}

func importation(w *account) Action {
	w.keys[testARN].Origin = external
	return w.action(Rotate, ImportedMaterial,
		Call{Operation: ImportKeyMaterial, KeyARN: testARN, Material: NewKeyMaterial},
		Call{Operation: RotateKeyOnDemand, KeyARN: testARN},
	)
}

func (w *account) drive(a Action) {
	g, o := testGuardrails(), Observation{}
	at := 0
	for range 4000 {
		o.Facts.Mode, o.Facts.Armed, o.Facts.StartedAt = policy.Enforce, true, testNow().Add(-day)
		if w.trouble(1) {
			o.Facts.Paused = "for a while"
		}
		var do Do
		before := a
		a, do = Step(a, o, g, w.now)
		if a.At < at || a.At > at+1 {
			w.t.Fatalf("went from call %d to %d", at, a.At)
		}
		at = a.At
		if do.What == Attempt && at > 0 {
			if last := &a.Calls[at-1]; !w.shown(string(last.Operation) + last.Alias) {
				w.t.Fatalf("call %d is made before KMS shows the one before", at)
			}
		}
		if do.What == Attempt && before.State == Running {
			w.t.Fatalf("two attempts without an answer in between")
		}
		o = Observation{}
		if w.trouble(2) { // a crash: what was kept is all there is
			w.pass(time.Duration(1+w.dice.IntN(1200)) * time.Second)
			if do.What == Attempt && w.chance(50) {
				w.call(&a)
			}
			continue
		}
		switch do.What {
		case End:
			w.ended(&a)
			return
		case Nothing:
			if !do.Until.After(w.now) {
				w.t.Fatalf("asked to wait until %s at %s: a busy loop", do.Until, w.now)
			}
			w.pass(do.Until.Sub(w.now))
		case Read:
			o = w.read(&a)
		case Attempt:
			o.Answer = w.call(&a)
		}
		w.pass(time.Second)
	}
	w.t.Fatalf("still %s after 4000 steps: %+v", a.State, a)
}

func (w *account) chance(percent int) bool { return w.dice.IntN(100) < percent }

func (w *account) trouble(percent int) bool { return w.chance(percent * w.hostile) }

func (w *account) pass(d time.Duration) { w.now = w.now.Add(d) }

func (w *account) ended(a *Action) {
	w.t.Logf("%s: %s", a.State, a.Outcome)
	for _, op := range []Operation{CreateKey, ImportKeyMaterial, RotateKeyOnDemand} {
		if n := w.taken[string(op)]; n > 1 {
			w.t.Fatalf("%d times %s", n, op)
		}
	}
	var order []string
	for _, e := range w.effects {
		order = append(order, e.name)
	}
	last := -1
	for _, name := range order {
		i := -1
		for j := range a.Calls {
			if string(a.Calls[j].Operation)+a.Calls[j].Alias == name {
				i = j
			}
		}
		if i < last {
			w.t.Fatalf("out of order: %s", strings.Join(order, ", "))
		}
		last = i
	}
	switch a.State {
	case Succeeded:
		for i := range a.Calls {
			c := &a.Calls[i]
			name := string(c.Operation) + c.Alias
			if c.Done == nil || w.taken[name] == 0 {
				w.t.Fatalf("success without %s (done %v)", name, c.Done)
			}
		}
	case Cancelled, Expired:
		if len(w.effects) > 0 {
			w.t.Fatalf("%s after %s: %s", a.State, strings.Join(order, ", "), a.Outcome)
		}
	case Failed:
		if len(w.effects) > 1 && !strings.Contains(a.Outcome, "Done: ") {
			w.t.Fatalf("failed after %s, and says nothing of it: %s", strings.Join(order, ", "), a.Outcome)
		}
	case Planned, Running, Verifying:
		w.t.Fatalf("ended as %s", a.State)
	}
}

// read shows the call's key and what the call is about, without what happened within the lag.
func (w *account) read(a *Action) Observation {
	if w.trouble(5) {
		return Observation{ReadError: "timeout"}
	}
	shown := func(name string) bool { return w.shown(name) }
	key, known := w.keys[a.CallKey()]
	if !known || a.CallKey() == newARN && !shown("CreateKey") {
		return Observation{Facts: Facts{Key: &inventory.Key{ARN: a.CallKey(), GoneAt: &w.now, ReadAt: w.now}}}
	}
	k, r := *key, *key.Rotation
	k.Rotation, k.ReadAt, r.HistoryAt = &r, w.now, w.now
	k.Tags = maps.Clone(key.Tags)
	c := a.Current()
	o := Observation{Facts: Facts{Key: &k}}
	name := string(c.Operation) + c.Alias
	if w.taken[name] > 0 && !shown(name) {
		w.hide(c, &k, &o)
		return o
	}
	o.Target, o.Made = w.aliases[c.Alias], w.made[a.ID]
	switch c.Operation {
	case CreateGrant:
		o.Granted = w.grants[a.GrantName()] != ""
	case RevokeGrant:
		o.Granted = w.grants[c.Grant.ID] != ""
	default:
	}
	return o
}

// shown says that an effect is old enough for reads to show it.
func (w *account) shown(name string) bool {
	for _, e := range w.effects {
		if e.name == name {
			return w.now.Sub(e.at) >= w.lag
		}
	}
	return false
}

// hide shows things as they were before a call.
func (w *account) hide(c *Call, k *inventory.Key, o *Observation) {
	switch c.Operation {
	case EnableKeyRotation:
		k.Rotation.Enabled, k.Rotation.PeriodDays = false, 0
	case ReplicateKey:
		k.ReplicaARNs = nil
	case RevokeGrant:
		o.Granted = true
	case UpdateAlias:
		o.Target = c.FromARN
	case DeleteAlias:
		o.Target = c.KeyARN
	case TagResource:
		k.Tags = nil
	case CancelKeyDeletion, EnableKey, DisableKey:
		k.State = c.KeyState
	case ImportKeyMaterial:
		k.Rotation.Pending = nil
	case RotateKeyOnDemand:
		k.Rotation.Pending = &inventory.Pending{Material: k.CurrentMaterial, State: pendingRotation, Import: "IMPORTED"}
		k.CurrentMaterial, k.Rotation.History = material(0), nil
	default:
	}
}

func (w *account) call(a *Action) *Answer {
	kind := []AnswerKind{Accepted, Accepted, Accepted, Accepted, Rejected, Refused, Lost, Lost}[w.dice.IntN(8)]
	if w.hostile == 0 {
		kind = Accepted
	}
	if kind == Refused && w.chance(70) {
		kind = Accepted
	}
	if kind == Rejected || kind == Refused {
		return &Answer{Kind: kind, Code: "ThrottlingException", Message: "slow down"}
	}
	answer := &Answer{Kind: kind, RequestID: "r"}
	if kind == Lost && w.chance(50) {
		return answer
	}
	c, key := a.Current(), w.keys[a.CallKey()]
	name := string(c.Operation) + c.Alias
	if c.Operation == ImportKeyMaterial && key.Rotation.Pending != nil { // KMS takes no more before the rotation
		return &Answer{Kind: Rejected, Code: "KMSInvalidStateException", Message: "material waits already"}
	}
	w.taken[name]++
	if w.taken[name] == 1 {
		w.effects = append(w.effects, effect{w.now, name})
	}
	switch c.Operation {
	case CreateKey:
		fresh := testKey()
		fresh.ARN, fresh.Created = newARN, w.now
		w.keys[newARN], w.made[a.ID] = fresh, newARN
		if kind == Accepted {
			answer.Made = newARN
		}
	case EnableKeyRotation:
		key.Rotation.Enabled, key.Rotation.PeriodDays = true, c.PeriodDays
	case CreateGrant:
		w.grants[a.GrantName()] = a.CallKey()
	case RevokeGrant:
		delete(w.grants, c.Grant.ID)
	case ReplicateKey:
		key.ReplicaARNs = []string{replicaARN}
	case UpdateAlias:
		w.aliases[c.Alias] = a.CallKey()
	case DeleteAlias:
		delete(w.aliases, c.Alias)
	case TagResource:
		key.Tags = maps.Clone(c.Tags)
	case ImportKeyMaterial:
		key.Rotation.Pending = &inventory.Pending{Material: material(1), State: pendingRotation, Import: "IMPORTED"}
	case RotateKeyOnDemand:
		rotated("ON_DEMAND", w.now)(key)
		key.Rotation.Pending = nil
	case CancelKeyDeletion, DisableKey:
		key.State = "Disabled"
	case EnableKey:
		key.State = "Enabled"
	default:
		panic(fmt.Sprintf("no %s here", c.Operation))
	}
	return answer
}
