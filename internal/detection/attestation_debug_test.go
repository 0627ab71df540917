package detection

import (
	"maps"
	"strings"
	"testing"
)

func TestAttestationDebug(t *testing.T) {
	const title = "HIGH An enclave in debug mode was given a key's use"
	zero, image := strings.Repeat("0", 96), strings.Repeat("ee0d451a2ff9", 8)
	attested := func(digest string, more ...object) object {
		recipient := object{
			"attestationDocumentModuleId":           "i-123456789abcde123-enc123456789abcde12",
			"attestationDocumentEnclaveImageDigest": digest,
		}
		for _, m := range more {
			maps.Copy(recipient, m)
		}
		return object{"additionalEventData": object{"keyMaterialId": "ab", "recipient": recipient}}
	}
	testRule(t, attestationDebug(), []ruleTest{
		{
			name: "all zero", events: []object{record("Decrypt", attested(zero, object{
				"attestationDocumentEnclavePCR1": zero, "attestationDocumentEnclavePCR2": zero,
				"attestationDocumentEnclavePCR8": zero,
			}))},
			want: []string{title},
			says: []string{
				"role/admin called Decrypt on alias/payments with the attestation of enclave " +
					"i-123456789abcde123-enc123456789abcde12, whose measurements are all zero",
				"kms:RecipientAttestation:ImageSha384",
			},
		},
		{
			name: "the digest alone", events: []object{record("GenerateDataKey", attested(zero))}, want: []string{title},
		},
		{
			name: "in base64", events: []object{record("DeriveSharedSecret", attested(strings.Repeat("A", 64)))},
			want: []string{title},
		},
		{
			name: "random bytes, of no key", events: []object{record("GenerateRandom", attested(zero), object{
				"resources": nil, "requestParameters": nil,
			})},
			want: []string{title}, says: []string{"role/admin called GenerateRandom with the attestation"},
		},
		{
			name: "an enclave without a name", want: []string{title},
			events: []object{record("Decrypt", attested(zero, object{"attestationDocumentModuleId": nil}))},
			says:   []string{"an enclave that the record does not name"},
		},
		{name: "a measured image", events: []object{record("Decrypt", attested(image))}},
		{
			name: "an unsigned image", events: []object{record("Decrypt", attested(image, object{
				"attestationDocumentEnclavePCR8": zero,
			}))},
		},
		{
			name: "a zero digest with another measurement", events: []object{record("Decrypt", attested(zero, object{
				"attestationDocumentEnclavePCR1": image,
			}))},
		},
		{name: "NitroTPM, which has no image digest", events: []object{record("Decrypt", attested("", object{
			"attestationDocumentEnclaveImageDigest": nil, "attestationDocumentNitroTPMPCR4": zero,
		}))}},
		{name: "no attestation", events: []object{record("Decrypt", object{
			"additionalEventData": object{"keyMaterialId": zero},
		})}},
		{name: "refused", events: []object{record("Decrypt", attested(zero), failing("AccessDenied"))}},
		{name: "what is no attestation", events: []object{record("Decrypt", object{
			"additionalEventData": object{"recipient": "x"},
		})}},
	})
}
