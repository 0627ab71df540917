package awss3

import (
	"cmp"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Sealed says that S3 encrypts objects of a bucket under a KMS key.
type Sealed struct {
	Bucket string
	Key    string // its ARN, as S3 names it
}

// maxSealed bounds what is remembered of them; messages choose the objects that are read.
const maxSealed = 256

// Sealed are the KMS keys under which the objects were that this client has read and written.
func (c *Client) Sealed() []Sealed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Keys(c.sealed), func(a, b Sealed) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
}

// seen remembers the key that S3 says an object is encrypted under, if it is one of KMS.
func (c *Client) seen(at Location, by types.ServerSideEncryption, key *string) {
	if key == nil || by != types.ServerSideEncryptionAwsKms && by != types.ServerSideEncryptionAwsKmsDsse {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sealed) < maxSealed {
		c.sealed[Sealed{at.Bucket, *key}] = true
	}
}
