package awssim

import (
	"bytes"
	"cmp"
	"crypto/md5" //nolint:gosec // S3's own ETag
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// minPartSize is what every part but an upload's last must have.
const minPartSize = 5 << 20

// multipart is an upload under way.
type multipart struct {
	id, bucket, key string
	begun           time.Time
	header          map[string]string // of the object
	parts           map[int]part
}

type part struct {
	body []byte
	etag string
}

type startedUpload struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket, Key, UploadId string
}

func (s *s3Service) createUpload(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, key, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	header := sentHeader(c)
	if err := s.seals(c, "kms:GenerateDataKey", header); err != nil {
		return nil, err
	}
	u := &multipart{
		id: s.sim.newID("", 32), bucket: b.name, key: key, begun: c.Time, header: header, parts: map[int]part{},
	}
	s.uploads[u.id] = u
	c.Effect = true
	return &startedUpload{Bucket: b.name, Key: key, UploadId: u.id}, nil
}

// upload finds the request's upload. s.mu is held.
func (s *s3Service) upload(c *call) (*multipart, error) {
	b, key, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	u := s.uploads[c.HTTP.URL.Query().Get("uploadId")]
	if u == nil || u.bucket != b.name || u.key != key {
		return nil, apiErrorf("NoSuchUpload", http.StatusNotFound, "The specified upload does not exist.")
	}
	if c.Operation == "AbortMultipartUpload" {
		return u, nil
	}
	return u, s.seals(c, "kms:Decrypt", u.header) // the data key was made when the upload began
}

func (s *s3Service) uploadPart(c *call) (any, error) {
	number, err := strconv.Atoi(c.HTTP.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > 10_000 {
		return nil, apiErrorf("InvalidArgument", 0, "Part number must be an integer between 1 and 10000, inclusive")
	}
	if err := whole(c); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(c)
	if err != nil {
		return nil, err
	}
	p := part{body: bytes.Clone(c.Body), etag: `"` + etagOf(c.Body) + `"`}
	u.parts[number] = p
	c.Effect = true
	digest := sha256.Sum256(c.Body)
	return &answer{status: http.StatusOK, contentType: "application/xml", header: map[string]string{
		"ETag": p.etag, "X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(digest[:]),
	}}, nil
}

type copiedPart struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyPartResult"`
	ETag    string
}

// uploadPartCopy takes a range of an object for a part.
func (s *s3Service) uploadPartCopy(c *call) (any, error) {
	number, err := strconv.Atoi(c.HTTP.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > 10_000 {
		return nil, apiErrorf("InvalidArgument", 0, "Part number must be an integer between 1 and 10000, inclusive")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(c)
	if err != nil {
		return nil, err
	}
	_, source, err := s.copySource(c)
	if err != nil {
		return nil, err
	}
	var from, to int
	if _, err := fmt.Sscanf(c.HTTP.Header.Get("X-Amz-Copy-Source-Range"), "bytes=%d-%d", &from, &to); err != nil ||
		from < 0 || from > to || to >= len(source.body) {
		return nil, apiErrorf("InvalidRange", http.StatusRequestedRangeNotSatisfiable,
			"The requested range is not satisfiable")
	}
	p := part{body: source.body[from : to+1]}
	p.etag = `"` + etagOf(p.body) + `"`
	u.parts[number] = p
	c.Effect = true
	return &copiedPart{ETag: p.etag}, nil
}

type completeRequest struct {
	Part []struct {
		PartNumber int
		ETag       string
	}
}

type completedUpload struct {
	XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Bucket, Key, ETag string
}

func (s *s3Service) completeUpload(c *call) (any, error) {
	var asked completeRequest
	if err := xml.Unmarshal(c.Body, &asked); err != nil || len(asked.Part) == 0 {
		return nil, apiErrorf("MalformedXML", 0, "The XML you provided was not well-formed")
	}
	s.mu.RLock()
	u, err := s.upload(c)
	var body, sums []byte
	if err == nil {
		body, sums, err = u.join(asked)
	}
	if err == nil {
		err = mayReplace(c, s.buckets[u.bucket].objects[u.key])
	}
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	sum := md5.Sum(sums) //nolint:gosec // S3's own ETag
	etag := fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:]), len(asked.Part))
	if err := s.keep(c, body, u.header, etag); err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.uploads, u.id)
	s.mu.Unlock()
	return s.answerWith(c, sealedWith(u.header), &completedUpload{Bucket: u.bucket, Key: u.key, ETag: `"` + etag + `"`})
}

// join is the parts asked for as one body, and the sums of each.
func (u *multipart) join(asked completeRequest) (body, sums []byte, err error) {
	for i, a := range asked.Part {
		p, ok := u.parts[a.PartNumber]
		switch {
		case i > 0 && a.PartNumber <= asked.Part[i-1].PartNumber:
			return nil, nil, apiErrorf("InvalidPartOrder", 0, "The list of parts was not in ascending order.")
		case !ok || p.etag != a.ETag:
			return nil, nil, apiErrorf("InvalidPart", 0, "One or more of the specified parts could not be found.")
		case i < len(asked.Part)-1 && len(p.body) < minPartSize:
			return nil, nil, apiErrorf("EntityTooSmall", 0, "Your proposed upload is smaller than the minimum allowed size")
		}
		sum := md5.Sum(p.body) //nolint:gosec // S3's own ETag
		body, sums = append(body, p.body...), append(sums, sum[:]...)
	}
	return body, sums, nil
}

func (s *s3Service) abortUpload(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(c)
	if err != nil {
		return nil, err
	}
	delete(s.uploads, u.id)
	c.Effect = true
	return nil, nil
}

type listedUpload struct {
	Key, UploadId string
	Initiated     time.Time
}

type uploadList struct {
	XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket      string
	IsTruncated bool
	Upload      []listedUpload
}

// listUploads lists all of a bucket's uploads under way in one page.
func (s *s3Service) listUploads(c *call) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, _, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	out := &uploadList{Bucket: b.name}
	for _, u := range s.uploads {
		if u.bucket == b.name {
			out.Upload = append(out.Upload, listedUpload{Key: u.key, UploadId: u.id, Initiated: u.begun.UTC()})
		}
	}
	slices.SortFunc(out.Upload, func(a, b listedUpload) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), a.Initiated.Compare(b.Initiated), cmp.Compare(a.UploadId, b.UploadId))
	})
	return out, nil
}
