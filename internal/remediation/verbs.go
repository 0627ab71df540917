package remediation

// does is what an action does to its key, as an infinitive.
func (a *Action) does() string {
	switch {
	case a.restores():
		return "cancel its deletion"
	case a.Method == MoveBack:
		return "move aliases back to it"
	case a.Verb == Contain:
		return "contain it"
	case a.Verb == Replace:
		return "replace it"
	case a.Verb == reencrypt:
		return "move what is under it"
	}
	return "rotate it"
}

// restores says that the action takes nothing away from anybody: a scheduled deletion is cancelled, and the key enabled
// again.
func (a *Action) restores() bool {
	for i := range a.Calls {
		if op := a.Calls[i].Operation; op != CancelKeyDeletion && op != EnableKey {
			return false
		}
	}
	return a.Verb == Contain && len(a.Calls) > 0
}

// needsPerson says that nobody but a person may ask for the action: it cuts somebody off.
func (a *Action) needsPerson() bool { return a.Verb == Contain && !a.restores() }
