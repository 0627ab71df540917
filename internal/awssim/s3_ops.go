package awssim

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxListKeys = 1000

func (s *s3Service) createBucket(c *call) (any, error) {
	name, _ := bucketAndKey(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch b := s.buckets[name]; {
	case b == nil:
		s.buckets[name] = s.newBucket(c.Region, c.account(), name)
		c.Effect = true
		return nil, nil
	case b.account == c.account():
		return nil, apiErrorf("BucketAlreadyOwnedByYou", http.StatusConflict,
			"Your previous request to create the named bucket succeeded and you already own it.")
	}
	return nil, apiErrorf("BucketAlreadyExists", http.StatusConflict, "The requested bucket name is not available.")
}

// bucket finds the request's bucket. s.mu is held.
func (s *s3Service) bucket(c *call) (b *bucketState, key string, err error) {
	name, key := bucketAndKey(c)
	if b = s.buckets[name]; b == nil {
		return nil, "", apiErrorf("NoSuchBucket", http.StatusNotFound, "The specified bucket does not exist")
	}
	return b, key, nil
}

func (s *s3Service) headBucket(c *call) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, _, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	return &answer{
		status: http.StatusOK, contentType: "application/xml", header: map[string]string{"X-Amz-Bucket-Region": b.region},
	}, nil
}

func (s *s3Service) putObject(c *call) (any, error) {
	if err := whole(c); err != nil {
		return nil, err
	}
	header := sentHeader(c)
	if err := s.seals(c, "kms:GenerateDataKey", header); err != nil {
		return nil, err
	}
	etag := etagOf(c.Body)
	if err := s.keep(c, bytes.Clone(c.Body), header, etag); err != nil {
		return nil, err
	}
	answered := sealedWith(header)
	answered["ETag"] = `"` + etag + `"`
	return &answer{status: http.StatusOK, contentType: "application/xml", header: answered}, nil
}

// keep stores the request's object, unless it may replace none and there is one.
func (s *s3Service) keep(c *call, body []byte, header map[string]string, etag string) error {
	bucket, key := bucketAndKey(c)
	o := newObject(body, etag, c.Time, header)
	switch there, stored := s.store(bucket, key, o, c.HTTP.Header.Get("If-None-Match") == "*"); {
	case stored:
		c.Effect = true
		return nil
	case there:
		return apiErrorf("PreconditionFailed", http.StatusPreconditionFailed,
			"At least one of the pre-conditions you specified did not hold")
	}
	return apiErrorf("NoSuchBucket", http.StatusNotFound, "The specified bucket does not exist")
}

// encryptedBy begins the headers that say with what an object is encrypted; awssim keeps them and encrypts nothing.
const encryptedBy = "X-Amz-Server-Side-Encryption"

// whole refuses a body that comes in chunks, or is not the one whose SHA-256 the caller sent along.
func whole(c *call) error {
	if strings.HasPrefix(c.HTTP.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return apiErrorf("NotImplemented", http.StatusNotImplemented, "awssim takes no chunked uploads")
	}
	want := c.HTTP.Header.Get("X-Amz-Checksum-Sha256")
	if sum := sha256.Sum256(c.Body); want == "" || want == base64.StdEncoding.EncodeToString(sum[:]) {
		return nil
	}
	return apiErrorf("BadDigest", http.StatusBadRequest,
		"The SHA256 you specified did not match what we received.")
}

func (s *s3Service) getObject(c *call) (any, error) { return s.read(c, "NoSuchKey") }

// headObject answers without a body, so that the SDK knows a missing object by its status alone.
func (s *s3Service) headObject(c *call) (any, error) { return s.read(c, "NotFound") }

func (s *s3Service) read(c *call, missing string) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, key, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	o := b.objects[key]
	if o == nil {
		return nil, c.missing(b.name, missing)
	}
	if c.Operation == "GetObject" {
		if err := s.seals(c, "kms:Decrypt", o.header); err != nil {
			return nil, err
		}
	}
	header := c.shown(o.header, b.name+"/"+key)
	if o.version != "" {
		header["X-Amz-Version-Id"] = o.version
	}
	if len(o.tags) > 0 {
		header["X-Amz-Tagging-Count"] = strconv.Itoa(len(o.tags))
	}
	if header[storageClass] == "STANDARD" {
		delete(header, storageClass) // S3 names every other one
	}
	header["ETag"] = `"` + o.etag + `"`
	header["Last-Modified"] = o.modified.UTC().Format(http.TimeFormat)
	if c.HTTP.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		header["X-Amz-Checksum-Crc32"] = base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, o.crc32))
		header["X-Amz-Checksum-Type"] = "FULL_OBJECT"
	}
	contentType := header["Content-Type"]
	if contentType == "" {
		contentType = "binary/octet-stream"
	}
	return &answer{status: http.StatusOK, contentType: contentType, header: header, body: o.body}, nil
}

func (s *s3Service) deleteObject(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, key, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	_, c.Effect = b.objects[key]
	delete(b.objects, key)
	return nil, nil
}

type listedObject struct {
	Key          string
	LastModified time.Time
	ETag         string
	Size         int
	StorageClass string
}

type listedPrefix struct{ Prefix string }

type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	NextContinuationToken string         `xml:",omitempty"`
	Contents              []listedObject `xml:"Contents"`
	CommonPrefixes        []listedPrefix `xml:"CommonPrefixes"`
}

func (s *s3Service) listObjects(c *call) (any, error) {
	query := c.HTTP.URL.Query()
	out := listResult{Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), MaxKeys: maxListKeys}
	if n := query.Get("max-keys"); n != "" {
		limit, err := strconv.Atoi(n)
		if err != nil || limit < 1 {
			return nil, apiErrorf("InvalidArgument", 0, "max-keys is invalid")
		}
		out.MaxKeys = min(limit, maxListKeys)
	}
	after := query.Get("start-after")
	if token := query.Get("continuation-token"); token != "" {
		raw, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return nil, apiErrorf("InvalidArgument", 0, "The continuation token provided is incorrect")
		}
		after = string(raw)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, _, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	out.Name = b.name
	out.fill(b, after)
	return out, nil
}

// fill lists the keys after a key, those below a common prefix as one.
func (out *listResult) fill(b *bucketState, after string) {
	last := after
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, out.Prefix)
		if !ok || key <= after || out.rolledUp(key, last) {
			continue
		}
		if out.KeyCount == out.MaxKeys {
			out.IsTruncated = true
			out.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
			return
		}
		out.KeyCount++
		if i := strings.Index(rest, out.Delimiter); out.Delimiter != "" && i >= 0 {
			last = out.Prefix + rest[:i+len(out.Delimiter)]
			out.CommonPrefixes = append(out.CommonPrefixes, listedPrefix{last})
			continue
		}
		last = key
		o := b.objects[key]
		out.Contents = append(out.Contents, listedObject{
			Key: key, LastModified: o.modified.UTC(), ETag: `"` + o.etag + `"`, Size: len(o.body),
			StorageClass: cmp.Or(o.header[storageClass], "STANDARD"),
		})
	}
}

// rolledUp tells whether a key is part of the common prefix that was listed last.
func (out *listResult) rolledUp(key, last string) bool {
	return out.Delimiter != "" && len(last) > len(out.Prefix) && strings.HasSuffix(last, out.Delimiter) &&
		strings.HasPrefix(key, last)
}
