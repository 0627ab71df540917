package engine

import (
	"slices"
	"strings"
	"time"

	"rotd/internal/state"
)

// maxStored bounds what is kept of objects' keys: which objects are read is for messages to say.
const maxStored = 100

// DependsOn keeps what rotd depends on, so that the keys under which that is are left alone. Of what did not tell its
// key, the one that is known stays; objects stay under the key they were written under.
func (e *Engine) DependsOn(asked []state.Dependency) error {
	return e.note(time.Now().UTC(), func(n *notebook) error {
		known, err := n.tx.Dependencies()
		if err != nil {
			return err
		}
		return n.tx.SetDependencies(dependencies(known, asked))
	})
}

func dependencies(known, asked []state.Dependency) []state.Dependency {
	all := slices.Clone(asked)
	for i := range all {
		if all[i].Error == "" {
			continue
		}
		for j := range known {
			if known[j].What == all[i].What {
				all[i].Key = known[j].Key
			}
		}
	}
	stored := 0
	for i := range all {
		if all[i].Stored {
			stored++
		}
	}
	for i := range known {
		again := slices.ContainsFunc(asked, func(d state.Dependency) bool {
			return d.What == known[i].What && d.Key == known[i].Key
		})
		if known[i].Stored && !again && stored < maxStored {
			all = append(all, known[i])
			stored++
		}
	}
	return all
}

// ownKeys are the ARNs of the keys that rotd depends on, and what of its own each encrypts.
func (n *notebook) ownKeys() (map[string]string, error) {
	all, err := n.tx.Dependencies()
	own := make(map[string]string, len(all))
	for i := range all {
		if arn := n.keyOf(&all[i]); arn != "" && own[arn] == "" {
			own[arn] = all[i].What
		}
	}
	return own, err
}

// keyOf is the ARN of the key that a dependency is under, "" when it is under none that is known.
func (n *notebook) keyOf(d *state.Dependency) string {
	account, region, name := d.Account, d.Region, d.Key
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 {
		if strings.HasPrefix(parts[5], "key/") {
			return name
		}
		region, account, name = parts[3], parts[4], parts[5]
	}
	return n.tx.Resolve(account, region, name)
}
