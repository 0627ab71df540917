package main

import (
	"context"
	"path/filepath"
)

// prove tells what happened to the key, and verifies the audit log, as it is and as it was exported.
func (a *incidentActs) prove(ctx context.Context) error {
	for _, args := range [][]string{
		{"incident", "timeline", a.id},
		{"audit", "verify"},
		{"audit", "export", "--file", filepath.Join(a.world.dir, "audit.jsonl")},
		{"audit", "verify", filepath.Join(a.world.dir, "audit.jsonl")},
		{"incident", "close", a.id, "--reason", "contained, and what it needed was done"},
	} {
		if _, err := a.runs(ctx, 0, args...); err != nil {
			return err
		}
	}
	return nil
}
