package awskms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/inventory"
)

// ReadWhole reads everything rotd wants to know of a key, but its last use, which takes long to ask for. prev is what
// was known of it, nil if nothing: it is kept where KMS refuses to tell, which the key's Denied then lists. Of an AWS
// managed key only the metadata are read. A key that KMS does not know has GoneAt. An error means that the key could
// not be read, and says nothing about the key.
func (c *Client) ReadWhole(ctx context.Context, arn string, aliases []string, prev *inventory.Key) (
	*inventory.Key, error,
) {
	return c.read(ctx, arn, aliases, prev, inventory.FactsWhole)
}

// ReadDrift re-reads a known key's metadata and rotation status.
func (c *Client) ReadDrift(ctx context.Context, prev *inventory.Key) (*inventory.Key, error) {
	return c.read(ctx, prev.ARN, prev.Aliases, prev, inventory.FactState)
}

// ReadRotation re-reads what an action on a key needs to know: metadata, rotation status, and all rotations. Of prev
// only the ARN must be known.
func (c *Client) ReadRotation(ctx context.Context, prev *inventory.Key) (*inventory.Key, error) {
	return c.read(ctx, prev.ARN, prev.Aliases, prev, inventory.FactState|inventory.FactHistory)
}

// ReadFacts reads some facts about a known key, and nothing else: its rotations, its grants, its last use.
func (c *Client) ReadFacts(ctx context.Context, prev *inventory.Key, facts inventory.Facts) (*inventory.Key, error) {
	return c.read(ctx, prev.ARN, prev.Aliases, prev, facts)
}

// ReadHeld reads a key's state and its grants, of which it lists up to most: more than are kept of a key.
func (c *Client) ReadHeld(ctx context.Context, prev *inventory.Key, most int) (*inventory.Key, error) {
	r := c.begin(prev)
	r.grantsKept = most
	return r.facts(ctx, inventory.FactState|inventory.FactGrants)
}

// read reads facts about a key.
func (c *Client) read(ctx context.Context, arn string, aliases []string, prev *inventory.Key, facts inventory.Facts,
) (*inventory.Key, error) {
	if prev == nil {
		prev = &inventory.Key{ARN: arn}
	}
	r := c.begin(prev)
	r.key.Aliases = aliases
	return r.facts(ctx, facts)
}

func (r *reading) facts(ctx context.Context, facts inventory.Facts) (*inventory.Key, error) {
	if facts.Has(inventory.FactState) {
		if ok, err := r.describe(ctx); err != nil || !ok {
			return r.done(err)
		}
	}
	if r.key.Manager == string(types.KeyManagerTypeCustomer) {
		if err := r.parts(ctx, facts); err != nil {
			return r.done(err)
		}
	}
	if facts.Has(inventory.FactConfig) {
		r.key.FullAt, r.key.WholeBy = r.now, time.Now().UTC()
	}
	return r.done(nil)
}

// parts reads what only customer managed keys have.
func (r *reading) parts(ctx context.Context, facts inventory.Facts) error {
	for _, part := range []struct {
		fact inventory.Facts
		read func(context.Context) error
	}{
		{inventory.FactState, r.status},
		{inventory.FactHistory, r.history},
		{inventory.FactConfig, r.tags},
		{inventory.FactConfig, r.policy},
		{inventory.FactGrants, r.grants},
		{inventory.FactUse, r.lastUse},
	} {
		if !facts.Has(part.fact) {
			continue
		}
		if err := part.read(ctx); err != nil {
			return err
		}
	}
	if facts.Has(inventory.FactGrants) || facts.Has(inventory.FactHistory) && !r.key.FactsAskedAt.IsZero() {
		r.key.FactsAskedAt = r.now
	}
	if facts.Has(inventory.FactUse) {
		r.key.UseAskedAt = r.now
	}
	return nil
}

func (r *reading) done(err error) (*inventory.Key, error) {
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", r.key.ARN, err)
	}
	slices.Sort(r.key.Denied)
	return r.key, nil
}

// rotates says that KMS tells of rotations of this kind of key; of others it is an error to ask.
func (r *reading) rotates() bool {
	k := r.key
	return k.Spec == string(types.KeySpecSymmetricDefault) &&
		(k.Origin == string(types.OriginTypeAwsKms) || k.Origin == string(types.OriginTypeExternal)) &&
		k.State != string(types.KeyStatePendingImport) && k.State != string(types.KeyStateCreating)
}

// inapplicable says that KMS answered that it has nothing to tell, be it that the state just changed.
func inapplicable(err error) bool {
	class := Classify(err)
	return class == Unsupported || class == InvalidState || class == Disabled
}

// status reads whether and when KMS rotates the key by itself, and whether a rotation on demand is under way.
func (r *reading) status(ctx context.Context) error {
	if !r.rotates() {
		r.key.Rotation = nil
		return nil
	}
	in := &kms.GetKeyRotationStatusInput{KeyId: &r.key.ARN}
	out, err := read(ctx, r.c, getKeyRotationStatus, in, r.c.api.GetKeyRotationStatus)
	if inapplicable(err) {
		r.key.Rotation = nil
		return nil
	}
	if ok, err := r.allowed(getKeyRotationStatus, err); !ok {
		r.key.Rotation = nil
		return err
	}
	mayBeOn := r.key.Rotation == nil || r.key.Rotation.Enabled // as far as is known
	if r.key.Rotation == nil {
		r.key.Rotation = &inventory.Rotation{}
	}
	now := r.key.Rotation
	now.Enabled = out.KeyRotationEnabled
	now.PeriodDays = int(aws.ToInt32(out.RotationPeriodInDays))
	now.Next = utc(out.NextRotationDate)
	now.InProgress = utc(out.OnDemandRotationStartDate)
	if mayBeOn && !now.Enabled {
		// Rotation goes off with the key, too: the state read a moment ago may be from before.
		_, err := r.describe(ctx)
		return err
	}
	return nil
}

// history reads the key's completed rotations. Material without a date is the first, or is not in use yet.
func (r *reading) history(ctx context.Context) error {
	if r.key.Rotation == nil {
		return nil
	}
	var (
		history []inventory.Rotated
		current string
		pending *inventory.Pending
	)
	in := &kms.ListKeyRotationsInput{
		KeyId: &r.key.ARN, Limit: aws.Int32(rotationsPerPage),
		IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial,
	}
	for {
		out, err := read(ctx, r.c, listKeyRotations, in, r.c.api.ListKeyRotations)
		if inapplicable(err) {
			r.key.Rotation.NoHistoryAt = r.now
			return nil
		}
		if ok, err := r.allowed(listKeyRotations, err); !ok {
			return err
		}
		for _, e := range out.Rotations {
			if e.KeyMaterialState == types.KeyMaterialStateCurrent {
				current = aws.ToString(e.KeyMaterialId)
			}
			if isPending(e.KeyMaterialState) {
				pending = &inventory.Pending{
					Material: aws.ToString(e.KeyMaterialId), State: string(e.KeyMaterialState), Import: string(e.ImportState),
				}
			}
			if e.RotationDate != nil {
				history = append(history, inventory.Rotated{
					At: e.RotationDate.UTC(), Type: string(e.RotationType), Material: aws.ToString(e.KeyMaterialId),
				})
			}
		}
		if !out.Truncated || out.NextMarker == nil {
			break
		}
		in.Marker = out.NextMarker
	}
	slices.SortStableFunc(history, func(a, b inventory.Rotated) int { return a.At.Compare(b.At) })
	told := r.key.Rotation
	told.History, told.HistoryAt, told.HistoryMaterial, told.NoHistoryAt = history, r.now, current, time.Time{}
	told.Pending = pending
	return nil
}

// isPending says that material waits to become the current one.
func isPending(state types.KeyMaterialState) bool {
	return state == types.KeyMaterialStatePendingRotation ||
		state == types.KeyMaterialStatePendingMultiRegionImportAndRotation
}

func (r *reading) tags(ctx context.Context) error {
	in := &kms.ListResourceTagsInput{KeyId: &r.key.ARN}
	tags := map[string]string{}
	for {
		out, err := read(ctx, r.c, listResourceTags, in, r.c.api.ListResourceTags)
		if inapplicable(err) {
			return nil
		}
		if ok, err := r.allowed(listResourceTags, err); !ok {
			return err
		}
		for _, t := range out.Tags {
			tags[aws.ToString(t.TagKey)] = aws.ToString(t.TagValue)
		}
		if !out.Truncated || out.NextMarker == nil {
			break
		}
		in.Marker = out.NextMarker
	}
	r.key.Tags = tags
	return nil
}

func (r *reading) policy(ctx context.Context) error {
	in := &kms.GetKeyPolicyInput{KeyId: &r.key.ARN, PolicyName: aws.String("default")}
	out, err := read(ctx, r.c, getKeyPolicy, in, r.c.api.GetKeyPolicy)
	if inapplicable(err) {
		return nil
	}
	if ok, err := r.allowed(getKeyPolicy, err); !ok {
		return err
	}
	r.key.Policy = aws.ToString(out.Policy)
	return nil
}
