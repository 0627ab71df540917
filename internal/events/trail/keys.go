package trail

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// PublicKey is one of those by which CloudTrail's digests are verified. Each Region has its own, and new ones in time.
type PublicKey struct {
	Fingerprint string
	DER         []byte // PKCS #1
	From, To    time.Time
}

// clockMargin is by how much a digest's time may lie outside of its key's validity.
const clockMargin = 24 * time.Hour

// at is the key for a digest that ends at a time. A backfill may be signed by a later one.
func (k *PublicKey) at(end time.Time, backfill bool) (*rsa.PublicKey, error) {
	if !backfill && end.Before(k.From.Add(-clockMargin)) || end.After(k.To.Add(clockMargin)) {
		return nil, fmt.Errorf("the key %s was valid from %s to %s", k.Fingerprint, k.From.Format(time.RFC3339),
			k.To.Format(time.RFC3339))
	}
	key, err := x509.ParsePKCS1PublicKey(k.DER)
	if err != nil {
		return nil, fmt.Errorf("the key %s: %w", k.Fingerprint, err)
	}
	return key, nil
}

// ParsePublicKeys reads what `aws cloudtrail list-public-keys` prints.
func ParsePublicKeys(raw []byte) (keys []PublicKey, err error) {
	var list struct {
		Keys []struct {
			Fingerprint string         `json:"Fingerprint"`
			Value       string         `json:"Value"`
			From        jsontext.Value `json:"ValidityStartTime"`
			To          jsontext.Value `json:"ValidityEndTime"`
		} `json:"PublicKeyList"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("not what `aws cloudtrail list-public-keys` prints: %w", err)
	}
	for _, k := range list.Keys {
		one := PublicKey{Fingerprint: k.Fingerprint}
		if one.DER, err = base64.StdEncoding.DecodeString(k.Value); err != nil {
			return nil, fmt.Errorf("public key %s: %w", k.Fingerprint, err)
		}
		if one.From, err = timeOf(k.From); err != nil {
			return nil, fmt.Errorf("public key %s: ValidityStartTime: %w", k.Fingerprint, err)
		}
		if one.To, err = timeOf(k.To); err != nil {
			return nil, fmt.Errorf("public key %s: ValidityEndTime: %w", k.Fingerprint, err)
		}
		keys = append(keys, one)
	}
	return keys, nil
}

// timeOf reads a time as the AWS CLI prints it: in words, or its first version in seconds.
func timeOf(raw jsontext.Value) (at time.Time, err error) {
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil {
		whole, part := math.Modf(seconds)
		return time.Unix(int64(whole), int64(part*1e9)).UTC(), nil
	}
	err = json.Unmarshal(raw, &at)
	return at, err
}
