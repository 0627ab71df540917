package awskms

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// Look reads what the call that an action has under way depends on and changes: the call's key, and with it the target
// of an alias, a grant, or the key that CreateKey made. prev is what was known of the call's key, of which at least the
// ARN; known says which keys of the place there were before, whom nobody need ask for the action's tag. An error means
// that the truth is not known.
func (c *Client) Look(ctx context.Context, a *remediation.Action, prev *inventory.Key, known func(arn string) bool) (
	o remediation.Observation, err error,
) {
	call := a.Current()
	if o.Facts.Key, err = c.read(ctx, prev.ARN, prev.Aliases, prev, call.Operation.Needs()); err != nil {
		return o, err
	}
	switch {
	case call.Operation == remediation.CreateKey:
		o.Made, err = c.findMade(ctx, a, known)
	case call.Operation == remediation.CreateGrant:
		name := a.GrantName()
		o.Granted, err = c.granted(ctx, &kms.ListGrantsInput{KeyId: &prev.ARN}, func(g inventory.Grant) bool {
			return g.Name == name
		})
	case call.Operation == remediation.RevokeGrant:
		in := &kms.ListGrantsInput{KeyId: &prev.ARN, GrantId: &call.Grant.ID}
		o.Granted, err = c.granted(ctx, in, func(g inventory.Grant) bool { return g.ID == call.Grant.ID })
	case call.Operation.NamesAlias():
		o.Target, err = c.target(ctx, call)
	}
	return o, err
}

// target is the ARN of the key that a call's alias points at; empty when there is no such alias. The two keys it may
// point at are asked first, since a place may have a hundred thousand aliases.
func (c *Client) target(ctx context.Context, call *remediation.Call) (string, error) {
	for _, arn := range [...]string{call.KeyARN, call.FromARN} {
		if arn == "" {
			continue
		}
		names, err := c.AliasesOf(ctx, arn)
		if err != nil && Classify(err) != NotFound {
			return "", err
		}
		if slices.Contains(names, call.Alias) {
			return arn, nil
		}
	}
	all, err := c.Aliases(ctx)
	if err != nil {
		return "", err
	}
	if alias, ok := all.ByName[call.Alias]; ok {
		return strings.TrimSuffix(call.KeyARN, keyID(call.KeyARN)) + alias.KeyID, nil
	}
	return "", nil
}

// granted reports whether a key has a grant that fits.
func (c *Client) granted(ctx context.Context, in *kms.ListGrantsInput, fits func(inventory.Grant) bool) (bool, error) {
	in.Limit = aws.Int32(grantsPerPage)
	for {
		out, err := read(ctx, c, listGrants, in, c.api.ListGrants)
		switch {
		case Classify(err) == NotFound && in.GrantId != nil:
			return false, nil // KMS knows no such grant
		case err != nil:
			return false, err
		}
		for i := range out.Grants {
			if fits(grant(&out.Grants[i])) {
				return true, nil
			}
		}
		if !out.Truncated || out.NextMarker == nil {
			return false, nil
		}
		in.Marker = out.NextMarker
	}
}

var errFound = errors.New("found")

// findMade is the ARN of the key that carries the action's id; empty when there is none yet.
func (c *Client) findMade(ctx context.Context, a *remediation.Action, known func(arn string) bool) (string, error) {
	if named := a.Current().Made; named != "" {
		if made, err := c.carries(ctx, named, a.ID); err != nil || made {
			return named, err
		}
		return "", nil
	}
	if a.CalledAt.IsZero() {
		return "", nil // never asked for
	}
	found := ""
	err := c.ListKeys(ctx, func(arns []string) error {
		for _, arn := range arns {
			if known(arn) {
				continue
			}
			made, err := c.carries(ctx, arn, a.ID)
			if err != nil {
				return err
			}
			if made {
				found = arn
				return errFound
			}
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return found, err
}

// carries reports whether a key is marked with an action's id. One that KMS does not know, or does not show to rotd, is
// not.
func (c *Client) carries(ctx context.Context, arn, actionID string) (bool, error) {
	in := &kms.ListResourceTagsInput{KeyId: &arn}
	for {
		out, err := read(ctx, c, listResourceTags, in, c.api.ListResourceTags)
		switch class := Classify(err); {
		case class == NotFound || class == AccessDenied || inapplicable(err):
			return false, nil
		case err != nil:
			return false, err
		}
		for _, t := range out.Tags {
			if aws.ToString(t.TagKey) == ActionTag && aws.ToString(t.TagValue) == actionID {
				return true, nil
			}
		}
		if !out.Truncated || out.NextMarker == nil {
			return false, nil
		}
		in.Marker = out.NextMarker
	}
}
