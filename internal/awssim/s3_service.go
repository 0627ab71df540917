package awssim

import (
	"crypto/md5" //nolint:gosec // S3's own ETag
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// s3Service simulates S3's buckets and objects, addressed by path.
type s3Service struct {
	sim *Sim

	mu      sync.RWMutex
	buckets map[string]*bucketState
	uploads map[string]*multipart // by id: those under way
	maxCopy int                   // bytes that one copy takes; 0: maxCopySource
}

type bucketState struct {
	name, account, region string
	created               time.Time
	objects               map[string]*object
	queue                 string // ARN of the queue that is told of new objects, "" for none

	versioned bool
	older     map[string][]*object // by key, the newest first
	noACLs    bool                 // ownership is the bucket owner's alone
}

// object is not modified once stored.
type object struct {
	body     []byte
	etag     string
	crc32    uint32
	modified time.Time
	header   map[string]string // those of keptHeader
	tags     url.Values
	grants   []grant // besides the owner's own
	version  string  // "" where the bucket has none
}

// newObject is an object as an upload with this header makes it.
func newObject(body []byte, etag string, modified time.Time, header map[string]string) *object {
	kept := map[string]string{}
	for name, value := range header {
		if keptHeader(name) {
			kept[name] = value
		}
	}
	tags, _ := url.ParseQuery(header["X-Amz-Tagging"]) // what cannot be read is no tag
	return &object{
		body: body, etag: etag, crc32: crc32.ChecksumIEEE(body), modified: modified, header: kept, tags: tags,
		grants: grantsOf(header),
	}
}

// etagOf is the ETag of what one request wrote, without its quotes.
func etagOf(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // S3's own ETag
	return hex.EncodeToString(sum[:])
}

func newS3(s *Sim) *s3Service {
	return &s3Service{sim: s, buckets: map[string]*bucketState{}, uploads: map[string]*multipart{}}
}

func (s *s3Service) service() *service {
	return &service{
		name:      "s3",
		protocol:  restS3{},
		action:    s3ActionOf,
		authorize: authorizeS3,
		ops: map[string]operation{
			"CreateBucket": s.createBucket, "HeadBucket": s.headBucket, "ListObjectsV2": s.listObjects,
			"PutObject": s.putObject, "GetObject": s.getObject, "HeadObject": s.headObject,
			"DeleteObject":          s.deleteObject,
			"CreateMultipartUpload": s.createUpload, "UploadPart": s.uploadPart, "CompleteMultipartUpload": s.completeUpload,
			"AbortMultipartUpload": s.abortUpload, "ListMultipartUploads": s.listUploads,
			"CopyObject": s.copyObject, "UploadPartCopy": s.uploadPartCopy,
			"GetObjectTagging": s.getObjectTagging, "GetObjectAcl": s.getObjectACL,
			"GetBucketVersioning": s.getBucketVersioning, "ListObjectVersions": s.listObjectVersions,
		},
	}
}

// CreateBucket makes a bucket unless it exists.
func (s *Sim) CreateBucket(region, account, name string) {
	s.s3.mu.Lock()
	defer s.s3.mu.Unlock()
	if s.s3.buckets[name] == nil {
		s.s3.buckets[name] = s.s3.newBucket(region, account, name)
	}
}

func (s *s3Service) newBucket(region, account, name string) *bucketState {
	return &bucketState{
		name: name, account: account, region: region, created: s.sim.clock.Now(), objects: map[string]*object{},
		older: map[string][]*object{},
	}
}

// VersionBucket has a bucket keep older versions of its objects.
func (s *Sim) VersionBucket(name string) {
	s.s3.mu.Lock()
	defer s.s3.mu.Unlock()
	s.s3.buckets[name].versioned = true
}

// RefuseACLs gives a bucket's owner everything in it, as S3's setting BucketOwnerEnforced does.
func (s *Sim) RefuseACLs(name string) {
	s.s3.mu.Lock()
	defer s.s3.mu.Unlock()
	s.s3.buckets[name].noACLs = true
}

// LimitCopies sets how many bytes one copy of S3's takes, in place of its 5 GiB.
func (s *Sim) LimitCopies(bytes int) {
	s.s3.mu.Lock()
	defer s.s3.mu.Unlock()
	s.s3.maxCopy = bytes
}

// PutObject stores an object, keeping body, and notifies as an upload would. header may have what an upload's may (in
// canonical form): Content-Type, X-Amz-Meta-*, encryption, X-Amz-Storage-Class, X-Amz-Tagging, X-Amz-Grant-*…
func (s *Sim) PutObject(bucket, key string, body []byte, header map[string]string) error {
	o := newObject(body, etagOf(body), s.clock.Now(), header)
	if _, stored := s.s3.store(bucket, key, o, false); !stored {
		return fmt.Errorf("awssim: no bucket %s", bucket)
	}
	return nil
}

// Objects are the keys of a bucket's objects, in order.
func (s *Sim) Objects(bucket string) []string {
	s.s3.mu.Lock()
	defer s.s3.mu.Unlock()
	return slices.Sorted(maps.Keys(s.s3.buckets[bucket].objects))
}

// Object is what an object holds; nil when there is none.
func (s *Sim) Object(bucket, key string) []byte {
	s.s3.mu.Lock()
	defer s.s3.mu.Unlock()
	o := s.s3.buckets[bucket].objects[key]
	if o == nil {
		return nil
	}
	return slices.Clone(o.body)
}

// NotifyQueue has a queue (URL, ARN or name) told of each new object in S3's format, beginning with S3's test event.
func (s *Sim) NotifyQueue(bucket, queue string) error {
	q, err := s.sqs.find(queue)
	if err != nil {
		return err
	}
	s.s3.mu.Lock()
	b := s.s3.buckets[bucket]
	if b != nil {
		b.queue = q.arn
	}
	s.s3.mu.Unlock()
	if b == nil {
		return fmt.Errorf("awssim: no bucket %s", bucket)
	}
	test := fmt.Sprintf(`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":%q,"Bucket":%q,"RequestId":%q,`+
		`"HostId":"simulated"}`, isoMillis(s.clock.Now()), bucket, s.newID("", 16))
	_, err = s.Send(q.arn, test)
	return err
}

func isoMillis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// store tells whether the object was there before, and whether it is stored now: not without a bucket, nor over another
// object where onlyNew forbids it.
func (s *s3Service) store(bucket, key string, o *object, onlyNew bool) (there, stored bool) {
	s.mu.Lock()
	b := s.buckets[bucket]
	var queue string
	if b != nil {
		_, there = b.objects[key]
		if stored = !there || !onlyNew; stored {
			s.put(b, key, o)
			queue = b.queue
		}
	}
	s.mu.Unlock()
	if q := s.sim.sqs.byARN(queue); q != nil {
		q.put(s.sim.sqs.newMessage(s.notification(b, key, o), serviceSenderID, nil), -1)
	}
	return there, stored
}

// put makes an object the current one. s.mu is held.
func (s *s3Service) put(b *bucketState, key string, o *object) {
	if b.versioned {
		o.version = s.sim.newID("", 32)
		if before := b.objects[key]; before != nil {
			b.older[key] = append([]*object{before}, b.older[key]...)
		}
	}
	b.objects[key] = o
}

// notification is the message S3 sends for a new object. The key is form-URL-encoded.
func (s *s3Service) notification(b *bucketState, key string, o *object) string {
	type m = map[string]any
	arn := "arn:" + partitionOf(b.region) + ":s3:::" + b.name
	body, err := json.Marshal(m{"Records": []m{{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": b.region,
		"eventTime": isoMillis(o.modified), "eventName": "ObjectCreated:Put",
		"s3": m{
			"s3SchemaVersion": "1.0", "configurationId": "simulated",
			"bucket": m{"name": b.name, "ownerIdentity": m{"principalId": b.account}, "arn": arn},
			"object": m{
				"key": strings.ReplaceAll(url.QueryEscape(key), "%2F", "/"), "size": len(o.body), "eTag": o.etag,
				"sequencer": fmt.Sprintf("%016X", o.modified.UnixNano()),
			},
		},
	}}})
	if err != nil {
		return "{}"
	}
	return string(body)
}
