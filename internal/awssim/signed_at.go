package awssim

import (
	"net/http"
	"time"
)

// How far a request's signature may be from AWS's clock.
const (
	signedWithin   = 5 * time.Minute
	signedWithinS3 = 15 * time.Minute
)

// signedAt refuses a request that was signed by a clock too far from the simulator's, as AWS does. Presigned requests
// say themselves how long they are good.
func (s *Sim) signedAt(c *call) *APIError {
	if !s.opts.JudgesTime || c.HTTP.Header.Get("Authorization") == "" {
		return nil
	}
	at, err := time.Parse(isoBasic, c.HTTP.Header.Get("X-Amz-Date"))
	if err != nil {
		return apiErrorf("IncompleteSignature", http.StatusBadRequest, "Date must be in ISO-8601 'basic format'.")
	}
	off := c.Time.Sub(at)
	if c.Service == "s3" {
		if off.Abs() > signedWithinS3 {
			return apiErrorf("RequestTimeTooSkewed", http.StatusForbidden,
				"The difference between the request time and the current time is too large.")
		}
		return nil
	}
	switch {
	case off > signedWithin:
		return skewed("Signature expired: %s is now earlier than %s (%s - 5 min.)", at, c.Time.Add(-signedWithin), c.Time)
	case off < -signedWithin:
		return skewed("Signature not yet current: %s is still later than %s (%s + 5 min.)", at, c.Time.Add(signedWithin),
			c.Time)
	}
	return nil
}

func skewed(format string, signed, bound, now time.Time) *APIError {
	return apiErrorf("SignatureDoesNotMatch", http.StatusForbidden, format, signed.Format(isoBasic),
		bound.Format(isoBasic), now.Format(isoBasic))
}
