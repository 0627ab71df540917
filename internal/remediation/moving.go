package remediation

import "rotd/internal/policy"

// reencrypt moves ciphertext and changes no key: it is a verb of people's, and no action.
const reencrypt = "reencrypt"

// OfObjects is reencrypt's way with objects of S3, which are changed by it; blobs of a manifest are not.
const OfObjects = "objects"

// MoveBlobs judges a person who wants the blobs of a manifest moved to another key. That changes nothing in AWS, so no
// mode forbids it; a pause does, since whoever pauses wants rotd to keep still.
func MoveBlobs(emergency bool, f Facts) Decision {
	j := judgement{a: &Action{Verb: reencrypt, Emergency: emergency}, f: f}
	j.unpaused(f.Now)
	return j.alone()
}

// MoveObjects judges a person who wants objects moved from under a key to another, by the mode of that key's policy and
// by what holds every action back. Without a key (KeyARN "") they are moved from under whichever: the ceiling counts
// then, and MoveMore judges each key. There is nothing that a second person could approve.
func (g Guardrails) MoveObjects(keyARN string, emergency bool, f Facts) Decision {
	a := Action{Verb: reencrypt, Method: OfObjects, KeyARN: keyARN, Emergency: emergency}
	j := judgement{g: g, a: &a, f: f}
	j.untouched()
	j.unapprovable()
	if keyARN == "" {
		j.unnamed()
	}
	j.passable()
	return j.alone()
}

// MoveMore judges one key of those whose objects a job meets on its way. What passes with time holds up the job as a
// whole, and is not judged here; nor is the mode of a key that the job was begun for by name.
func (g Guardrails) MoveMore(keyARN string, named bool, f Facts) Decision {
	j := judgement{g: g, a: &Action{Verb: reencrypt, Method: OfObjects, KeyARN: keyARN}, f: f}
	if j.untouched(); !named {
		j.unapprovable()
		j.unnamed()
	}
	return j.alone()
}

// unapprovable refuses what an action would be approved for.
func (j *judgement) unapprovable() {
	if j.mode() == policy.Propose {
		j.block(GuardMode, "Mode propose: moving objects is nothing that a second person could approve. Set mode: enforce, "+
			"globally and in the key's policy, for as long as it takes.")
	}
}

// untouched judges whether the key is one whose objects stay.
func (j *judgement) untouched() {
	j.own()
	if protected := j.g.Protected; protected != nil && protected(j.a.KeyARN) {
		j.block(GuardProtected, "This key is protected (guardrails.protected_keys), and moving objects is nothing that a "+
			"second person could approve. Take it off the list for as long as it takes.")
	}
}

// unnamed judges mode observe for whoever named no key: an emergency passes it for one key.
func (j *judgement) unnamed() {
	if j.mode() == policy.Observe {
		j.block(GuardMode, "Mode observe: rotd only watches, and moving objects changes them. Set mode: enforce, globally "+
			"and in the key's policy. In an emergency, --emergency passes this for the key that --from names.")
	}
}

// alone is what came of a judgement in which nobody else is asked.
func (j *judgement) alone() Decision {
	if j.stop != nil {
		return *j.stop
	}
	return Decision{Verdict: Allow, Overridden: j.overridden}
}
