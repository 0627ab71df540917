package awssim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
)

// envelope is what a ciphertext says about itself before it is opened. On the wire: version 1, the lengths of account
// and key id in a byte each, both, the material's 32 bytes, the nonce, then AES-256-GCM's output, which is bound to
// all of that and to the encryption context.
type envelope struct {
	account, keyID, material string
	header, nonce, sealed    []byte
}

const (
	envelopeVersion = 1
	materialIDSize  = 32 // bytes
	nonceSize       = 12 // bytes
)

// seal encrypts with the key's current material.
func seal(key *KMSKey, plaintext []byte, context map[string]string) (blob []byte, material string, err error) {
	m := key.current()
	if m == nil {
		return nil, "", unsupported(key, "cannot be used for encryption by the simulator.")
	}
	id, err := hex.DecodeString(m.ID)
	if err != nil || len(id) != materialIDSize {
		return nil, "", apiErrorf("KMSInternalException", 500, "key material %q has no valid id", m.ID)
	}
	blob = []byte{envelopeVersion, byte(len(key.Account)), byte(len(key.ID))} //nolint:gosec // 12 and 36
	blob = append(append(append(blob, key.Account...), key.ID...), id...)
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	aead, err := aeadOf(m)
	if err != nil {
		return nil, "", err
	}
	bound := boundTo(blob, context)
	blob = append(blob, nonce...)
	return aead.Seal(blob, nonce, plaintext, bound), m.ID, nil
}

// open decrypts with whichever material encrypted: old material always can.
func (e *envelope) open(key *KMSKey, context map[string]string) ([]byte, error) {
	m := key.material(e.material)
	if m == nil {
		return nil, errCiphertext()
	}
	aead, err := aeadOf(m)
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, e.nonce, e.sealed, boundTo(e.header, context))
	if err != nil {
		return nil, errCiphertext()
	}
	return plaintext, nil
}

func parseEnvelope(blob []byte) (*envelope, error) {
	const fixed = 3
	if len(blob) < fixed || blob[0] != envelopeVersion {
		return nil, errCiphertext()
	}
	account, id := int(blob[1]), int(blob[2])
	header := fixed + account + id + materialIDSize
	if len(blob) < header+nonceSize {
		return nil, errCiphertext()
	}
	return &envelope{
		account:  string(blob[fixed : fixed+account]),
		keyID:    string(blob[fixed+account : fixed+account+id]),
		material: hex.EncodeToString(blob[header-materialIDSize : header]),
		header:   blob[:header],
		nonce:    blob[header : header+nonceSize],
		sealed:   blob[header+nonceSize:],
	}, nil
}

func aeadOf(m *KMSMaterial) (cipher.AEAD, error) {
	block, err := aes.NewCipher(m.secret[:])
	if err != nil {
		return nil, apiErrorf("KMSInternalException", 500, "making a cipher: %v", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, apiErrorf("KMSInternalException", 500, "making a cipher: %v", err)
	}
	return aead, nil
}

// boundTo is the additional data: the header, then the context's pairs in order, each with its length.
func boundTo(header []byte, context map[string]string) []byte {
	bound := slices.Clone(header)
	for _, name := range slices.Sorted(maps.Keys(context)) {
		for _, s := range []string{name, context[name]} {
			bound = append(binary.BigEndian.AppendUint32(bound, uint32(len(s))), s...) //nolint:gosec // < 64 MiB
		}
	}
	return bound
}

func errCiphertext() *APIError { return apiErrorf("InvalidCiphertextException", 0, "") }
