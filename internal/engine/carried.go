package engine

import (
	"slices"
	"strings"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

// policyFindings are the open findings about what stands in the policies of a key and its replicas, which their
// successors get word for word.
func (n *notebook) policyFindings(key *inventory.Key) (found []finding.Finding, err error) {
	for _, arn := range append([]string{key.ARN}, key.ReplicaARNs...) {
		open, err := n.tx.OpenAbout(arn, maxOpenAbout)
		if err != nil {
			return nil, err
		}
		for i := range open {
			switch open[i].RuleID {
			case "key-policy-public", "key-policy-made-public", "key-policy-external-account",
				"key-policy-shared-externally", "key-policy-owner-removed", "key-policy-lockout-bypassed":
				found = append(found, open[i])
			}
		}
	}
	return found, nil
}

// named are findings by id and rule.
func named(found []finding.Finding) []string {
	names := make([]string, len(found))
	for i := range found {
		names[i] = found[i].ID + " (" + found[i].RuleID + ")"
	}
	return names
}

// carriedOver warns of what is wrong with the old key's policy and would be with the new one's.
func (n *notebook) carriedOver(key *inventory.Key) ([]string, error) {
	found, err := n.policyFindings(key)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return []string{"The new key gets the old one's policy and grants, and about that policy is open: " +
		strings.Join(named(found), ", ") + ". Whoever it lets in gets into the new key, too, and whom it keeps out stays " +
		"out. Put the old key's policy right first."}, nil
}

// unacknowledged are the findings that nobody has acknowledged.
func unacknowledged(found []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(found, func(f finding.Finding) bool { return f.Acknowledged != nil })
}
