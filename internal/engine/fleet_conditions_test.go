package engine

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
)

const orgID = "o-a1b2c3d4e5"

// conditioned are keys whose policy lets everybody in under a condition, and what of it does not narrow.
func conditioned() (keys []fleetKey) {
	const (
		public   = "key-policy-public CRITICAL"
		external = "key-policy-external-account HIGH"
	)
	for _, c := range []struct{ name, condition, finds string }{
		{"caller-account", `"StringEquals":{"kms:CallerAccount":"%s"}`, ""},
		{"caller-stranger", `"StringEquals":{"kms:CallerAccount":"` + stranger + `"}`, external},
		{"caller-either", `"StringEquals":{"kms:CallerAccount":["%s","` + stranger + `"]}`, external},
		{"caller-wild", `"StringLike":{"kms:CallerAccount":"*"}`, public},
		{"caller-negated", `"StringNotEquals":{"kms:CallerAccount":"` + stranger + `"}`, public},
		{"caller-if-exists", `"StringEqualsIfExists":{"kms:CallerAccount":"%s"}`, public},
		{
			"caller-if-exists-and-it-does",
			`"StringEqualsIfExists":{"kms:CallerAccount":"%s"},"Null":{"kms:CallerAccount":"false"}`, "",
		},
		{"via-service", `"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}`, public},
		{
			"via-service-of-the-account",
			`"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:CallerAccount":"%s"}`, "",
		},
		{"organization", `"StringEquals":{"aws:PrincipalOrgID":"` + orgID + `"}`, external}, // rotd trusts accounts
		{"organization-negated", `"StringNotEquals":{"aws:PrincipalOrgID":"` + orgID + `"}`, public},
		{"organization-if-exists", `"StringEqualsIfExists":{"aws:PrincipalOrgID":"` + orgID + `"}`, public},
		{"principal-arn", `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::%s:role/*"}`, ""},
		{"principal-arn-of-a-stranger", `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::` + stranger + `:role/x"}`, external},
		{"principal-arn-anywhere", `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}`, public},
		{"principal-arn-negated", `"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::` + stranger + `:*"}`, public},
		{"source-account", `"StringEquals":{"aws:SourceAccount":"%s"}`, ""},
		{"source-account-of-a-stranger", `"StringEquals":{"aws:SourceAccount":"` + stranger + `"}`, external},
		{"source-account-if-exists", `"StringEqualsIfExists":{"aws:SourceAccount":"%s"}`, public},
		{"source-arn", `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:%s:*"}`, ""},
		{"source-arn-anywhere", `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}`, public},
		{"source-arn-negated", `"ArnNotEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:%s:t"}`, public},
		{"context", `"StringEquals":{"kms:EncryptionContext:tenant":"blue"}`, public},
		{"everywhere", `"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`, public},
	} {
		k := fleetKey{name: "pay-if-" + c.name, o: rotating(func(o *awssim.KeyOptions) {
			o.Policy = letting("%s", "*", c.condition)
		})}
		if c.finds != "" {
			k.finds = []string{c.finds}
		}
		keys = append(keys, k)
	}
	return keys
}

// longPolicy is a key policy of 500 statements and nearly 32 KB whose last one lets a stranger in.
func longPolicy() string {
	statements := []string{
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"kms:*","Resource":"*"}`,
	}
	for len(statements) < 499 {
		statements = append(statements, `{"Effect":"Deny","Principal":"*","Action":"a:b","Resource":"*"}`)
	}
	statements = append(statements, fmt.Sprintf(
		`{"Effect":"Allow","Principal":{"AWS":%q},"Action":"kms:Decrypt","Resource":"*"}`, stranger))
	return `{"Statement":[` + strings.Join(statements, ",") + `]}`
}

// oddStates are keys in the states that pass by themselves, and those on their way out.
func oddStates() []fleetKey {
	in := func(s types.KeyState, change func(o *awssim.KeyOptions)) awssim.KeyOptions {
		o := awssim.KeyOptions{State: s}
		if change != nil {
			change(&o)
		}
		return o
	}
	return []fleetKey{
		{name: "pay-creating", o: in(types.KeyStateCreating, nil)},
		{name: "pay-updating", o: in(types.KeyStateUpdating, nil)},
		{name: "pay-unavailable", o: in(types.KeyStateUnavailable, func(o *awssim.KeyOptions) {
			o.Origin, o.CustomKeyStore = types.OriginTypeAwsCloudhsm, "cks-3"
		})},
		{
			name:  "pay-replica-deletion",
			o:     in(types.KeyStatePendingReplicaDeletion, func(o *awssim.KeyOptions) { o.MultiRegion = true }),
			finds: []string{"key-pending-deletion CRITICAL"},
		},
	}
}
