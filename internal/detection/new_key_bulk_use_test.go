package detection

import (
	"slices"
	"testing"
	"time"
)

func TestNewKeyBulkUse(t *testing.T) {
	const title = "HIGH A new key is used in bulk by whoever created it"
	created := record("CreateKey", asking(object{"origin": "AWS_KMS"}), object{
		"responseElements": object{"keyMetadata": object{"arn": otherARN}}, "resources": []object{{"ARN": otherARN}},
	})
	uses := func(n int, every time.Duration, given ...object) []object {
		return times(n, every, "GenerateDataKey", append([]object{on(otherARN)}, given...)...)
	}
	then := func(first object, rest ...[]object) []object {
		return append([]object{first}, slices.Concat(rest...)...)
	}
	backwards := uses(50, time.Minute)
	slices.Reverse(backwards)
	testRule(t, newKeyBulkUse(), []ruleTest{
		{
			name: "fifty uses by its creator", events: then(created, uses(50, time.Minute)), want: []string{title},
			says: []string{
				"role/admin created " + otherARN + ", and has used it 50 times or more within 60 min, lastly for GenerateDataKey.",
				"Do not disable the key",
			},
		},
		{name: "told in the reverse order", events: then(created, backwards), want: []string{title}},
		{
			name: "through S3", events: then(created, uses(50, time.Second, through("s3.amazonaws.com", by("admin")))),
			want: []string{title},
		},
		{
			name: "re-encryption under it", want: []string{title},
			events: then(created, times(50, time.Second, "ReEncrypt", object{
				"requestParameters": object{"destinationKeyId": otherARN},
				"resources":         []object{{"ARN": payARN}, {"ARN": otherARN}},
			})),
		},
		{
			name: "after another new key an hour before", want: []string{title},
			events: then(record("CreateKey", at(-50*time.Minute), id("e-0"), object{
				"responseElements": object{"keyMetadata": object{"arn": payARN}},
			}), []object{created}, uses(50, time.Minute)),
		},
		{name: "forty-nine", events: then(created, uses(49, time.Minute))},
		{name: "over more than an hour", events: then(created, uses(60, 75*time.Second))},
		{name: "by another principal", events: then(created, uses(60, time.Second, by("pay-api")))},
		{name: "one call told fifty times", events: then(created, slices.Repeat(uses(1, 0), 60))},
		{name: "a key that was not just made", events: uses(60, time.Second)},
		{name: "another key", events: then(created, times(60, time.Second, "Encrypt"))},
		{name: "a creation that failed", events: then(record("CreateKey", failing("AccessDenied"), object{
			"resources": []object{{"ARN": otherARN}},
		}), uses(60, time.Second))},
		{
			name: "rotd's own", world: func(w *world) { w.own = true }, events: then(created, uses(60, time.Second)),
		},
		{name: "by nobody who is named", events: then(record("CreateKey", object{
			"userIdentity": nil, "responseElements": object{"keyMetadata": object{"arn": otherARN}},
		}), uses(60, time.Second, object{"userIdentity": nil}))},
	})
}
