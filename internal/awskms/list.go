package awskms

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Pages as large as KMS gives them.
const (
	keysPerPage      = 1000
	aliasesPerPage   = 100
	rotationsPerPage = 1000
)

// ListKeys hands over the ARNs of all keys, page by page, in KMS's order.
func (c *Client) ListKeys(ctx context.Context, each func(arns []string) error) error {
	in := &kms.ListKeysInput{Limit: aws.Int32(keysPerPage)}
	for {
		out, err := read(ctx, c, listKeys, in, c.api.ListKeys)
		if err != nil {
			return err
		}
		arns := make([]string, 0, len(out.Keys))
		for _, k := range out.Keys {
			arns = append(arns, aws.ToString(k.KeyArn))
		}
		if err := each(arns); err != nil {
			return err
		}
		if !out.Truncated || out.NextMarker == nil {
			return nil
		}
		in.Marker = out.NextMarker
	}
}

// Alias is a name for a key.
type Alias struct {
	Name    string // alias/…
	KeyID   string
	Updated time.Time // when it was last pointed at a key; zero: KMS does not say
}

// Aliases are all aliases of a place that point at a key.
type Aliases struct {
	ByName map[string]Alias
	byKey  map[string][]string
}

// Of are the names of a key, sorted.
func (a *Aliases) Of(keyID string) []string {
	if a == nil {
		return nil
	}
	return a.byKey[keyID]
}

// Aliases lists all aliases. Those AWS keeps ready for keys that do not exist yet are left out.
func (c *Client) Aliases(ctx context.Context) (*Aliases, error) { return c.aliases(ctx, nil) }

// AliasesOf lists the names of one key, sorted.
func (c *Client) AliasesOf(ctx context.Context, arn string) ([]string, error) {
	found, err := c.aliases(ctx, &arn)
	if err != nil {
		return nil, err
	}
	return found.Of(keyID(arn)), nil
}

// aliases lists the aliases of one key, or of all.
func (c *Client) aliases(ctx context.Context, key *string) (*Aliases, error) {
	found := &Aliases{ByName: map[string]Alias{}, byKey: map[string][]string{}}
	in := &kms.ListAliasesInput{KeyId: key, Limit: aws.Int32(aliasesPerPage)}
	for {
		out, err := read(ctx, c, listAliases, in, c.api.ListAliases)
		if err != nil {
			return nil, err
		}
		for _, a := range out.Aliases {
			if a.TargetKeyId == nil {
				continue
			}
			alias := Alias{Name: aws.ToString(a.AliasName), KeyID: *a.TargetKeyId}
			alias.Updated = aws.ToTime(a.LastUpdatedDate)
			found.ByName[alias.Name] = alias
			found.byKey[alias.KeyID] = append(found.byKey[alias.KeyID], alias.Name)
		}
		if !out.Truncated || out.NextMarker == nil {
			break
		}
		in.Marker = out.NextMarker
	}
	for _, names := range found.byKey {
		slices.Sort(names)
	}
	return found, nil
}

// keyID is the last part of a key's ARN.
func keyID(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
