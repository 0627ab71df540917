package main

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
)

// replace makes a new key in place of an asymmetric one, which has no rotation.
func (a *incidentActs) replace(ctx context.Context) error {
	a.tell.say("alias/release-signing is an ECC key pair: KMS rotates none. rotd makes a new key like it, moves the")
	a.tell.say("alias, and leaves the old one enabled, since what it signed must stay verifiable.")
	const alias = "alias/release-signing"
	_, err := a.runs(ctx, 0, "replace", alias, "--reason", "INC-4711: signed by the intruder", "--yes")
	if err != nil {
		return err
	}
	old, _ := a.world.sim.KMS().Key(a.world.keys["signing"])
	replacement, found := a.named(alias)
	a.tell.check(found && replacement.ARN != old.ARN && replacement.Spec == old.Spec,
		"KMS says: %s names another key, of the same spec %s", alias, replacement.Spec)
	a.tell.check(old.State == types.KeyStateEnabled && old.Tags["rotd:replaced-by"] == replacement.ARN &&
		replacement.Tags["rotd:replaces"] == old.ARN, "the old key is enabled, and each one's tags name the other")
	made := len(a.world.sim.Requests(awssim.OfOperation("CreateKey")))
	a.tell.check(made == 1, "KMS received %d CreateKey", made)
	return nil
}

// named is the key that an alias names.
func (a *incidentActs) named(alias string) (awssim.KMSKey, bool) {
	for _, arn := range a.world.sim.KMS().Keys(demoAccount, demoRegion) {
		if key, ok := a.world.sim.KMS().Key(arn); ok && slices.Contains(key.Aliases, alias) {
			return key, true
		}
	}
	return awssim.KMSKey{}, false
}
