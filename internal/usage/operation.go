package usage

import "slices"

// operations are KMS's cryptographic operations by the number they are stored under. The numbers are in files: append
// only.
var operations = [...]string{
	"", "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext", "ReEncrypt", "Sign", "Verify", "GenerateMac", "VerifyMac",
	"DeriveSharedSecret", "Encapsulate", "Decapsulate",
}

// Operation is the number of an operation that uses a key on data; false for every other operation.
func Operation(name string) (code uint8, ok bool) {
	switch name { // the two that are nearly all
	case "Decrypt":
		return 1, true
	case "GenerateDataKey":
		return 3, true
	}
	i := slices.Index(operations[1:], name)
	return uint8(i + 1), i >= 0 //nolint:gosec // a few
}

// operationName is the name of an operation; one that a newer rotd wrote has none here.
func operationName(code uint64) string {
	if code < uint64(len(operations)) {
		return operations[code]
	}
	return "another operation"
}
