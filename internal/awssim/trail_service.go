package awssim

import (
	"sync"
	"time"
)

// DigestKey is a public key of CloudTrail's, by which digests of log files are verified.
type DigestKey struct {
	Region      string
	Fingerprint string
	DER         []byte // PKCS #1
	From, To    time.Time
}

// trailService is CloudTrail's API, as far as the public keys of digests go.
type trailService struct {
	mu   sync.Mutex
	keys []DigestKey
}

func newCloudTrail() (*trailService, *service) {
	t := &trailService{}
	return t, &service{
		name: "cloudtrail", protocol: awsJSON{contentType: "application/x-amz-json-1.1", rename: jsonErrorNames},
		ops: map[string]operation{"ListPublicKeys": t.listPublicKeys}, authorize: aboutAnything,
	}
}

// AddDigestKey adds a public key.
func (s *Sim) AddDigestKey(k DigestKey) {
	s.trail.mu.Lock()
	defer s.trail.mu.Unlock()
	s.trail.keys = append(s.trail.keys, k)
}

type listPublicKeysInput struct{ StartTime, EndTime *float64 }

type listedKey struct {
	Fingerprint       string
	Value             []byte
	ValidityStartTime epoch
	ValidityEndTime   epoch
}

// listPublicKeys lists the Region's keys whose validity meets the span; without one those that are valid now.
func (t *trailService) listPublicKeys(c *call) (any, error) {
	var in listPublicKeysInput
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	at := func(seconds *float64) time.Time {
		if seconds == nil {
			return c.Time
		}
		return time.Unix(int64(*seconds), 0)
	}
	from, to := at(in.StartTime), at(in.EndTime)
	if to.Before(from) {
		return nil, apiErrorf("InvalidTimeRangeException", 0, "The start time is after the end time.")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var out struct{ PublicKeyList []listedKey }
	for i := range t.keys {
		k := &t.keys[i]
		if k.Region == c.Region && !k.From.After(to) && !k.To.Before(from) {
			out.PublicKeyList = append(out.PublicKeyList, listedKey{k.Fingerprint, k.DER, epoch(k.From), epoch(k.To)})
		}
	}
	return out, nil
}
