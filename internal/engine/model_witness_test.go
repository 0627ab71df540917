package engine

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"rotd/internal/audit"
	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// witness sees every changing request arrive at KMS, and looks at that moment what the audit log says of it.
type witness struct {
	storyMu  sync.Mutex
	story    []string
	broken   []string
	arrivals []arrival
}

const createCall = "CreateKey"

// arrival is a changing request when it reached KMS.
type arrival struct {
	requestID, operation, alias, target string

	action   string // whose call it is; empty: nobody's of rotd's
	intended time.Time
}

// givesMaterial reports whether the call counts against the hourly limit.
func (a *arrival) givesMaterial() bool { return a.operation == rotateCall || a.operation == createCall }

// watch has the witness look at every changing request.
func (m *model) watch() {
	m.sim.Plan(awssim.Fault{Service: "kms", Match: func(in awssim.Incoming) bool {
		if !strings.HasPrefix(in.Operation, "Get") && !strings.HasPrefix(in.Operation, "List") &&
			!strings.HasPrefix(in.Operation, "Describe") {
			m.arrived(in)
		}
		return false // and strikes nobody
	}})
}

func (m *model) arrived(in awssim.Incoming) {
	var body struct {
		KeyID    string `json:"KeyId"`
		TargetID string `json:"TargetKeyId"`
		Alias    string `json:"AliasName"`
		Tags     []struct{ TagKey, TagValue string }
	}
	m.check(json.Unmarshal(in.Body, &body))
	a := arrival{requestID: in.RequestID, operation: in.Operation, alias: body.Alias, target: body.TargetID}
	if l := m.lifeOf(in.AccessKeyID); l != nil {
		maker := ""
		for _, t := range body.Tags {
			if t.TagKey == awskms.ActionTag && in.Operation == createCall {
				maker = t.TagValue
			}
		}
		m.called(l, &a, body.KeyID+body.TargetID, maker)
	}
	m.storyMu.Lock()
	defer m.storyMu.Unlock()
	m.arrivals = append(m.arrivals, a)
}

// lifeOf is the life that an access key belongs to, nil for somebody else's.
func (m *model) lifeOf(accessKeyID string) *life {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lived {
		if l.principal.AccessKeyID == accessKeyID {
			return l
		}
	}
	return nil
}

// chronicle is what the audit log says of an action.
type chronicle struct {
	planned  audit.Entry
	approved []string    // by whom
	intent   audit.Entry // the last
	open     bool        // it has no answer yet
	went     bool        // KMS showed a call before it
	asked    bool        // it awaits approval, and is in nobody's way
	end      audit.Event
}

// logged is what a life's audit log says of each action.
func (m *model) logged(l *life) map[string]*chronicle {
	all := map[string]*chronicle{}
	m.check(l.db.View(func(tx *state.Tx) error {
		entries, _, err := tx.AuditEntries("", 1<<20, func(e *audit.Entry) bool { return e.Action != "" })
		slices.SortFunc(entries, func(a, b audit.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
		for _, e := range entries {
			c := all[e.Action]
			if c == nil {
				c = &chronicle{}
				all[e.Action] = c
			}
			switch e.Event {
			case audit.ActionPlanned:
				c.planned = e
			case audit.ApprovalAsked:
				c.asked = true
			case audit.ActionApproved:
				c.asked, c.approved = false, append(c.approved, e.Actor)
			case audit.CallIntended:
				c.intent, c.open = e, true
			case audit.CallAnswered:
				c.open = false
			case audit.CallVerified:
				c.went = true
			case audit.ActionSucceeded, audit.ActionFailed, audit.ActionCancelled, audit.ActionExpired:
				c.end = e.Event
			default:
			}
		}
		return err
	}))
	return all
}

// called finds whose call has arrived, and whether it was allowed to be begun.
func (m *model) called(l *life, a *arrival, key, maker string) {
	var c *chronicle
	all := m.logged(l)
	for id, known := range all {
		in := &known.intent
		if !known.open || in.Detail["operation"] != a.operation || in.Detail["alias"] != a.alias {
			continue
		}
		if id == maker || maker == "" && (in.Key == key || key == "") {
			if c != nil {
				m.breaks("%s and %s may both have made %s of %s", a.action, id, a.operation, key+a.alias)
			}
			c, a.action, a.intended = known, id, in.Time
		}
	}
	if c == nil {
		m.breaks("%s of %s arrived, and the audit log does not say that it would", a.operation, key+a.alias)
		return
	}
	m.tell("%s of %s for %s", a.operation, key+a.alias, a.action)
	if c.end != "" {
		m.breaks("%s of %s, which had ended: %s", a.operation, a.action, c.end)
	}
	for id, other := range all {
		if begun := other.intent.Seq > 0 && other.end == "" && !other.asked; begun && id != a.action &&
			other.planned.Key == c.planned.Key {
			m.breaks("%s of %s, while %s is under way on the same key", a.operation, a.action, id)
		}
	}
	if !c.went {
		m.mayBegin(a, c)
	} else if r, sure := m.regimeAt(a.intended); sure && r.paused && c.planned.Detail["emergency"] == "false" {
		m.breaks("%s of %s went on while rotd was paused", a.operation, a.action)
	}
}

// mayBegin wants the first call of an action to have been intended only when it might.
func (m *model) mayBegin(a *arrival, c *chronicle) {
	plan, key := c.planned.Detail, c.planned.Key
	automatic, emergency := plan["automatic"] == "true", plan["emergency"] == "true"
	if r, sure := m.regimeAt(a.intended); sure {
		asks := r.mode == policy.Propose && plan["break_glass"] != "true" && (!emergency || m.proposes(key))
		for _, p := range []struct {
			broken bool
			how    string
		}{
			{!emergency && r.paused, "while rotd was paused"},
			{!emergency && r.mode == policy.Observe, "in mode observe"},
			{automatic && !r.armed, "before rotd was armed"},
			{automatic && a.intended.Before(r.born.Add(modelHold)), "right after the start"},
			{asks && !c.agreed(), "in mode propose, and nobody had approved it"},
		} {
			if p.broken {
				m.breaks("%s of %s (%s) began %s", a.operation, a.action, plan["method"], p.how)
			}
		}
	}
	if emergency {
		return
	}
	if key == m.keys["alias/watch-drifted"] || key == m.keys["alias/watch-overdue"] {
		m.breaks("%s of %s on a key that is only watched", a.operation, a.action)
	}
	if a.givesMaterial() {
		m.withinBudget(a, c)
	}
}

// agreed reports whether somebody else approved an action who is a person.
func (c *chronicle) agreed() bool {
	return slices.ContainsFunc(c.approved, func(by string) bool { return by != c.planned.Actor && by != rootName })
}

// proposes reports whether a key is surely under a policy that the ceiling lowers to propose: in an emergency people
// may act on keys that are only watched. A key's alias tells, as long as nobody moved it.
func (m *model) proposes(arn string) bool {
	for alias, key := range m.keys {
		if key == arn {
			m.storyMu.Lock()
			defer m.storyMu.Unlock()
			return !strings.HasPrefix(alias, "alias/watch-") &&
				!slices.ContainsFunc(m.arrivals, func(a arrival) bool { return a.alias == alias })
		}
	}
	return false
}

// withinBudget wants new material to be within the hourly limit, the key's cooldown and its budget. Several attempts of
// one action are one rotation: at most one of them has an effect.
func (m *model) withinBudget(a *arrival, c *chronicle) {
	recent := map[string]bool{a.action: true}
	m.storyMu.Lock()
	for i := range m.arrivals {
		b := &m.arrivals[i]
		if b.givesMaterial() && b.action != "" && b.intended.After(a.intended.Add(-time.Hour)) {
			recent[b.action] = true
		}
	}
	m.storyMu.Unlock()
	if len(recent) > modelHourly {
		m.breaks("%s of %s is the %d. call for new material within an hour", a.operation, a.action, len(recent))
	}
	key, _ := m.sim.KMS().Key(c.planned.Key)
	if a.operation == rotateCall && key.OnDemandUsed >= inventory.OnDemandLimit-modelReserve {
		m.breaks("%s of %s into the reserve: %d are used", a.operation, a.action, key.OnDemandUsed)
	}
	for _, material := range key.Materials {
		if at := material.RotationDate; at.Before(a.intended.Add(-m.stale)) && at.Add(modelCooldown).After(a.intended) {
			m.breaks("%s of %s so soon after %s", a.operation, a.action, at)
		}
	}
}

// deed is what an action has done at most once.
type deed struct{ action, what string }

// deeds counts, of what arrived and had an effect, what must not be done twice, and everything that each action did. An
// alias that somebody else has moved meanwhile may be moved again.
func (m *model) deeds() (once map[deed]int, all map[string]int) {
	if n := m.sim.ForgottenRequests(); n > 0 {
		m.Fatalf("the oracle forgot %d requests", n)
	}
	effects := map[string]bool{}
	for _, r := range m.sim.Requests(awssim.OfService("kms"), func(r awssim.Request) bool { return r.Effect }) {
		effects[r.RequestID] = true
	}
	once, all = map[deed]int{}, map[string]int{}
	target := map[string]string{}
	m.storyMu.Lock()
	defer m.storyMu.Unlock()
	for _, a := range m.arrivals {
		if !effects[a.requestID] {
			continue
		}
		all[a.action]++
		d := deed{a.action, a.operation + a.alias}
		moved := a.operation == "UpdateAlias" && target[a.alias] != a.target
		target[a.alias] = a.target
		switch {
		case a.action == "":
			maps.DeleteFunc(once, func(d deed, _ int) bool { return d.what == "UpdateAlias"+a.alias })
		case moved, a.givesMaterial():
			once[d]++
		}
	}
	return once, all
}

// judge holds what became of all actions against what KMS did. Nothing is under way any more.
func (m *model) judge() {
	once, all := m.deeds()
	for d, n := range once {
		if n > 1 {
			m.breaks("%s: %d times %s", d.action, n, d.what)
		}
	}
	for id, c := range m.logged(m.life) {
		rotates := c.planned.Detail["method"] == string(remediation.NewMaterial)
		switch n := once[deed{id, rotateCall}]; {
		case c.end == "" && c.planned.Seq > 0:
			m.breaks("the audit log does not say how %s ended", id)
		case rotates && c.end == audit.ActionSucceeded && n != 1:
			m.breaks("%s succeeded with %d rotations", id, n)
		case (c.end == audit.ActionCancelled || c.end == audit.ActionExpired) && all[id] > 0:
			m.breaks("%s is %s, and KMS did something for it", id, c.end)
		}
	}
	breaks, err := auditBreaks(m.life.db)
	m.check(err)
	for _, b := range breaks {
		m.breaks("the audit log, over all lives: %s", b.Text)
	}
}
