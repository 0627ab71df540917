package awssim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// s3ActionOf is the IAM action behind an operation of S3 where it has another name.
func s3ActionOf(operation string) string {
	switch operation {
	case "HeadObject":
		return "s3:GetObject"
	case "HeadBucket", "ListObjectsV2":
		return "s3:ListBucket"
	case "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload":
		return "s3:PutObject"
	case "ListObjectVersions":
		return "s3:ListBucketVersions"
	case "ListMultipartUploads":
		return "s3:ListBucketMultipartUploads"
	}
	return ""
}

// authorizeS3 judges a request by the operation and by what its headers ask for besides.
func authorizeS3(c *call) *APIError {
	bucket, key := bucketAndKey(c)
	resource := strings.TrimSuffix(bucket+"/"+key, "/")
	action := c.Action
	if c.HTTP.URL.Query().Has("versionId") {
		action = strings.Replace(action, "s3:GetObject", "s3:GetObjectVersion", 1)
	}
	asked := []string{action}
	if action == "s3:PutObject" {
		asked = append(asked, askedByHeader(c.HTTP.Header)...)
	}
	for _, action := range asked {
		if err := c.onObject(action, resource); err != nil {
			return err
		}
	}
	return nil
}

func askedByHeader(header http.Header) (actions []string) {
	for name, action := range map[string]string{
		"X-Amz-Tagging": "s3:PutObjectTagging", lockMode: "s3:PutObjectRetention",
		legalHold: "s3:PutObjectLegalHold", "X-Amz-Acl": "s3:PutObjectAcl",
	} {
		if header.Get(name) != "" {
			actions = append(actions, action)
		}
	}
	for name := range header {
		if strings.HasPrefix(name, grantHeader) {
			actions = append(actions, "s3:PutObjectAcl")
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// onObject judges an action on a bucket or bucket/key.
func (c *call) onObject(action, resource string) *APIError {
	if arn := s3ARN(c.Region, resource); !c.permits(action, arn) {
		return unpermitted(c, action, arn)
	}
	return nil
}

func s3ARN(region, resource string) string { return "arn:" + partitionOf(region) + ":s3:::" + resource }

// missing is the answer about an object that is not there: whoever may not list the bucket does not learn that.
func (c *call) missing(bucket, code string) *APIError {
	if err := c.onObject("s3:ListBucket", bucket); err != nil {
		return err
	}
	return apiErrorf(code, http.StatusNotFound, "The specified key does not exist.")
}

// shown are an object's headers as S3 shows them to the caller: its locks only to those who may read them.
func (c *call) shown(header map[string]string, resource string) map[string]string {
	shown := maps.Clone(header)
	if shown == nil {
		shown = map[string]string{}
	}
	if shown[lockMode] != "" && c.onObject("s3:GetObjectRetention", resource) != nil {
		delete(shown, lockMode)
		delete(shown, lockedUntil)
	}
	if shown[legalHold] != "" && c.onObject("s3:GetObjectLegalHold", resource) != nil {
		delete(shown, legalHold)
	}
	return shown
}

// copiesTags judges a copy that has the tags of its source.
func (c *call) copiesTags(from, to string, source *object) *APIError {
	if len(source.tags) == 0 {
		return nil
	}
	read := "s3:GetObjectTagging"
	if strings.Contains(c.HTTP.Header.Get("X-Amz-Copy-Source"), "?versionId=") {
		read = "s3:GetObjectVersionTagging"
	}
	if err := c.onObject(read, from); err != nil {
		return err
	}
	return c.onObject("s3:PutObjectTagging", to)
}
