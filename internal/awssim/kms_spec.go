package awssim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// keyUsages are the usages KMS accepts for a key spec, the default one first; none for an unknown spec. Only
// SYMMETRIC_DEFAULT has a default in the API, the others must name their usage.
func keyUsages(spec types.KeySpec) []types.KeyUsageType {
	const (
		encrypt = types.KeyUsageTypeEncryptDecrypt
		sign    = types.KeyUsageTypeSignVerify
		mac     = types.KeyUsageTypeGenerateVerifyMac
		agree   = types.KeyUsageTypeKeyAgreement
	)
	s := string(spec)
	switch {
	case !slices.Contains(spec.Values(), spec):
		return nil
	case spec == types.KeySpecSymmetricDefault:
		return []types.KeyUsageType{encrypt}
	case strings.HasPrefix(s, "RSA_"):
		return []types.KeyUsageType{encrypt, sign}
	case strings.HasPrefix(s, "HMAC_"):
		return []types.KeyUsageType{mac}
	case strings.HasPrefix(s, "ECC_NIST_P"):
		return []types.KeyUsageType{sign, agree}
	case s == "SM2":
		return []types.KeyUsageType{encrypt, sign, agree}
	case strings.HasPrefix(s, "ML_KEM_"):
		return []types.KeyUsageType{types.KeyUsageTypeEncapsulateDecapsulate}
	default: // ECC_SECG_P256K1, ECC_NIST_EDWARDS25519, ML_DSA_*
		return []types.KeyUsageType{sign}
	}
}

// keyAlgorithms names the metadata field that lists a key's algorithms, and the algorithms.
func keyAlgorithms(spec types.KeySpec, usage types.KeyUsageType) (field string, algorithms []string) {
	s := string(spec)
	switch usage {
	case types.KeyUsageTypeGenerateVerifyMac:
		return "MacAlgorithms", []string{strings.Replace(s, "HMAC_", "HMAC_SHA_", 1)}
	case types.KeyUsageTypeKeyAgreement:
		return "KeyAgreementAlgorithms", []string{"ECDH"}
	case types.KeyUsageTypeSignVerify:
		return "SigningAlgorithms", signingAlgorithms(s)
	case types.KeyUsageTypeEncryptDecrypt:
		switch {
		case strings.HasPrefix(s, "RSA_"):
			return "EncryptionAlgorithms", []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}
		case s == "SM2":
			return "EncryptionAlgorithms", []string{"SM2PKE"}
		}
		return "EncryptionAlgorithms", []string{"SYMMETRIC_DEFAULT"}
	default:
		return "EncapsulationAlgorithms", []string{s}
	}
}

func signingAlgorithms(spec string) []string {
	switch {
	case strings.HasPrefix(spec, "RSA_"):
		return []string{
			"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
			"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
		}
	case spec == "ECC_NIST_P384":
		return []string{"ECDSA_SHA_384"}
	case spec == "ECC_NIST_P521":
		return []string{"ECDSA_SHA_512"}
	case spec == "ECC_NIST_EDWARDS25519":
		return []string{"ED25519_SHA_512", "ED25519_PH_SHA_512"}
	case spec == "SM2":
		return []string{"SM2DSA"}
	case strings.HasPrefix(spec, "ML_DSA_"):
		return []string{"ML_DSA_SHAKE_256"}
	default:
		return []string{"ECDSA_SHA_256"}
	}
}
