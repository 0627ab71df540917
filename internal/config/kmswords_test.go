package config

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// The SDK's lists grow with KMS: what it knows, rotd.yaml may say.
func TestEveryWordOfKMSMayBeWritten(t *testing.T) {
	for name, tt := range map[string]struct{ known, words []string }{
		"key specs":  {keySpecs, wordsOf(types.KeySpec("").Values())},
		"key usages": {keyUsages, wordsOf(types.KeyUsageType("").Values())},
		"key states": {keyStates, wordsOf(types.KeyState("").Values())},
		"origins":    {origins, wordsOf(types.OriginType("").Values())},
	} {
		for _, word := range tt.words {
			if !slices.Contains(tt.known, word) {
				t.Errorf("%s: %s is missing", name, word)
			}
		}
	}
	for _, spec := range keySpecs {
		if usage := usageOf(spec); !slices.Contains(keyUsages, usage) {
			t.Errorf("%s is for %s", spec, usage)
		}
	}
	if got := usageOf("ML_KEM_768"); got != "ENCAPSULATE_DECAPSULATE" {
		t.Errorf("ML_KEM_768 is for %s", got)
	}
}

func wordsOf[T ~string](values []T) (texts []string) {
	for _, v := range values {
		texts = append(texts, string(v))
	}
	return texts
}
