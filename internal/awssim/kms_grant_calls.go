package awssim

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

type grantConstraints struct {
	EncryptionContextEquals, EncryptionContextSubset map[string]string
}

type createGrantInput struct {
	keyInput
	GranteePrincipal, RetiringPrincipal, Name string
	Operations                                []string
	Constraints                               grantConstraints
	DryRun                                    bool
}

const maxGrants = 50_000 // of one key

// createGrant gives a grant. Asked again with the same name and the same terms it gives the one there is.
func (k *KMS) createGrant(c *kmsCall, in createGrantInput) (any, error) {
	key, err := k.key(c, in.KeyID, anyKey)
	if err != nil {
		return nil, err
	}
	if err := key.usable(); err != nil {
		return nil, err
	}
	if err := in.check(key); err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, errDryRun()
	}
	e := k.keys[key.ARN]
	g := KMSGrant{
		Name: in.Name, Grantee: in.GranteePrincipal, Retiring: in.RetiringPrincipal, Operations: in.Operations,
		ContextEquals: in.Constraints.EncryptionContextEquals, ContextSubset: in.Constraints.EncryptionContextSubset,
	}
	i := slices.IndexFunc(e.grants, func(there KMSGrant) bool { return in.Name != "" && there.same(&g) })
	if i >= 0 {
		g = e.grants[i]
	} else {
		if len(e.grants) >= maxGrants {
			return nil, apiErrorf("LimitExceededException", 0, "The key has %d grants", maxGrants)
		}
		g.ID, g.Created = randomHex(32), c.now
		e.grants = append(slices.Clip(e.grants), g)
		c.Effect = true
	}
	c.response = fields{"grantId": g.ID, "keyId": key.ARN}
	return fields{"GrantId": g.ID, "GrantToken": randomHex(64)}, nil
}

// same says whether two grants have the same name and terms.
func (g *KMSGrant) same(other *KMSGrant) bool {
	return g.Name == other.Name && g.Grantee == other.Grantee && g.Retiring == other.Retiring &&
		slices.Equal(g.Operations, other.Operations) && maps.Equal(g.ContextEquals, other.ContextEquals) &&
		maps.Equal(g.ContextSubset, other.ContextSubset)
}

func (in *createGrantInput) check(key *KMSKey) error {
	switch {
	case in.GranteePrincipal == "" || len(in.Operations) == 0:
		return apiErrorf("ValidationException", 0, "GranteePrincipal and Operations are required")
	case len(in.Constraints.EncryptionContextEquals)+len(in.Constraints.EncryptionContextSubset) > 0 && !key.symmetric():
		return apiErrorf("ValidationException", 0, "Encryption context constraints need a symmetric encryption key")
	}
	known := types.GrantOperation("").Values()
	for _, operation := range in.Operations {
		if !slices.Contains(known, types.GrantOperation(operation)) {
			return apiErrorf("ValidationException", 0, "Operation %q is not allowed for grants", operation)
		}
	}
	return nil
}

type revokeGrantInput struct {
	keyInput
	GrantID string `json:"GrantId"`
	DryRun  bool
}

// revokeGrant takes a grant back, in any state of the key.
func (k *KMS) revokeGrant(c *kmsCall, in revokeGrantInput) (any, error) {
	key, err := k.key(c, in.KeyID, anyKey)
	if err != nil {
		return nil, err
	}
	e := k.keys[key.ARN]
	i := slices.IndexFunc(e.grants, func(g KMSGrant) bool { return g.ID == in.GrantID })
	switch {
	case i < 0:
		return nil, apiErrorf("NotFoundException", 0, "Grant ID %s not found", in.GrantID)
	case in.DryRun:
		return nil, errDryRun()
	}
	e.grants = slices.Delete(slices.Clone(e.grants), i, i+1)
	c.changed(key)
	return nil, nil
}
