package remediation

import (
	"time"

	"rotd/internal/policy"
)

// Abilities are what can be done to a key, by what is known of it.
type Abilities struct {
	KeyARN   string    `json:"key_arn"`
	Name     string    `json:"name"`
	State    string    `json:"state"`
	KnownAt  time.Time `json:"known_at"` // when KMS told what this is judged by
	Eligible Eligible  `json:"eligible"`
	Policy   string    `json:"policy,omitempty"` // the policy in force; empty: none
	Asks     string    `json:"asks"`             // what that policy asks of the key at present
	Verbs    []Ability `json:"verbs"`
}

// Ability is whether one thing can be done to a key, and by whom.
type Ability struct {
	Verb   Verb   `json:"verb"`
	Method Method `json:"method,omitempty"`
	What   string `json:"what"` // in a few words
	Able          // whether the key allows it
	// What the guardrails say at present.
	Automatic Decision `json:"automatic"`
	Person    Decision `json:"person"`
	Emergency Decision `json:"emergency"`
}

// Abilities says what can be done to a key as it is known, and who may do it at present. Facts.Key need not have been
// read just now: nothing is done, and KMS is read before anything is.
func (g Guardrails) Abilities(f Facts, p *policy.Policy) Abilities {
	key := f.Key
	all := Abilities{
		KeyARN: key.ARN, Name: key.Name(), State: key.State, KnownAt: key.ReadAt, Eligible: Eligibility(key),
	}
	if p != nil {
		all.Policy = p.Name
	}
	_, _, all.Asks = g.Plan(key, p, Why{Want: WantPolicy, Automatic: true}, f.Now)
	if p == nil {
		f.Unwanted = "No policy matches the key, so nothing is asked of it."
	}
	for _, what := range []struct {
		a    Action
		text string
	}{
		{Action{Verb: Rotate, Method: NewMaterial}, "new material now"},
		{Action{Verb: Rotate, Method: EnableAutomatic}, "new material by KMS's schedule"},
		{Action{Verb: Replace, Method: NewKey}, "a new key in its place"},
		{Action{Verb: Contain, Method: Restore, Calls: []Call{cancelCall(key)}}, "its deletion cancelled"},
		{Action{Verb: Contain, Method: Measures}, "its use stopped"},
		{Action{Verb: reencrypt}, "ciphertexts of a manifest moved to another key"},
		{Action{Verb: reencrypt, Method: OfObjects}, "objects of S3 moved to another key"},
	} {
		a := what.a
		a.State, a.KeyARN, a.Account, a.Region = Planned, key.ARN, key.Account, key.Region
		a.Before, a.Created = PreconditionOf(key), f.Now
		all.Verbs = append(all.Verbs, g.ability(&a, f, what.text))
	}
	return all
}

func (g Guardrails) ability(a *Action, f Facts, text string) Ability {
	of := Ability{Verb: a.Verb, Method: a.Method, What: text, Able: a.possible(f.Key)}
	if a.Method == Restore && of.Possible && f.Key.State != pendingDeletion {
		of.Able = no("The key is " + f.Key.State + ", not scheduled for deletion.")
	}
	as := func(automatic, emergency bool) Decision {
		asked := *a
		asked.Automatic, asked.Emergency = automatic, emergency
		if automatic {
			asked.Created = f.Now.Add(-g.Grace) // grace is for people to stop it, and tells nothing of the key
		}
		switch {
		case !of.Possible:
			return Decision{Verdict: Refuse, Guardrail: GuardNotEligible, Reason: of.Reason}
		case a.Verb == reencrypt && automatic:
			return Decision{
				Verdict: Refuse, Guardrail: GuardPersonOnly, Reason: "Only a person may have data moved: no policy starts that.",
			}
		case a.Method == OfObjects:
			return g.MoveObjects(f.Key.ARN, emergency, f)
		case a.Verb == reencrypt:
			return MoveBlobs(emergency, f)
		}
		return g.Decide(&asked, f)
	}
	of.Automatic, of.Person, of.Emergency = as(true, false), as(false, false), as(false, true)
	return of
}
