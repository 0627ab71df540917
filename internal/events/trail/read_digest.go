package trail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
)

// IsDigest reports whether the file is named as CloudTrail names digests.
func (f *File) IsDigest() bool { return isDigest(f.Path) }

// maxDigest bounds a digest, unzipped: CloudTrail's name some thousand log files, of 300 bytes each, in the largest
// trails.
const maxDigest = 64 << 20

// signatureOf is the name in S3's metadata under which CloudTrail keeps a digest's signature, in hex.
const signatureOf = "signature"

// ReadDigest reads a digest file: its content, unzipped, and its signature in hex, "" where that was not kept. S3 keeps
// it in the object's metadata. Beside a file on disk it may be in another of the same name with .sig behind it: the
// signature itself, or what `aws s3api head-object` prints.
func (a *Archive) ReadDigest(ctx context.Context, file *File) (raw []byte, signature string, err error) {
	err = a.again(ctx, file, func() error {
		object, err := a.open(ctx, file)
		if err != nil {
			return err
		}
		defer object.Body.Close()
		src := &source{ctx: ctx, r: object.Body}
		plain, err := open(src, Limits{Bytes: maxDigest})
		if err == nil {
			raw, err = io.ReadAll(plain)
		}
		switch {
		case src.err != nil:
			return fmt.Errorf("reading a digest: %w", src.err)
		case err != nil:
			return &FileError{Err: err}
		}
		signature = object.Metadata[signatureOf]
		return nil
	})
	if err == nil && file.at.Key == "" {
		signature, err = signatureBeside(file.Path)
	}
	return raw, signature, err
}

func signatureBeside(path string) (string, error) {
	raw, err := os.ReadFile(path + ".sig")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading a digest's signature: %w", err)
	}
	var head struct {
		Metadata struct {
			Signature string `json:"signature"`
		} `json:"Metadata"`
	}
	if json.Unmarshal(raw, &head) == nil {
		return head.Metadata.Signature, nil
	}
	return strings.TrimSpace(string(raw)), nil
}
