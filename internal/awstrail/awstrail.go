// Package awstrail is CloudTrail as rotd asks it: for the public keys by which digests of log files are verified. What
// stands in log files and digests is package trail's.
package awstrail

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"rotd/internal/events/trail"
)

// Client asks CloudTrail.
type Client struct{ api *cloudtrail.Client }

// New returns a client with cfg's credentials.
func New(cfg aws.Config) *Client { return &Client{cloudtrail.NewFromConfig(cfg)} }

// maxPages bounds a list: a Region has some keys a year.
const maxPages = 100

// PublicKeys lists the keys by which a Region's digests of a span of time were signed.
func (c *Client) PublicKeys(ctx context.Context, region string, from, to time.Time) ([]trail.PublicKey, error) {
	var keys []trail.PublicKey
	in := &cloudtrail.ListPublicKeysInput{StartTime: &from, EndTime: &to}
	for range maxPages {
		out, err := c.api.ListPublicKeys(ctx, in, func(o *cloudtrail.Options) { o.Region = region })
		if err != nil {
			return nil, fmt.Errorf("list CloudTrail's public keys of %s, which needs cloudtrail:ListPublicKeys: %w", region,
				err)
		}
		for i := range out.PublicKeyList {
			k := &out.PublicKeyList[i]
			keys = append(keys, trail.PublicKey{
				Fingerprint: aws.ToString(k.Fingerprint), DER: k.Value, From: aws.ToTime(k.ValidityStartTime),
				To: aws.ToTime(k.ValidityEndTime),
			})
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return keys, nil
		}
	}
	return nil, fmt.Errorf("list CloudTrail's public keys of %s: they do not end after %d pages", region, maxPages)
}
