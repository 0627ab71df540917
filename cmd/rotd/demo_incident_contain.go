package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// contain shows whom each measure breaks, and revokes the intruder's grant alone.
func (a *incidentActs) contain(ctx context.Context) error {
	a.tell.say("alice, the responder, first asks what the key is worth to whom. Nothing is done yet.")
	preview, err := a.runs(ctx, 0, "contain", "alias/orders", "--dry-run")
	if err != nil {
		return err
	}
	a.tell.check(containsAll(preview, []string{"mallory", "203.0.113.0/24", "pay-service", "999988887777"}),
		"the preview names the intruder, his network, his grant, and the service that needs the key")
	grants, err := a.grants(ctx)
	if err != nil {
		return err
	}
	if len(grants) != 1 {
		return fmt.Errorf("%w: %d grants instead of the intruder's", errDemo, len(grants))
	}
	a.tell.say("Disabling the key would stop the payment service too. She revokes the grant.")
	_, err = a.runs(ctx, 0, "contain", "alias/orders", "--revoke", grants[0],
		"--reason", "INC-4711: grant made with a stolen access key", "--yes")
	if err != nil {
		return err
	}
	if grants, err = a.grants(ctx); err != nil {
		return err
	}
	key, _ := a.world.sim.KMS().Key(a.world.keys["orders"])
	a.tell.check(len(grants) == 0 && key.State == types.KeyStateEnabled,
		"KMS says: %d grants, and the key is %s", len(grants), strings.ToLower(string(key.State)))
	return nil
}

// grants are the ids of the grants of the key that the intruder used, as KMS lists them.
func (a *incidentActs) grants(ctx context.Context) (ids []string, err error) {
	page, err := a.as(a.world.alice).ListGrants(ctx, &kms.ListGrantsInput{KeyId: aws.String(a.world.keys["orders"])})
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	for _, g := range page.Grants {
		ids = append(ids, aws.ToString(g.GrantId))
	}
	return ids, nil
}
