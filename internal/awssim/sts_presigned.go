package awssim

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	presignedFor = 15 * time.Minute // without X-Amz-Expires
	emptySHA256  = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	isoBasic     = "20060102T150405Z"
)

// presigned judges the signature of a presigned request, which is the only kind whose signature is looked at: whoever
// has it was given it by somebody else, and may have changed what was signed.
func presigned(c *call) error {
	query := c.HTTP.URL.Query()
	signature := query.Get("X-Amz-Signature")
	if signature == "" {
		return nil
	}
	at, err := time.Parse(isoBasic, query.Get("X-Amz-Date"))
	if err != nil {
		return apiErrorf("IncompleteSignature", http.StatusBadRequest, "Date must be in ISO-8601 'basic format'.")
	}
	valid := presignedFor
	if seconds, err := strconv.Atoi(query.Get("X-Amz-Expires")); err == nil {
		valid = time.Duration(seconds) * time.Second
	}
	if c.Time.After(at.Add(valid)) {
		return apiErrorf("SignatureDoesNotMatch", http.StatusForbidden, "Signature expired: %s is now earlier than %s",
			at.Format(isoBasic), c.Time.Add(-valid).Format(isoBasic))
	}
	again, err := signAgain(c, query, at)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(again), []byte(signature)) == 0 {
		return apiErrorf("SignatureDoesNotMatch", http.StatusForbidden, "The request signature we calculated does not "+
			"match the signature you provided. Check your AWS Secret Access Key and signing method.")
	}
	return nil
}

// signAgain signs a presigned request as its owner did: with the headers that it says are signed, and no others.
func signAgain(c *call, query url.Values, at time.Time) (signature string, err error) {
	headers := strings.Split(query.Get("X-Amz-SignedHeaders"), ";")
	for _, made := range []string{
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Security-Token", "X-Amz-Signature",
	} {
		query.Del(made)
	}
	request, err := http.NewRequestWithContext(context.Background(), c.HTTP.Method,
		"http://"+c.HTTP.Host+c.HTTP.URL.Path+"?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	for _, name := range headers {
		if value := c.HTTP.Header.Get(name); value != "" {
			request.Header.Set(name, value)
		}
	}
	p := c.Principal
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{
		AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey, SessionToken: p.SessionToken,
	}, request, emptySHA256, "sts", c.Region, at)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(signed)
	if err != nil {
		return "", err
	}
	return u.Query().Get("X-Amz-Signature"), nil
}
