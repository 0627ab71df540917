package awssim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// KMSGrant lets a principal use a key. It is listed, and lets nobody do anything: grants are not judged here.
type KMSGrant struct {
	ID         string // default: random
	Name       string
	Grantee    string // a principal's ARN or a service
	Retiring   string
	Operations []string
	Created    time.Time // default: now

	ContextEquals, ContextSubset map[string]string // constraints
}

// AddGrant gives a key a grant and returns its id. No event is recorded.
func (k *KMS) AddGrant(arn string, g KMSGrant) (id string, err error) {
	k.locked(func() {
		e := k.keys[arn]
		if e == nil || e.history.latest() == nil {
			err = fmt.Errorf("awssim: a grant for %s, which does not exist", arn)
			return
		}
		if g.ID == "" {
			g.ID = randomHex(32)
		}
		if g.Created.IsZero() {
			g.Created = k.sim.clock.Now()
		}
		e.grants = append(slices.Clip(e.grants), g)
		id = g.ID
	})
	return id, err
}

// RemoveGrant takes a grant back. No event is recorded.
func (k *KMS) RemoveGrant(arn, id string) {
	k.locked(func() {
		if e := k.keys[arn]; e != nil {
			e.grants = slices.DeleteFunc(slices.Clone(e.grants), func(g KMSGrant) bool { return g.ID == id })
		}
	})
}

type listGrantsInput struct {
	keyInput
	pageInput
	GrantID          string `json:"GrantId"`
	GranteePrincipal string
}

func (k *KMS) listGrants(c *kmsCall, in listGrantsInput) (any, error) {
	key, err := k.readKey(c, in.KeyID, anyKey)
	if err != nil {
		return nil, err
	}
	size, err := in.size(50, 100)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Clone(k.keys[key.ARN].grants), func(g KMSGrant) bool {
		return in.GrantID != "" && g.ID != in.GrantID || in.GranteePrincipal != "" && g.Grantee != in.GranteePrincipal
	})
	if in.GrantID != "" && len(all) == 0 {
		return nil, apiErrorf("NotFoundException", 0, "Grant ID %s not found", in.GrantID)
	}
	start, err := in.offset(len(all))
	if err != nil {
		return nil, err
	}
	end := min(start+size, len(all))
	items := make([]fields, 0, end-start)
	for _, g := range all[start:end] {
		items = append(items, g.listed(key))
	}
	return wire(paged("Grants", items, end < len(all), strconv.Itoa(end))), nil
}

func (g KMSGrant) listed(key *KMSKey) fields {
	f := fields{
		"KeyId": key.ARN, "GrantId": g.ID, "Operations": g.Operations, "CreationDate": g.Created,
		"GranteePrincipal": g.Grantee, "IssuingAccount": arnOf("iam", "", key.Account, "root"),
	}
	if g.Name != "" {
		f["Name"] = g.Name
	}
	if g.Retiring != "" {
		f["RetiringPrincipal"] = g.Retiring
	}
	constraints := fields{}
	if len(g.ContextEquals) > 0 {
		constraints["EncryptionContextEquals"] = g.ContextEquals
	}
	if len(g.ContextSubset) > 0 {
		constraints["EncryptionContextSubset"] = g.ContextSubset
	}
	if len(constraints) > 0 {
		f["Constraints"] = constraints
	}
	return f
}
