package engine

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// step does one random thing.
func (m *model) step() {
	m.revive()
	if m.chance(40) && m.answer() {
		return
	}
	kinds := []struct {
		weight int
		do     func()
	}{
		{20, m.ask},
		{6, m.pauseOrResume},
		{5, func() {
			m.setMode([]policy.Mode{policy.Observe, policy.Propose, policy.Enforce, policy.Enforce}[m.dice.IntN(4)])
		}},
		{3, m.changePolicy},
		{14, m.meddle},
		{14, func() { m.sweep([]string{Drift, Drift, Inventory}[m.dice.IntN(3)]) }},
		{5 * m.hostile, m.goWrong},
		{7 * m.hostile, m.die},
	}
	sum := 0
	for _, k := range kinds {
		sum += k.weight
	}
	n := m.dice.IntN(sum)
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			k.do()
			return
		}
	}
}

// one is one of the keys that people know, by its alias.
func (m *model) one(prefix string) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(m.keys)), func(name string) bool {
		return !strings.HasPrefix(name, "alias/"+prefix)
	})
	return names[m.dice.IntN(len(names))]
}

// pass lets time go by. What dies meanwhile stays dead until the next step.
func (m *model) pass(d time.Duration) { time.Sleep(d) }

// sweep reads the keys, unless a sweep is under way: the scheduler lets none overlap, and time does not go by in the
// bubble while one waits for the other.
func (m *model) sweep(kind string) {
	l := m.life
	if !l.sweeping.TryLock() {
		return
	}
	m.people.Go(func() {
		defer l.sweeping.Unlock()
		m.tell("%s sweep: %v", kind, l.engine.Sweep(l.ctx, kind))
	})
}

const rootName = "uid:0 (root)"

// person is somebody who asks and approves. Root is nobody in particular, and may not approve.
func (m *model) person() remediation.Who {
	return []remediation.Who{
		{Name: "uid:1000 (kim)", Is: []string{"uid:1000"}},
		{Name: "uid:1001 (bob)", Is: []string{"uid:1001"}},
		{Name: rootName},
	}[m.dice.IntN(3)]
}

// ask has a person ask for something to be done to a key.
func (m *model) ask() {
	l, who := m.life, m.person()
	emergency := m.chance(25)
	glass := emergency && m.chance(50)
	var (
		what string
		do   func() (any, error)
	)
	name := m.one("")
	switch m.dice.IntN(6) {
	case 0, 1:
		r := RotateRequest{Key: name, Reason: "INC-1", Requester: who, Emergency: emergency, BreakGlass: glass}
		if m.chance(30) {
			r.AutomaticDays = []int{90, 180, 365}[m.dice.IntN(3)]
		}
		what, do = fmt.Sprintf("rotate %s (%d days)", name, r.AutomaticDays), func() (any, error) {
			return decided(l.engine.Rotate(l.ctx, r))
		}
	case 2:
		r := ReplaceRequest{Key: name, Reason: "INC-1", Requester: who, Emergency: emergency, BreakGlass: glass}
		what, do = "replace "+name, func() (any, error) { return decided(l.engine.Replace(l.ctx, r)) }
	case 3:
		r := UndoAliasRequest{Name: name, Reason: "INC-1", Requester: who, Emergency: emergency, BreakGlass: glass}
		what, do = "undo-alias "+name, func() (any, error) { return decided(l.engine.UndoAlias(l.ctx, r)) }
	default:
		r := ContainRequest{Key: name, Reason: "INC-1", Requester: who, Emergency: emergency}
		switch done := m.contained(); {
		case done != nil && m.chance(50):
			r.Key, r.Undo = done.KeyARN, done.ID
		default:
			measures := m.dice.IntN(5)
			r.CancelDeletion, r.RevokeAll = measures == 0, measures == 1
			r.Disable = measures == 2 || measures == 3
			if measures > 2 {
				r.RetireAliases = []string{name}
			}
		}
		what, do = fmt.Sprintf("contain %s: %s%s", r.Key, r.measures(), r.Undo), func() (any, error) {
			plan, err := l.engine.Contain(l.ctx, r)
			if err != nil {
				return nil, err
			}
			return plan.Decision, nil
		}
	}
	m.people.Go(func() {
		said, err := do()
		m.tell("%s (emergency %t, glass %t) asks to %s: %v %v", who.Name, emergency, glass, what, said, err)
	})
}

// decided is what the guardrails said of a plan.
func decided(plan *Planned, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return fmt.Sprint(plan.Decision, plan.NoAction), nil
}

// contained is one of the containments that people have had done, nil for none.
func (m *model) contained() *remediation.Action {
	var done []remediation.Action
	m.check(m.life.db.View(func(tx *state.Tx) (err error) {
		done, _, err = tx.Actions("", 1000, func(a *remediation.Action) bool {
			return a.Method == remediation.Measures && a.State == remediation.Succeeded
		})
		return err
	}))
	if len(done) == 0 {
		return nil
	}
	return &done[m.dice.IntN(len(done))]
}

// answer has somebody approve or cancel an action that awaits approval, with or without having looked at its plan. It
// is false when none does.
func (m *model) answer() bool {
	all := slices.DeleteFunc(m.pending(), func(a remediation.Action) bool {
		return a.State != remediation.AwaitingApproval
	})
	if len(all) == 0 {
		return false
	}
	a, who := all[m.dice.IntN(len(all))], m.person()
	if m.chance(15) {
		_, err := m.life.engine.Cancel(a.ID, who.Name, "no")
		m.tell("%s cancels %s: %v", who.Name, a.ID, err)
		return true
	}
	plan := a.Plan()
	if m.chance(15) {
		plan = "v1:another"
	}
	_, err := m.life.engine.Approve(a.ID, plan, who, "yes")
	m.tell("%s approves %s of %s: %v", who.Name, a.ID, a.Requester, err)
	return true
}

func (m *model) pauseOrResume() {
	if m.chance(50) {
		m.resume()
		return
	}
	m.alive(func() {
		m.check(m.life.engine.Pause("uid:1000 (kim)", "let me look", ""))
		m.rule(func(r *regime) { r.paused = true })
		m.tell("pause")
	})
}

func (m *model) resume() {
	m.alive(func() {
		m.check(m.life.engine.Resume("uid:1000 (kim)", ""))
		m.rule(func(r *regime) { r.paused, r.armed = false, true })
		m.tell("resume")
	})
}

// alive does something that must not be cut in two by the engine's death; of a dead one it asks nothing.
func (m *model) alive(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.life.cut.Load() {
		do()
	}
}

// setMode changes rotd.yaml's ceiling.
func (m *model) setMode(mode policy.Mode) {
	m.reload("mode "+string(mode), func(s *Settings) { s.Guardrails.MaxMode = mode })
}

func (m *model) changePolicy() {
	days := []int{90, 180}[m.dice.IntN(2)]
	m.reload(fmt.Sprintf("policies ask for %d days", days), func(s *Settings) { s.Policies = modelPolicies(days) })
}

func (m *model) reload(what string, change func(*Settings)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.settings)
	settings := m.settings
	m.life.engine.Reload(&settings)
	m.rule(func(r *regime) { r.mode = settings.Guardrails.MaxMode })
	m.tell("%s", what)
}

// meddle has somebody else change a key behind rotd's back.
func (m *model) meddle() {
	cfg := m.sim.As(m.engineer, region)
	transport := m.life.transport.Clone()
	defer transport.CloseIdleConnections()
	cfg.BaseEndpoint, cfg.RetryMaxAttempts = aws.String("http://aws.test"), 1
	cfg.HTTPClient = &http.Client{Transport: bodyFirst{transport}}
	api, name := kms.NewFromConfig(cfg), m.one("")
	arn := aws.String(m.keys[name])
	var (
		err  error
		what string
	)
	switch m.dice.IntN(7) {
	case 0, 1:
		what = "switches rotation off"
		_, err = api.DisableKeyRotation(m.Context(), &kms.DisableKeyRotationInput{KeyId: arn})
	case 2:
		what = "has it rotate every 1000 days"
		_, err = api.EnableKeyRotation(m.Context(), &kms.EnableKeyRotationInput{
			KeyId: arn, RotationPeriodInDays: aws.Int32(1000),
		})
	case 3:
		what = "schedules its deletion"
		_, err = api.ScheduleKeyDeletion(m.Context(), &kms.ScheduleKeyDeletionInput{
			KeyId: arn, PendingWindowInDays: aws.Int32(7),
		})
	case 4:
		what = "disables it"
		_, err = api.DisableKey(m.Context(), &kms.DisableKeyInput{KeyId: arn})
	case 5:
		what = "enables it"
		_, err = api.EnableKey(m.Context(), &kms.EnableKeyInput{KeyId: arn})
	case 6:
		alias := m.one("pay-")
		what = "gets " + alias
		if !strings.HasPrefix(name, "alias/pay-") {
			err = errors.New("no: another policy's")
			break
		}
		_, err = api.UpdateAlias(m.Context(), &kms.UpdateAliasInput{AliasName: &alias, TargetKeyId: arn})
	}
	m.tell("the engineer, %s: %s: %v", name, what, err)
}

// acting are the operations by which rotd changes something here.
var acting = []string{
	"EnableKeyRotation", "RotateKeyOnDemand", "CreateKey", "CreateGrant", "RevokeGrant", "CreateAlias", "UpdateAlias",
	"DeleteAlias", "TagResource", "CancelKeyDeletion", "EnableKey", "DisableKey",
}

// often are those that plans make most.
var often = []string{"EnableKeyRotation", "RotateKeyOnDemand", "RotateKeyOnDemand", "CreateKey", "UpdateAlias"}

// goWrong has some of rotd's next calls throttled, refused or unanswered.
func (m *model) goWrong() {
	f := awssim.Fault{
		Service: "kms", Nth: 1 + m.dice.IntN(3), Times: 1 + m.dice.IntN(3),
		Match: func(in awssim.Incoming) bool { return in.AccessKeyID != m.engineer.AccessKeyID },
	}
	switch m.dice.IntN(10) {
	case 0, 1, 2, 3, 4, 5:
		f.Nth, f.Operation = 1, often[m.dice.IntN(len(often))]
	case 6, 7:
		f.Operation = acting[m.dice.IntN(len(acting))]
	}
	var what string
	switch kind := m.dice.IntN(7); kind {
	case 0, 1:
		what, f.DropConnection, f.When = "unanswered, and done", true, awssim.AfterEffect
	case 2:
		what, f.DropConnection = "unanswered, and not done", true
	case 3:
		what, f.When = "an internal error, and done", awssim.AfterEffect
		f.Err = &awssim.APIError{Code: "KMSInternalException", Message: "try again", Status: 500}
	default:
		code := []string{"ThrottlingException", "AccessDeniedException", "NotFoundException"}[kind-4]
		what, f.Err = code, &awssim.APIError{Code: code, Message: "not now"}
	}
	m.faults = append(m.faults, m.sim.Plan(f))
	m.tell("from the %d. on, %d calls of %q: %s", f.Nth, f.Times, f.Operation, what)
}

// die has the engine end in one of its next calls, or at any time.
func (m *model) die() {
	l := m.life
	if m.chance(30) {
		after := time.Duration(m.dice.IntN(300_000)) * time.Millisecond
		m.people.Go(func() {
			select {
			case <-time.After(after):
				m.crash(l, "at some time")
			case <-l.ctx.Done():
			}
		})
		return
	}
	when := []awssim.When{awssim.BeforeEffect, awssim.AfterEffect, awssim.AfterAnswer}[m.dice.IntN(3)]
	f := awssim.Fault{
		Service: "kms", Nth: 1 + m.dice.IntN(2), Times: 1, When: when, DropConnection: when != awssim.AfterAnswer,
		Match: func(in awssim.Incoming) bool {
			return in.AccessKeyID == l.principal.AccessKeyID && slices.Contains(acting, in.Operation)
		},
	}
	f.Do = func() { m.crash(l, fmt.Sprintf("at its %d. changing call from here, %d", f.Nth, when)) }
	m.faults = append(m.faults, m.sim.Plan(f))
	m.tell("death waits at the %d. changing call", f.Nth)
}
