package awssim

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// restS3 is S3's protocol: the operation is in method, path and query.
type restS3 struct{}

func (restS3) operation(c *call) string {
	query := c.HTTP.URL.Query()
	bucket, key := bucketAndKey(c)
	c.Resource = strings.TrimSuffix(bucket+"/"+key, "/")
	name := map[bool]string{true: "Bucket", false: "Object"}[key == ""]
	switch op := multipartOperation(c.HTTP.Method, query); {
	case op == "UploadPart" && c.copies():
		return "UploadPartCopy"
	case op != "":
		return op
	}
	switch c.HTTP.Method {
	case http.MethodHead:
		return "Head" + name
	case http.MethodPut:
		if key != "" && c.copies() {
			return "CopyObject"
		}
		return map[string]string{"Bucket": "CreateBucket", "Object": "PutObject"}[name]
	case http.MethodDelete:
		return "Delete" + name
	case http.MethodGet:
		return getOperation(query, key)
	}
	return ""
}

// copies reports whether a request has an object as its body.
func (c *call) copies() bool { return c.HTTP.Header.Get("X-Amz-Copy-Source") != "" }

func getOperation(query url.Values, key string) string {
	switch {
	case key != "" && query.Has("tagging"):
		return "GetObjectTagging"
	case key != "" && query.Has("acl"):
		return "GetObjectAcl"
	case key != "":
		return "GetObject"
	case query.Has("versioning"):
		return "GetBucketVersioning"
	case query.Has("versions"):
		return "ListObjectVersions"
	case query.Get("list-type") == "2":
		return "ListObjectsV2"
	}
	return ""
}

// multipartOperation names what a request has to do with an upload in parts; "" for nothing.
func multipartOperation(method string, query url.Values) string {
	if query.Has("uploads") {
		return map[string]string{
			http.MethodPost: "CreateMultipartUpload", http.MethodGet: "ListMultipartUploads",
		}[method]
	}
	if query.Has("uploadId") {
		return map[string]string{
			http.MethodPut: "UploadPart", http.MethodPost: "CompleteMultipartUpload",
			http.MethodDelete: "AbortMultipartUpload",
		}[method]
	}
	return ""
}

func bucketAndKey(c *call) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(c.HTTP.URL.Path, "/"), "/")
	return bucket, key
}

func (restS3) render(c *call, result any) (*answer, error) {
	switch r := result.(type) {
	case *answer:
		return r, nil
	case nil:
		status := http.StatusOK
		if c.HTTP.Method == http.MethodDelete {
			status = http.StatusNoContent
		}
		return &answer{status: status, contentType: "application/xml"}, nil
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(result); err != nil {
		return nil, fmt.Errorf("marshalling %T: %w", result, err)
	}
	return &answer{status: http.StatusOK, contentType: "application/xml", body: b.Bytes()}, nil
}

// s3ErrorNames are what S3 calls the errors common to all services.
var s3ErrorNames = map[string]string{
	"AccessDeniedException":     "AccessDenied",
	"InvalidClientTokenId":      "InvalidAccessKeyId",
	"UnknownOperationException": "NotImplemented",
}

func (restS3) errorName(code string) string { return renamed(s3ErrorNames, code) }

func (p restS3) renderError(c *call, err *APIError) *answer {
	code, status := p.errorName(err.Code), err.status()
	switch code {
	case "AccessDenied":
		status = http.StatusForbidden
	case "NotImplemented":
		status = http.StatusNotImplemented
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error><Code>")
	escapeXML(&b, code)
	b.WriteString("</Code><Message>")
	escapeXML(&b, err.Message)
	b.WriteString("</Message><Resource>")
	escapeXML(&b, c.HTTP.URL.Path)
	fmt.Fprintf(&b, "</Resource><RequestId>%s</RequestId></Error>", c.RequestID)
	return &answer{status: status, contentType: "application/xml", body: b.Bytes()}
}
