package remediation

// Succession is a key and the one that took its place.
type Succession struct{ Old, New string } // ARNs

// Successions are the keys that a replacement has replaced, or means to, as far as their successors are known: the
// action's own and, of a multi-Region key, its replicas.
func (a *Action) Successions() []Succession {
	if a.Method != NewKey || a.NewKeyARN == "" {
		return nil
	}
	all := []Succession{{a.KeyARN, a.NewKeyARN}}
	for i := range a.Calls {
		if c := &a.Calls[i]; c.Operation == ReplicateKey {
			all = append(all, Succession{inRegion(a.KeyARN, c.Region), inRegion(a.NewKeyARN, c.Region)})
		}
	}
	return all
}

// MovesAlias reports whether the action asked for an alias to be moved.
func (a *Action) MovesAlias(alias string) bool {
	for _, c := range a.Asked() {
		if c.Operation == UpdateAlias && c.Alias == alias {
			return true
		}
	}
	return false
}
