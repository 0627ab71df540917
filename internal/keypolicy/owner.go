package keypolicy

// OwnerLockedOut reports whether no statement lets the owner's account root, or anybody else of that account, change
// the key policy (kms:PutKeyPolicy): then only AWS Support can bring the key back. The sentence says why, or which
// statement lets them in. It is never true of an owner whose account is not known.
func (p *Policy) OwnerLockedOut(owner Owner) (bool, string) {
	j := judge{policy: p, owner: owner, denials: p.denials(owner)}
	return j.lockedOut()
}

func (j *judge) lockedOut() (bool, string) {
	if j.owner.Account == "" {
		return false, "the key's account is not known"
	}
	takenBack := -1
	for i := range j.policy.Statements {
		s := &j.policy.Statements[i]
		if s.Effect != Allow || !s.mayBeAbout(j.owner) || !s.actions().has(putKeyPolicy) || !j.admitsOwner(s) {
			continue
		}
		if j.leavesOwner(s) {
			return false, s.name(i) + " lets account " + j.owner.Account + " change the key policy"
		}
		takenBack = i
	}
	why := "no statement lets account " + j.owner.Account +
		" or any user or role of it change the key policy (kms:PutKeyPolicy)"
	if takenBack >= 0 {
		why += "; " + j.policy.Statements[takenBack].name(takenBack) + " would, but a Deny takes it back"
	}
	return true, why
}

// admitsOwner reports whether the statement's own principals and conditions leave room for the owner's account.
func (j *judge) admitsOwner(s *Statement) bool {
	bounds, _ := boundsOf(s.Conditions)
	for _, b := range bounds {
		if !j.mayBeInside(b) {
			return false
		}
	}
	if s.NotPrincipal {
		for _, p := range s.Principals {
			if p.Kind == Everyone || p.Kind == WholeAccount && j.owner.owns(p) {
				return false
			}
		}
		return true
	}
	for _, p := range s.Principals {
		if p.Kind == Everyone || j.owner.owns(p) {
			return true
		}
	}
	return false
}

// leavesOwner reports whether the Deny statements leave somebody of the owner's account that the statement admits.
func (j *judge) leavesOwner(s *Statement) bool {
	if (j.denials.everyone | j.denials.named[j.owner.Account]).has(putKeyPolicy) {
		return false
	}
	for _, deny := range j.denials.bounds {
		if deny.actions.has(putKeyPolicy) && !j.mayBeInside(deny.bound) {
			return false
		}
	}
	if s.NotPrincipal {
		return true
	}
	for _, p := range s.Principals {
		if (p.Kind == Everyone || j.owner.owns(p)) && !j.denials.takenFrom(p).has(putKeyPolicy) {
			return true
		}
	}
	return false
}

// mayBeInside reports whether somebody of the owner's account could be among those a bound lets through.
func (j *judge) mayBeInside(b bound) bool {
	for _, s := range b.scopes {
		switch s.kind {
		case accountScope:
			// For a service acting for the owner this is no way in: a service does not change policies.
			if b.direct && s.id == j.owner.Account {
				return true
			}
		case organizationScope:
			if b.direct && (j.owner.Organization == "" || s.id == j.owner.Organization) {
				return true
			}
		case principalScope, networkScope:
			return true
		case serviceScope, sourceScope:
		}
	}
	return false
}
