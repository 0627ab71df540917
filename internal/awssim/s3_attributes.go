package awssim

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Names of headers in canonical form.
const (
	storageClass = "X-Amz-Storage-Class"
	lockMode     = "X-Amz-Object-Lock-Mode"
	lockedUntil  = "X-Amz-Object-Lock-Retain-Until-Date"
	legalHold    = "X-Amz-Object-Lock-Legal-Hold"
)

// keptHeader reports whether an object keeps a header and shows it when it is read.
func keptHeader(name string) bool {
	switch name {
	case "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires",
		storageClass, "X-Amz-Website-Redirect-Location", lockMode, lockedUntil, legalHold,
		"X-Amz-Restore", "X-Amz-Archive-Status":
		return true
	}
	return strings.HasPrefix(name, "X-Amz-Meta-") || strings.HasPrefix(name, encryptedBy)
}

// copiedHeader reports whether a copy has a header of its source without being told: everything else is the request's.
func copiedHeader(name string) bool {
	return strings.HasPrefix(name, "X-Amz-Meta-") || keptHeader(name) && !strings.HasPrefix(name, "X-Amz-")
}

// sentHeader is what a request says of the object it makes.
func sentHeader(c *call) map[string]string {
	header := map[string]string{}
	for name, values := range c.HTTP.Header {
		if keptHeader(name) || name == "X-Amz-Tagging" || strings.HasPrefix(name, grantHeader) {
			header[name] = values[0]
		}
	}
	return header
}

// grant is a permission on an object for somebody but its owner.
type grant struct{ permission, kind, grantee string }

const grantHeader = "X-Amz-Grant-"

var permissions = map[string]string{
	"Full-Control": "FULL_CONTROL", "Read": "READ", "Read-Acp": "READ_ACP", "Write-Acp": "WRITE_ACP",
}

// grantsOf reads X-Amz-Grant-*: id="…", uri="…".
func grantsOf(header map[string]string) (grants []grant) {
	for _, name := range slices.Sorted(maps.Keys(permissions)) {
		for one := range strings.SplitSeq(header[grantHeader+name], ",") {
			if kind, grantee, ok := strings.Cut(strings.TrimSpace(one), "="); ok {
				grants = append(grants, grant{permissions[name], kind, strings.Trim(grantee, `"`)})
			}
		}
	}
	return grants
}

// canonicalID stands for an account in access control lists.
func canonicalID(account string) string { return "canonical-" + account }

type aclGrantee struct {
	XSI  string `xml:"xmlns:xsi,attr"`
	Type string `xml:"xsi:type,attr"`
	ID   string `xml:",omitempty"`
	URI  string `xml:",omitempty"`
}

type aclGrant struct {
	Grantee    aclGrantee
	Permission string
}

type aclOwner struct{ ID string }

type aclResult struct {
	XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ AccessControlPolicy"`
	Owner             aclOwner
	AccessControlList struct{ Grant []aclGrant }
}

func (s *s3Service) getObjectACL(c *call) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, o, err := s.object(c)
	if err != nil {
		return nil, err
	}
	const xsi = "http://www.w3.org/2001/XMLSchema-instance"
	owner := canonicalID(b.account)
	out := &aclResult{Owner: aclOwner{owner}}
	grantsBut := o.grants
	if !slices.ContainsFunc(o.grants, func(g grant) bool { return g.grantee == owner && g.permission == "FULL_CONTROL" }) {
		grantsBut = append([]grant{{"FULL_CONTROL", "id", owner}}, o.grants...)
	}
	for _, g := range grantsBut {
		to := aclGrantee{XSI: xsi, Type: "CanonicalUser", ID: g.grantee}
		if g.kind == "uri" {
			to = aclGrantee{XSI: xsi, Type: "Group", URI: g.grantee}
		}
		out.AccessControlList.Grant = append(out.AccessControlList.Grant, aclGrant{to, g.permission})
	}
	return out, nil
}

// object finds the request's object. s.mu is held.
func (s *s3Service) object(c *call) (*bucketState, *object, error) {
	b, key, err := s.bucket(c)
	if err != nil {
		return nil, nil, err
	}
	if o := b.objects[key]; o != nil {
		return b, o, nil
	}
	return nil, nil, apiErrorf("NoSuchKey", http.StatusNotFound, "The specified key does not exist.")
}

type tag struct{ Key, Value string }

type taggingResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
	TagSet  struct{ Tag []tag }
}

func (s *s3Service) getObjectTagging(c *call) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, o, err := s.object(c)
	if err != nil {
		return nil, err
	}
	out := &taggingResult{}
	for _, name := range slices.Sorted(maps.Keys(o.tags)) {
		out.TagSet.Tag = append(out.TagSet.Tag, tag{name, o.tags.Get(name)})
	}
	return out, nil
}

type versioningResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	Status  string   `xml:",omitempty"`
}

func (s *s3Service) getBucketVersioning(c *call) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, _, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	if b.versioned {
		return &versioningResult{Status: "Enabled"}, nil
	}
	return &versioningResult{}, nil
}

type listedVersion struct {
	Key       string
	VersionID string `xml:"VersionId"`
	IsLatest  bool
	Size      int
}

type versionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name, Prefix        string
	MaxKeys             int
	IsTruncated         bool
	NextKeyMarker       string          `xml:",omitempty"`
	NextVersionIDMarker string          `xml:"NextVersionIdMarker,omitempty"`
	Version             []listedVersion `xml:"Version"`
}

// listObjectVersions lists a key's versions together, the newest first. A page ends between two keys, so that the
// marker need not be of a version.
func (s *s3Service) listObjectVersions(c *call) (any, error) {
	query := c.HTTP.URL.Query()
	out := &versionsResult{Prefix: query.Get("prefix"), MaxKeys: maxListKeys}
	if n, err := strconv.Atoi(query.Get("max-keys")); err == nil {
		out.MaxKeys = min(max(n, 1), maxListKeys)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, _, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	out.Name = b.name
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(key, out.Prefix) || key <= query.Get("key-marker") {
			continue
		}
		if len(out.Version) >= out.MaxKeys {
			out.IsTruncated = true
			return out, nil
		}
		for i, o := range append([]*object{b.objects[key]}, b.older[key]...) {
			out.Version = append(out.Version, listedVersion{key, o.version, i == 0, len(o.body)})
		}
		out.NextKeyMarker = key
	}
	out.NextKeyMarker = ""
	return out, nil
}
