package detection

import "testing"

func TestRegionUnexpected(t *testing.T) {
	const title = "HIGH Keys are used in a Region that rotd does not look after"
	const far = "arn:aws:kms:ap-east-1:111122223333:key/1"
	in := func(region string) object { return object{"awsRegion": region} }
	testRule(t, regionUnexpected(), []ruleTest{
		{
			name: "a use", world: careful(), events: []object{record("Encrypt", on(far), in("ap-east-1"))},
			want: []string{title},
			says: []string{
				"role/admin called Encrypt on " + far + " in ap-east-1, a Region that is not among those rotd looks after.",
				"aws kms list-keys --region ap-east-1",
			},
		},
		{
			name: "a new key", world: careful(), events: []object{record("CreateKey", in("ap-east-1"), object{
				"resources": nil, "requestParameters": object{"origin": "AWS_KMS"},
			})},
			want: []string{title}, says: []string{"role/admin called CreateKey in ap-east-1,"},
		},
		{
			name: "another partition's Region", world: careful(),
			events: []object{record("Decrypt", in("cn-north-1"), on("arn:aws-cn:kms:cn-north-1:111122223333:key/1"))},
			want:   []string{title},
		},
		{
			name: "an allowed principal", world: careful(), events: []object{record("Decrypt", by("pay-api"), in("us-east-1"))},
			want: []string{title},
		},
		{name: "a configured Region", world: careful(), events: []object{record("Decrypt")}},
		{name: "Regions are not known, as in a replay", events: []object{record("Decrypt", in("ap-east-1"))}},
		{name: "a reading", world: careful(), events: []object{record("ListKeys", in("ap-east-1"))}},
		{
			name: "a service on somebody's behalf", world: careful(),
			events: []object{record("Decrypt", through("ebs.amazonaws.com", by("admin")), in("ap-east-1"))},
		},
		{name: "KMS itself", world: careful(), events: []object{record("RotateKey", byKMS(), in("ap-east-1"))}},
		{
			name: "refused", world: careful(), events: []object{record("Decrypt", in("ap-east-1"), failing("AccessDenied"))},
		},
		{name: "no Region is named", world: careful(), events: []object{record("Decrypt", object{"awsRegion": nil})}},
	})
}
