package awssim

import (
	"bytes"
	"testing"
)

// FuzzEnvelope holds that only what was sealed can be opened, whatever the ciphertext's bytes say.
func FuzzEnvelope(f *testing.F) {
	key := &KMSKey{Account: home, ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Materials: []KMSMaterial{newMaterial()}}
	context := map[string]string{"tenant": "1"}
	blob, _, err := seal(key, []byte("secret"), context)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob)
	f.Add(blob[:20])
	f.Add([]byte{envelopeVersion, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEnvelope(data)
		if err != nil {
			return
		}
		plaintext, err := e.open(key, context)
		if opened := err == nil; opened != bytes.Equal(data, blob) {
			t.Errorf("%x opened: %t, gave %q", data, opened, plaintext)
		}
	})
}

// FuzzPolicy holds that an explicit Deny wins over whatever else a policy says.
func FuzzPolicy(f *testing.F) {
	f.Add(defaultKeyPolicy(east, home))
	f.Add(`{"Statement":{"Effect":"Allow","Principal":"*","Action":["kms:*"]}}`)
	f.Add(`{"Statement":[{"Effect":"Maybe"}]}`)
	deny := parsePolicy(`{"Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*"}}`).Statement[0]
	f.Fuzz(func(t *testing.T, text string) {
		document := parsePolicy(text)
		if document == nil {
			return
		}
		document.Statement = append(document.Statement, deny)
		if document.allows(&Principal{Account: home}, "kms:Decrypt") {
			t.Error("a policy that denies everything allows decryption")
		}
	})
}
