// Package material gets key material for imports from where an operator keeps it, a command or a file, and wraps it so
// that KMS alone can read it. It makes no material and keeps none: bytes live in memory between reading and wrapping,
// and stand in no error, log or state.
package material

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// Length is how many bytes KMS takes for a symmetric encryption key. It rotates no other key with imported material.
const Length = 32

// Source says where material comes from: one of its fields is set, or none.
type Source struct {
	Command []string // the program, absolute, and its arguments; run without a shell
	File    string   // absolute; {key_id} and {material} stand for what is asked for
}

// Asked is what material is needed for.
type Asked struct {
	KeyARN string // of a multi-Region key the primary's, whichever related key it is imported into
	Spec   string
	Action string // id of the action
	// Name is the same whenever the same bytes are needed: for every replica, after a crash, and for another action that
	// goes on with this one's work.
	Name string
}

// Name names the material that follows on another: `<key id>-after-<material id>`.
func Name(keyARN, current string) string { return keyID(keyARN) + "-after-" + current }

func keyID(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// Configured reports whether there is a source at all.
func (s Source) Configured() bool { return len(s.Command) > 0 || s.File != "" }

// String names the source for people; "" when there is none.
func (s Source) String() string {
	switch {
	case len(s.Command) > 0:
		return "command " + s.Command[0]
	case s.File != "":
		return "file " + s.File
	}
	return ""
}

// Read gets the material. An error is an *Error.
func (s Source) Read(ctx context.Context, a Asked) (*Secret, error) {
	var (
		secret Secret
		err    error
	)
	switch {
	case len(s.Command) > 0:
		err = s.run(ctx, a, &secret)
	case s.File != "":
		err = s.open(a, &secret)
	default:
		err = refused("rotd.yaml names no source of key material (imported_material)")
	}
	if err == nil {
		err = s.sound(&secret)
	}
	if err != nil {
		secret.Wipe()
		return nil, err
	}
	return &secret, nil
}

// Error says why there is no material, without any of it.
type Error struct {
	Passing bool // it may be there when asked again
	text    string
}

func (e *Error) Error() string { return e.text }

func refused(format string, args ...any) *Error { return &Error{text: fmt.Sprintf(format, args...)} }

func passing(format string, args ...any) *Error {
	return &Error{Passing: true, text: fmt.Sprintf(format, args...)}
}

// Secret is material in memory.
type Secret struct {
	bytes [Length + 1]byte // one more, to see that there is more than may be
	n     int
}

// Wipe overwrites the material.
func (s *Secret) Wipe() { clear(s.bytes[:]); s.n = 0 }

// String keeps the material out of what is printed.
func (*Secret) String() string { return "key material" }

// GoString does the same for %#v.
func (*Secret) GoString() string { return "key material" }

// sound refuses what no random bytes look like, whatever KMS would say to it.
func (s Source) sound(secret *Secret) error {
	if secret.n != Length {
		return refused("%s gave %s; key material is exactly %d raw bytes, with no line end after them and not as base64 "+
			"or hexadecimal text", s, amount(secret.n), Length)
	}
	text, same := true, true
	for _, b := range secret.bytes[:Length] {
		text = text && b >= ' ' && b <= '~'
		same = same && b == secret.bytes[0]
	}
	switch {
	case same:
		return refused("%s gave the same byte %d times, which is no key material", s, Length)
	case text:
		return refused("%s gave text; key material is %d raw random bytes", s, Length)
	}
	return nil
}

func amount(n int) string {
	switch {
	case n > Length:
		return fmt.Sprintf("more than %d bytes", Length)
	case n == 1:
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// Wrap encrypts the material by RSAES_OAEP_SHA_256 under a public key as KMS gives it (SubjectPublicKeyInfo, DER).
func (s *Secret) Wrap(publicKey []byte) ([]byte, error) {
	parsed, err := x509.ParsePKIXPublicKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("read KMS's wrapping key: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("KMS's wrapping key is no RSA key")
	}
	return rsa.EncryptOAEP(sha256.New(), rand.Reader, key, s.bytes[:s.n], nil)
}
