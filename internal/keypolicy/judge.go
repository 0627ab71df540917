package keypolicy

// maxExposures bounds each list of a verdict; a policy KMS accepts stays far below.
const maxExposures = 1000

// Scope says how far an exposure reaches.
type Scope string

// Scopes of exposures.
const (
	Anyone       Scope = "anyone"       // every AWS account
	Account      Scope = "account"      // one account, in Exposure.Account
	Organization Scope = "organization" // one organization, its id in Exposure.Account
	Network      Scope = "network"      // every AWS account, calling from one network
	Unplaced     Scope = "unplaced"     // somebody whose account the policy does not tell
)

// Exposure is what one statement lets one outsider do.
type Exposure struct {
	Statement int    // index, from 0
	Sid       string // the statement's, as written
	Principal string // as the statement names it: "*", ARNs, an account id, a service
	Scope     Scope
	// Account is an account id, an organization id ("o-…"), "*" for any account, or empty when not told.
	Account string
	// Actions are the decrypting and then the administering actions let, such as "kms:Decrypt"; empty when the
	// statement lets only encrypting, verifying and reading ones.
	Actions     []string
	Decrypts    bool
	Administers bool
	// Why says it in plain words and names the statement (counted from 1 there). What the policy's author chose is cut
	// to length and free of control characters.
	Why string
	// Narrowed is set when conditions, or Deny statements of the form "all but", hold the callers to NarrowedBy.
	Narrowed   bool
	NarrowedBy []string
	// Unsure names Deny statements that may take this back but cannot be shown to.
	Unsure []string
}

// Verdict is everything Judge finds. Every Allow for outsiders is in Public or in External.
type Verdict struct {
	// Public: anybody with an AWS account may decrypt or administer, and nothing surely narrows that.
	Public []Exposure
	// External: an account, organization, network or unknown principal that is neither the owner's nor trusted.
	External []Exposure
	// Narrowed: statements for everyone that are surely held to the owner and to who is trusted. They are in order.
	Narrowed []Exposure
	// LockedOut: nobody in the owner's account may change the policy any more; LockedOutWhy says why, or who may.
	LockedOut    bool
	LockedOutWhy string
	// Truncated is set when a list was cut at 1,000 exposures.
	Truncated bool
}

// Judge finds who outside the owner's account a policy lets in. It asks trusted about account ids and about what else
// conditions hold callers to: organization ids ("o-…"), VPCs and their endpoints ("vpc-…", "vpce-…"), addresses
// as written ("203.0.113.0/24"). A nil trusted trusts nobody; the owner needs no asking.
//
// Services as principals are no exposure, except where a condition lets one decrypt or administer for an untrusted
// account.
func (p *Policy) Judge(owner Owner, trusted func(id string) bool) Verdict {
	j := judge{policy: p, owner: owner, trusted: trusted, denials: p.denials(owner)}
	for _, b := range j.denials.bounds {
		j.denied = append(j.denied, j.weigh(b.bound))
	}
	for i := range p.Statements {
		j.statement(i)
	}
	j.verdict.LockedOut, j.verdict.LockedOutWhy = j.lockedOut()
	return j.verdict
}

// Public returns the statements that let every AWS account decrypt with the key or administer it.
func (p *Policy) Public(owner Owner) []Exposure { return p.Judge(owner, nil).Public }

// External returns what the policy lets accounts that are neither the owner's nor trusted, one exposure for each
// statement and account. See Judge for what trusted is asked.
func (p *Policy) External(owner Owner, trusted func(id string) bool) []Exposure {
	return p.Judge(owner, trusted).External
}

type judge struct {
	policy  *Policy
	owner   Owner
	trusted func(string) bool
	denials denials
	denied  []weighed // the bounds of denials, in the same order
	verdict Verdict
}

// weighed is a bound and those of its scopes that are neither the owner's nor trusted.
type weighed struct {
	bound

	outside []scope
}

func (j *judge) weigh(b bound) weighed {
	w := weighed{bound: b}
	for _, s := range b.scopes {
		// A service is who it is; for whom it acts other conditions say.
		if s.kind != serviceScope && !j.owner.trusts(s.id, j.trusted) {
			w.outside = append(w.outside, s)
		}
	}
	return w
}

// group is a set of actions of one statement under the same bounds.
type group struct {
	actions actionSet
	bounds  []weighed
}

// groups splits a statement's actions by the Deny bounds that cover them.
func (j *judge) groups(actions actionSet, own []weighed) []group {
	groups := []group{{actions: actions, bounds: own}}
	for i, deny := range j.denials.bounds {
		for g := range groups {
			covered := groups[g].actions & deny.actions
			if covered == 0 {
				continue
			}
			if rest := groups[g].actions &^ covered; rest != 0 {
				groups = append(groups, group{actions: rest, bounds: groups[g].bounds})
			}
			bounds := groups[g].bounds
			groups[g] = group{actions: covered, bounds: append(bounds[:len(bounds):len(bounds)], j.denied[i])}
		}
	}
	return groups
}

// statement judges one statement for each group of its actions and each of its principals.
func (j *judge) statement(index int) {
	s := &j.policy.Statements[index]
	actions := s.actions() &^ j.denials.everyone
	if s.Effect != Allow || actions == 0 || !s.mayBeAbout(j.owner) {
		return
	}
	conditions, rest := boundsOf(s.Conditions)
	own := make([]weighed, 0, len(conditions))
	for _, b := range conditions {
		own = append(own, j.weigh(b))
	}
	r := newReport(s, index, rest)
	for _, g := range j.groups(actions, own) {
		if s.NotPrincipal {
			if !excludesEveryone(s.Principals) {
				r.everyone(g, "*")
			}
			continue
		}
		for _, p := range s.Principals {
			j.principal(r, g, p)
		}
	}
	r.into(&j.verdict, &j.denials)
}

func (j *judge) principal(r *report, g group, p Principal) {
	switch p.Kind {
	case Everyone:
		r.everyone(g, p.Value)
	case WholeAccount, Identity:
		g.actions &^= j.denials.takenFrom(p)
		if g.actions != 0 && !j.owner.owns(p) && (j.trusted == nil || !j.trusted(p.Account)) {
			r.named(g, p)
		}
	case Service:
		r.service(g, p)
	case Unrecognised:
		r.add(g, finding{scope: Unplaced, principal: p.Value})
	case UniqueID: // a deleted user or role: matches nobody
	}
}

func excludesEveryone(principals []Principal) bool {
	for _, p := range principals {
		if p.Kind == Everyone {
			return true
		}
	}
	return false
}
