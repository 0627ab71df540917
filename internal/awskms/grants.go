package awskms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/inventory"
)

const (
	grantsPerPage = 100
	// maxGrantPages bounds the pages read of one key, which may have 500.
	maxGrantPages = 20
)

// grants reads who may use the key by grant. The first ones are kept, the others counted.
func (r *reading) grants(ctx context.Context) error {
	found := &inventory.Grants{ReadAt: r.now}
	in := &kms.ListGrantsInput{KeyId: &r.key.ARN, Limit: aws.Int32(grantsPerPage)}
	for range maxGrantPages {
		out, err := read(ctx, r.c, listGrants, in, r.c.api.ListGrants)
		if inapplicable(err) {
			return nil
		}
		if ok, err := r.allowed(listGrants, err); !ok {
			return err
		}
		for i := range out.Grants {
			if len(found.List) < r.grantsKept {
				found.List = append(found.List, grant(&out.Grants[i]))
			}
		}
		found.Count += len(out.Grants)
		if !out.Truncated || out.NextMarker == nil {
			r.key.Grants = found
			return nil
		}
		in.Marker = out.NextMarker
	}
	r.key.Grants = found
	return nil
}

func grant(g *types.GrantListEntry) inventory.Grant {
	out := inventory.Grant{
		ID: aws.ToString(g.GrantId), Name: aws.ToString(g.Name), IssuingAccount: aws.ToString(g.IssuingAccount),
		Grantee:  either(g.GranteePrincipal, g.GranteeServicePrincipal),
		Retiring: either(g.RetiringPrincipal, g.RetiringServicePrincipal),
		Created:  aws.ToTime(g.CreationDate).UTC(),
	}
	if g.Constraints != nil {
		out.ContextEquals, out.ContextSubset = g.Constraints.EncryptionContextEquals, g.Constraints.EncryptionContextSubset
	}
	for _, op := range g.Operations {
		out.Operations = append(out.Operations, string(op))
	}
	return out
}

func either(principal, service *string) string {
	if principal != nil {
		return *principal
	}
	return aws.ToString(service)
}

// lastUse reads what KMS itself knows of the key's last use.
func (r *reading) lastUse(ctx context.Context) error {
	in := &kms.GetKeyLastUsageInput{KeyId: &r.key.ARN}
	out, err := read(ctx, r.c, getKeyLastUsage, in, r.c.api.GetKeyLastUsage)
	if inapplicable(err) {
		return nil
	}
	if ok, err := r.allowed(getKeyLastUsage, err); !ok {
		return err
	}
	use := &inventory.LastUsage{ReadAt: r.now, TrackedSince: aws.ToTime(out.TrackingStartDate).UTC()}
	if last := out.KeyLastUsage; last != nil && last.Timestamp != nil {
		use.At, use.Operation, use.EventID = utc(last.Timestamp), string(last.Operation), aws.ToString(last.CloudTrailEventId)
	}
	r.key.LastUsage = use
	return nil
}
