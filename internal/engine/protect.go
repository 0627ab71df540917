package engine

import (
	"slices"
	"strings"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// protect keeps that a key is one of those nothing automatic touches, found by a configured id, ARN or alias. It stays
// protected when the alias is moved away, and until its name is taken out of the configuration.
func (n *notebook) protect(key *inventory.Key) error {
	if len(n.settings.Protected) == 0 {
		return nil
	}
	i := slices.IndexFunc(n.settings.Protected, func(name string) bool { return isNamed(key, name) })
	if i < 0 {
		return nil
	}
	arns, err := n.tx.Protected()
	if err != nil || arns[key.ARN] == n.settings.Protected[i] {
		return err
	}
	if arns == nil {
		arns = make(map[string]string)
	}
	arns[key.ARN] = n.settings.Protected[i]
	return n.tx.SetProtected(arns)
}

// isNamed reports whether a name is the key's id, its ARN, one of its aliases or of their ARNs.
func isNamed(key *inventory.Key, name string) bool {
	if name == key.ID || name == key.ARN {
		return true
	}
	base := strings.TrimSuffix(key.ARN, "key/"+key.ID)
	return slices.ContainsFunc(key.Aliases, func(alias string) bool { return name == alias || name == base+alias })
}

// guardrails are the configured ones, with what the state knows of protected keys and of rotd's own.
func (n *notebook) guardrails() (remediation.Guardrails, error) {
	g := n.planner()
	own, err := n.ownKeys()
	if err != nil {
		return g, err
	}
	g.Own = func(arn string) string { return own[arn] }
	arns, err := n.tx.Protected()
	g.Protected = func(arn string) bool {
		name, ok := arns[arn]
		return ok && slices.Contains(n.settings.Protected, name)
	}
	return g, err
}
