package trail

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// digest is a digest file: CloudTrail's list of the log files that it delivered within an hour, with their hashes.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
type digest struct {
	EndText     string    `json:"digestEndTime"` // as it is signed
	Start       time.Time `json:"digestStartTime"`
	Bucket      string    `json:"digestS3Bucket"`
	Object      string    `json:"digestS3Object"`
	Fingerprint string    `json:"digestPublicKeyFingerprint"`
	Algorithm   string    `json:"digestSignatureAlgorithm"`
	// Previous is the digest before: its object, empty in the first of a chain, and its signature in hex.
	Previous          string     `json:"previousDigestS3Object"`
	PreviousSignature string     `json:"previousDigestSignature"`
	Logs              []namedLog `json:"logFiles"`

	end time.Time
	sum [sha256.Size]byte
}

// namedLog is a log file as a digest names it.
type namedLog struct {
	Object    string `json:"s3Object"`
	Hash      string `json:"hashValue"` // of the unzipped file, in hex
	Algorithm string `json:"hashAlgorithm"`
}

// parseDigest reads a digest file, unzipped. What names no object of its own is none.
func parseDigest(raw []byte) (*digest, error) {
	d := digest{sum: sha256.Sum256(raw)}
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("not a digest: %w", err)
	}
	var err error
	switch d.end, err = time.Parse(time.RFC3339, d.EndText); {
	case err != nil:
		return nil, fmt.Errorf("not a digest: its digestEndTime: %w", err)
	case d.Object == "" || d.Bucket == "" || d.Start.IsZero():
		return nil, errors.New("not a digest: it does not say where it was delivered and of which hour it is")
	}
	return &d, nil
}

// errSignature says that a signature is not of what it stands at.
var errSignature = errors.New("the signature does not fit the content")

// verify checks a signature in hex over the digest.
func (d *digest) verify(signature string, by *rsa.PublicKey) error {
	raw, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: it is not in hex", errSignature)
	}
	before := d.PreviousSignature
	if before == "" {
		before = "null" // as CloudTrail's own program writes it
	}
	signed := sha256.Sum256([]byte(strings.Join([]string{
		d.EndText, d.Bucket + "/" + d.Object, hex.EncodeToString(d.sum[:]), before,
	}, "\n")))
	if err := rsa.VerifyPKCS1v15(by, crypto.SHA256, signed[:], raw); err != nil {
		return errSignature
	}
	return nil
}

// parts are those of a digest's name:
// <account>_CloudTrail-Digest_<Region>_<trail>_<home Region>_<end>.json.gz, where the trail's may have a _ in it. A
// backfill's has _backfill behind the end.
func (d *digest) parts() []string {
	return strings.Split(strings.TrimSuffix(nameOf(d.Object), backfillEnd), "_")
}

// backfill reports whether the digest was made after the one of its hour, of log files that came too late for that
// one. Backfills follow upon each other, in a chain of their own.
func (d *digest) backfill() bool { return strings.HasSuffix(nameOf(d.Object), backfillEnd) }

const backfillEnd = "_backfill.json"

// chain is whose digests follow upon each other: those of one account, Region and trail, and its backfills.
func (d *digest) chain() string {
	parts := d.parts()
	name := strings.Join(parts[:len(parts)-1], "_")
	if d.backfill() {
		name += backfillEnd
	}
	return name
}

// regions are those whose keys may have signed the digest: the one it is of, and the trail's home.
func (d *digest) regions() (all []string) {
	parts := d.parts()
	if len(parts) < 6 || parts[1] != digestKind {
		return nil
	}
	all = append(all, parts[2])
	if home := parts[len(parts)-2]; home != parts[2] {
		all = append(all, home)
	}
	return all
}

const digestKind = "CloudTrail-Digest"

// isDigest reports whether a file is named as CloudTrail names digests.
func isDigest(path string) bool { return strings.Contains(path, "_"+digestKind+"_") }
