package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// readRotated reads the key that a rotation of the named one is about: of a multi-Region replica its primary, which
// alone can be rotated, where rotd works in its Region. replica is then the ARN of the named one.
func (e *Engine) readRotated(ctx context.Context, arn string) (key *inventory.Key, replica string, err error) {
	key, err = e.readRotation(ctx, arn)
	if err != nil || key.MultiRegion != "REPLICA" || key.PrimaryARN == "" || !e.inPlace(key.PrimaryARN) {
		return key, "", err
	}
	key, err = e.readRotation(ctx, key.PrimaryARN)
	return key, arn, err
}

// routed tells a person that not the replica is rotated that they named, or why its primary is not.
func (n *notebook) routed(key *inventory.Key, replica string) []string {
	switch {
	case replica != "":
		return []string{fmt.Sprintf("%s is a multi-Region replica. Its primary %s in %s is rotated, and with it all "+
			"replicas.", replica, key.ARN, key.Region)}
	case key.MultiRegion == "REPLICA" && !n.e.inPlace(key.PrimaryARN):
		return []string{"rotd does not work where the primary key is. Add its account and Region to rotd.yaml (accounts), " +
			"or rotate it there."}
	}
	return nil
}

// planner are the configured guardrails, with what is known of the replicas that material must be imported into.
func (n *notebook) planner() remediation.Guardrails {
	g := n.settings.Guardrails
	g.Imports.Obstacle = n.obstacle
	return g
}

// obstacle says why rotd cannot import material into a replica, "" when nothing speaks against it.
func (n *notebook) obstacle(arn string) string {
	if !n.e.inPlace(arn) {
		return "rotd does not work in its account and Region (accounts in rotd.yaml)"
	}
	key, err := n.key(arn)
	switch {
	case err != nil || key == nil:
		return "" // it is read before anything is imported into it
	case key.State == "Enabled" || key.State == "Disabled":
		return ""
	}
	return "it is " + key.State
}

// importing says what an action imports, from where and until when; "" when it imports nothing.
func importing(a *remediation.Action, source string) string {
	if a.Method != remediation.ImportedMaterial {
		return ""
	}
	var regions []string
	for i := range a.Calls {
		if c := &a.Calls[i]; c.Operation == remediation.ImportKeyMaterial {
			regions = append(regions, strings.SplitN(c.KeyARN, ":", 5)[3])
		}
	}
	text := "From " + source + ", imported into " + strings.Join(regions, ", then ") + ". "
	if at := a.Expires(); at != nil {
		return text + fmt.Sprintf("It expires at %s: when any material of a key does, nothing can be encrypted or decrypted "+
			"with the key until the same bytes are imported again.", at.UTC().Format(time.RFC3339))
	}
	return text + "It does not expire."
}
