package awssim

import (
	"cmp"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// maxCopySource is the largest object that one copy takes.
const maxCopySource = 5 << 30

type copyResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
	ETag         string
	LastModified time.Time
}

func (s *s3Service) copyObject(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, key, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	from, source, err := s.copySource(c)
	if err != nil {
		return nil, err
	}
	if most := cmp.Or(s.maxCopy, maxCopySource); len(source.body) > most {
		return nil, apiErrorf("InvalidRequest", http.StatusBadRequest,
			"The specified copy source is larger than the maximum allowable size for a copy source: %d", most)
	}
	header, err := s.copiedTo(c, b, key, source, from == b.name+"/"+key)
	if err != nil {
		return nil, err
	}
	// An ETag is no digest of the body where KMS encrypts: it is something else for each key.
	etag := etagOf(append([]byte(header[encryptedBy+"-Aws-Kms-Key-Id"]), source.body...))
	made := newObject(source.body, etag, c.Time, header)
	if c.HTTP.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		if err := c.copiesTags(from, b.name+"/"+key, source); err != nil {
			return nil, err
		}
		made.tags = source.tags
	}
	s.put(b, key, made)
	c.Effect = true
	answered := sealedWith(made.header)
	if made.version != "" {
		answered["X-Amz-Version-Id"] = made.version
	}
	if source.version != "" {
		answered["X-Amz-Copy-Source-Version-Id"] = source.version
	}
	return s.answerWith(c, answered, &copyResult{ETag: `"` + made.etag + `"`, LastModified: made.modified.UTC()})
}

// copiedTo is what a copy's headers are, or why there may be no copy.
func (s *s3Service) copiedTo(c *call, b *bucketState, key string, source *object, onItself bool) (
	map[string]string, error,
) {
	sent := sentHeader(c)
	replaced := c.HTTP.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	if onItself && !replaced && sent[encryptedBy] == "" && sent[storageClass] == "" {
		return nil, apiErrorf("InvalidRequest", http.StatusBadRequest, "This copy request is illegal because it is trying "+
			"to copy an object to itself without changing the object's metadata, storage class, website redirect location "+
			"or encryption attributes.")
	}
	if err := mayReplace(c, b.objects[key]); err != nil {
		return nil, err
	}
	if b.noACLs && len(grantsOf(sent)) > 0 {
		return nil, apiErrorf("AccessControlListNotSupported", http.StatusBadRequest, "The bucket does not allow ACLs")
	}
	if err := s.seals(c, "kms:GenerateDataKey", sent); err != nil {
		return nil, err
	}
	header := map[string]string{}
	if !replaced {
		for name, value := range source.header {
			if copiedHeader(name) {
				header[name] = value
			}
		}
	}
	maps.Copy(header, sent)
	return header, nil
}

// mayReplace judges the condition on the object that is there.
func mayReplace(c *call, there *object) error {
	match := c.HTTP.Header.Get("If-Match")
	if match == "" || there != nil && strings.Trim(match, `"`) == there.etag {
		return nil
	}
	return apiErrorf("PreconditionFailed", http.StatusPreconditionFailed,
		"At least one of the pre-conditions you specified did not hold")
}

// copySource finds what is copied, and judges the conditions on it. s.mu is held.
func (s *s3Service) copySource(c *call) (name string, o *object, err error) {
	name, query, _ := strings.Cut(strings.TrimPrefix(c.HTTP.Header.Get("X-Amz-Copy-Source"), "/"), "?")
	if name, err = url.PathUnescape(name); err != nil {
		return "", nil, apiErrorf("InvalidArgument", http.StatusBadRequest, "Invalid copy source encoding.")
	}
	action := "s3:GetObject"
	if query != "" {
		action = "s3:GetObjectVersion"
	}
	if err := c.onObject(action, name); err != nil {
		return "", nil, err
	}
	bucket, key, _ := strings.Cut(name, "/")
	b := s.buckets[bucket]
	if b == nil {
		return "", nil, apiErrorf("NoSuchBucket", http.StatusNotFound, "The specified bucket does not exist")
	}
	o = b.objects[key]
	if version, ok := strings.CutPrefix(query, "versionId="); ok {
		o = b.version(key, version)
	}
	if o == nil {
		return "", nil, apiErrorf("NoSuchKey", http.StatusNotFound, "The specified key does not exist.")
	}
	if match := c.HTTP.Header.Get("X-Amz-Copy-Source-If-Match"); match != "" && strings.Trim(match, `"`) != o.etag {
		return "", nil, apiErrorf("PreconditionFailed", http.StatusPreconditionFailed,
			"At least one of the pre-conditions you specified did not hold")
	}
	if class := o.header[storageClass]; class == "GLACIER" || class == "DEEP_ARCHIVE" {
		return "", nil, apiErrorf("InvalidObjectState", http.StatusForbidden,
			"The operation is not valid for the object's storage class")
	}
	return name, o, s.seals(c, "kms:Decrypt", o.header)
}

func (b *bucketState) version(key, version string) *object {
	for _, o := range append([]*object{b.objects[key]}, b.older[key]...) {
		if o != nil && o.version == version {
			return o
		}
	}
	return nil
}

// seals tells whether S3 can use the key of an object with these headers in the caller's name, if it is named by its
// ARN; others are taken as they are.
func (s *s3Service) seals(c *call, action string, header map[string]string) error {
	arn := header[encryptedBy+"-Aws-Kms-Key-Id"]
	if !strings.Contains(arn, ":key/") {
		return nil
	}
	through := *c
	through.context = map[string]string{"kms:ViaService": "s3." + c.Region + ".amazonaws.com"}
	if !through.permits(action, arn) {
		return unpermitted(c, action, arn)
	}
	var key *KMSKey
	s.sim.KMS().locked(func() { key = s.sim.KMS().latest(arn) })
	switch {
	case key == nil:
		return apiErrorf("KMS.NotFoundException", http.StatusBadRequest, "Key '%s' does not exist", arn)
	case key.State == types.KeyStateDisabled:
		return apiErrorf("KMS.DisabledException", http.StatusBadRequest, "%s is disabled.", arn)
	case key.State != types.KeyStateEnabled:
		return apiErrorf("KMS.KMSInvalidStateException", http.StatusBadRequest, "%s is %s.", arn, key.State)
	}
	return nil
}

// sealedWith are the headers that tell with what an object is encrypted.
func sealedWith(header map[string]string) map[string]string {
	sealed := map[string]string{}
	for name, value := range header {
		if strings.HasPrefix(name, encryptedBy) {
			sealed[name] = value
		}
	}
	return sealed
}

// answerWith renders a result with headers.
func (s *s3Service) answerWith(c *call, header map[string]string, result any) (any, error) {
	a, err := restS3{}.render(c, result)
	if err == nil {
		a.header = header
	}
	return a, err
}
