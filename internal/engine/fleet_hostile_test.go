package engine

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
)

// badInput are keys that somebody made to mislead, or that a sweep meets at a bad moment.
func badInput() []fleetKey {
	soon := time.Now().Add(20 * time.Minute)
	return []fleetKey{
		{
			name: "pay-long-policy", o: rotating(func(o *awssim.KeyOptions) { o.Policy = longPolicy() }),
			finds: []string{"key-policy-external-account HIGH"},
		},
		{
			name: "pay-cut-policy", o: rotating(func(o *awssim.KeyOptions) { o.Policy = `{"Statement":[{"Effect":` }),
			finds: []string{"key-unverifiable LOW"},
		},
		{
			name: "pay-\x1b[2Kclean\u202e", o: awssim.KeyOptions{Tags: map[string]string{"owner\x00": "\x1b]0;owned\a\n"}},
			finds: []string{"rotation-disabled HIGH"},
		},
		{ // by KMS's clock it was made, rotated and used after now
			name: "pay-ahead", o: rotating(func(o *awssim.KeyOptions) {
				o.Created, o.Used = soon, soon
				o.History = []awssim.PastRotation{{At: soon, Type: types.RotationTypeOnDemand}}
			}),
		},
		{ // by KMS's clock its rotation is not due yet
			name: "pay-behind", o: rotating(func(o *awssim.KeyOptions) {
				o.Created, o.NextRotation, o.Stalled = ago(90), time.Now().Add(-20*time.Minute), true
			}),
		},
		{name: vanishing, o: awssim.KeyOptions{Created: ago(800)}}, // see vanish
	}
}

const vanishing = "pay-vanishing"

// vanish has KMS list a key and then not know it any more, as when it is deleted in the middle of the sweep.
func (w *world) vanish(arn string) {
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	for _, operation := range []string{"DescribeKey", "GetKeyRotationStatus", "ListResourceTags", "GetKeyPolicy"} {
		w.sim.Plan(awssim.Fault{
			Service: "kms", Operation: operation, Contains: id,
			Err: &awssim.APIError{Code: "NotFoundException", Message: "Key '" + arn + "' does not exist"},
		})
	}
}

const (
	closedAccount  = "444455556666"
	disabledRegion = "af-south-1"
)

// outOfReach are places that rotd is to read and cannot: an account whose role does not let itself be assumed, and a
// Region that the account has not enabled, which knows none of its credentials.
func (w *world) outOfReach(cfg aws.Config) []Place {
	w.sim.Plan(awssim.Fault{
		Service: "kms", Match: func(in awssim.Incoming) bool { return in.Region == disabledRegion },
		Err: &awssim.APIError{
			Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid.",
		},
	})
	closed := awskms.Assume(cfg, "arn:aws:iam::"+closedAccount+":role/rotd", "", "rotd", nil)
	disabled := cfg.Copy()
	disabled.Region = disabledRegion
	place := func(cfg aws.Config, account, region string) Place {
		return Place{Account: account, Region: region, KMS: awskms.New(cfg,
			awskms.Place{Partition: "aws", Account: account, Region: region}, awskms.Options{QuotaShare: 1})}
	}
	return []Place{place(closed, closedAccount, region), place(disabled, account, disabledRegion)}
}
