package events

import (
	"bytes"
	"net/url"
	"strings"
)

// isValidationMessage recognises the one plain text CloudTrail sends to a topic it is given.
func isValidationMessage(body []byte) bool {
	return string(bytes.TrimSuffix(bytes.TrimSpace(body), []byte{'.'})) == "CloudTrail validation message"
}

// HoldsNoCalls reports whether an S3 key or a slash-separated path says by itself that the file holds no records of
// calls: CloudTrail's digests, Insights, network activity and aggregates lie in folders of their own.
func HoldsNoCalls(path string) bool {
	for _, folder := range [...]string{
		"CloudTrail-Digest/", "CloudTrail-Insight/", "CloudTrail-NetworkActivity/", "CloudTrail-Aggregated/",
	} {
		if strings.HasPrefix(path, folder) || strings.Contains(path, "/"+folder) {
			return true
		}
	}
	return false
}

// IsLogName reports whether a file or object is named like one that may hold records: .json, .jsonl or .gz.
func IsLogName(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".gz")
}

// addObject notes a log object that is to be read, or that it holds nothing to read.
func (c *Content) addObject(ref ObjectRef) {
	if HoldsNoCalls(ref.Key) || !IsLogName(ref.Key) {
		c.Ignored[SkippedFile]++
		return
	}
	c.Objects = append(c.Objects, ref)
}

// deliveredObjects decodes what CloudTrail tells its SNS topic: a bucket and the keys delivered to it.
func (m *members) deliveredObjects() (Content, error) {
	bucket := m.required(fS3Bucket)
	if m.err != nil {
		return Content{}, m.err
	}
	var c Content
	err := m.each(fS3ObjectKey, func(_ int, at span) error {
		key := RawJSON(m.body[at.from:at.to]).Text()
		if key == "" {
			return malformed(ReasonWrongType, int(at.from), "an object key is not a string")
		}
		c.addObject(ObjectRef{Bucket: bucket, Key: key})
		return nil
	})
	switch {
	case !m.has(fS3ObjectKey):
		m.missing(fS3ObjectKey)
		return Content{}, m.err
	case err != nil:
		return Content{}, err
	}
	return c.orEmpty(), nil
}

// createdObject decodes S3's `Object Created` from EventBridge, whose keys come as they are.
func (m *members) createdObject() (Content, error) {
	var detail members
	if err := m.detail(&detail); err != nil {
		return Content{}, err
	}
	ref, err := detail.objectRef(m.text(fRegion))
	if err != nil {
		return Content{}, err
	}
	var c Content
	c.addObject(ref)
	return c, m.err
}

// notifiedObject decodes one record of an S3 notification, whose keys come form-URL-encoded, into c.
func (m *members) notifiedObject(c *Content) error {
	if name := m.required(fEventName); m.err == nil && !strings.Contains(name, "ObjectCreated:") {
		c.Ignored[OtherS3Event]++
		return nil
	}
	var s3 members
	if !m.object(fS3, &s3) && m.err == nil {
		m.missing(fS3)
	}
	region := m.text(fAWSRegion)
	if m.err != nil {
		return m.err
	}
	ref, err := s3.objectRef(region)
	if err != nil {
		return err
	}
	key, err := url.QueryUnescape(ref.Key)
	if err != nil {
		return malformed(ReasonSyntax, int(m.at[fS3].from), "the object key is not form-URL-encoded")
	}
	ref.Key = key
	c.addObject(ref)
	return nil
}

// objectRef reads bucket and object as both of S3's notifications have them.
func (m *members) objectRef(region string) (ObjectRef, error) {
	var bucket, object members
	if !m.object(fBucket, &bucket) && m.err == nil {
		m.missing(fBucket)
	}
	if !m.object(fObject, &object) && m.err == nil {
		m.missing(fObject)
	}
	if m.err != nil {
		return ObjectRef{}, m.err
	}
	ref := ObjectRef{Bucket: bucket.required(fName), Key: object.required(fKey), Region: region}
	bucket.keep(object.err)
	return ref, bucket.err
}
