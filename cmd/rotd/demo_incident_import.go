package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// newMaterial stands for a company's own hardware: it makes material once, and gives the same again.
const newMaterial = `#!/bin/sh -eu
umask 077
at="$(dirname "$0")/material-$(echo "$ROTD_MATERIAL" | tr -c 'a-zA-Z0-9\n' -)"
[ -s "$at" ] || { head -c 32 /dev/urandom > "$at.new"; mv "$at.new" "$at"; }
exec cat "$at"
`

// supplyMaterial gives the key for imported material its first one, and rotd.yaml's command where more comes from.
func (a *incidentActs) supplyMaterial() error {
	if err := a.world.sim.KMS().AddImported(a.world.keys["imported"], time.Time{}); err != nil {
		return fmt.Errorf("import the first material: %w", err)
	}
	script := filepath.Join(a.world.dir, "new-material")
	if err := os.WriteFile(script, []byte(newMaterial), 0o700); err != nil { //nolint:gosec // a program is executable
		return fmt.Errorf("write the source of material: %w", err)
	}
	return nil
}

// rotateImported gives a key new material that comes from outside of AWS.
func (a *incidentActs) rotateImported(ctx context.Context) error {
	a.tell.say("The material of alias/bank-hsm is imported: KMS makes none for it. rotd asks the command that rotd.yaml")
	a.tell.say("names, wraps what it gives for KMS, imports it, and rotates to it.")
	if err := a.supplyMaterial(); err != nil {
		return err
	}
	_, err := a.runs(ctx, 0, "rotate", "alias/bank-hsm", "--yes", "--reason",
		"INC-4711: a backup of the bank's safe was read")
	if err != nil {
		return err
	}
	arn := a.world.keys["imported"]
	key, _ := a.world.sim.KMS().Key(arn)
	imports, rotations := a.callsOn("ImportKeyMaterial", arn), a.callsOn("RotateKeyOnDemand", arn)
	a.tell.check(len(key.Materials) == 2 && key.OnDemandUsed == 1 && imports == 1 && rotations == 1,
		"KMS says: %d materials, old ciphertext stays decryptable; it received %d import and %d rotation",
		len(key.Materials), imports, rotations)
	return nil
}
