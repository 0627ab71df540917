package awssim

import "time"

// kmsLane is what a quota is counted by.
type kmsLane struct{ account, region, operation string }

// tokenBucket holds a second's worth of calls.
type tokenBucket struct {
	tokens float64
	at     time.Time
}

// kmsQuota is how many calls a second an account has in a Region; cryptographic operations share theirs.
func kmsQuota(operation string) (lane string, perSecond float64) {
	switch operation {
	case "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext":
		return "cryptographic", 20_000
	case "DescribeKey", "ListResourceTags":
		return operation, 2000
	case "GetKeyRotationStatus", "GetKeyPolicy":
		return operation, 1000
	case "ListKeys", "ListAliases":
		return operation, 500
	case "ListKeyRotations", "ListGrants":
		return operation, 100
	case "CreateGrant", "RevokeGrant":
		return operation, 50
	case "GetParametersForImport":
		return operation, 1
	case "EnableKeyRotation", "ScheduleKeyDeletion", "PutKeyPolicy", "ImportKeyMaterial":
		return operation, 15
	case "TagResource":
		return operation, 10
	default:
		return operation, 5
	}
}

// admit throttles a call that is over its account's quota. k.mu is held.
func (k *KMS) admit(c *kmsCall) error {
	if !k.opts.Quotas {
		return nil
	}
	operation, perSecond := kmsQuota(c.Operation)
	lane := kmsLane{c.account(), c.Region, operation}
	b := k.quotas[lane]
	if b == nil {
		b = &tokenBucket{tokens: perSecond, at: c.now}
		k.quotas[lane] = b
	}
	b.tokens = min(perSecond, b.tokens+perSecond*c.now.Sub(b.at).Seconds())
	b.at = c.now
	if b.tokens < 1 {
		return apiErrorf("ThrottlingException", 0, "Rate exceeded")
	}
	b.tokens--
	return nil
}
