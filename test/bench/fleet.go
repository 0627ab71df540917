package main

import (
	"context"
	"fmt"
	"io"
	"net/rpc"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
)

// How long the simulated AWS takes to answer when a fleet is swept.
const (
	fleetLatency = 10 * time.Millisecond
	fleetJitter  = 10 * time.Millisecond
)

// Fleet is a simulated AWS with many keys and AWS's quotas, in a process of its own, driven as the simulator is.
type Fleet struct {
	sim  *awssim.Sim
	aws  AWS
	arns []string
}

// serveFleet runs it until in ends.
func serveFleet(in io.ReadCloser, out io.WriteCloser) error {
	f := &Fleet{sim: awssim.New(awssim.Options{Latency: fleetLatency, Jitter: fleetJitter, LogLimit: logged, Seed: 1})}
	f.sim.KMS().Configure(awssim.KMSOptions{Quotas: true})
	if err := f.sim.Start(); err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	defer f.sim.Close()
	server := rpc.NewServer()
	if err := server.RegisterName("Simulator", f); err != nil {
		return fmt.Errorf("offer the simulator's control: %w", err)
	}
	server.ServeConn(pipe{in, out})
	return nil
}

// fleetPolicy is a key policy as large as they commonly are.
const fleetPolicy = `{"Version":"2012-10-17","Id":"fleet","Statement":[
{"Sid":"Enable IAM","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*",
"Resource":"*"},
{"Sid":"Use","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/application-that-uses-the-key",
"arn:aws:iam::111122223333:role/its-worker"]},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*",
"kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":
"s3.us-east-1.amazonaws.com"}}},
{"Sid":"Grants","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/application-that-uses-the-key"},
"Action":["kms:CreateGrant","kms:ListGrants","kms:RevokeGrant"],"Resource":"*","Condition":{"Bool":
{"kms:GrantIsForAWSResource":"true"}}}]}`

// Populate makes the fleet: keys with an alias, tags and a policy each, which rotate.
func (f *Fleet) Populate(keys int, aws *AWS) error {
	created := time.Now().AddDate(0, -7, 0)
	for i := range keys {
		arn, err := f.sim.KMS().CreateKey(awssim.KeyOptions{
			Account: account, Region: region, RotationPeriod: 90, Created: created, Policy: fleetPolicy,
			Description: "key of an application", Aliases: []string{fmt.Sprintf("alias/fleet/application-%06d", i)},
			Tags:    map[string]string{"team": fmt.Sprintf("team-%d", i%50), "environment": "production", "cost": "4711"},
			History: []awssim.PastRotation{{At: created.AddDate(0, 3, 0), Type: "AUTOMATIC"}},
		})
		if err != nil {
			return fmt.Errorf("make key %d: %w", i, err)
		}
		f.arns = append(f.arns, arn)
	}
	who := f.sim.NewAccessKey(account, "rotd")
	f.aws = AWS{
		URL: f.sim.URL(), AccessKeyID: who.AccessKeyID, Secret: who.SecretAccessKey,
		Queue: f.sim.CreateQueue(region, account, "rotd"), Topic: f.sim.CreateTopic(region, account, "everything"),
	}
	*aws = f.aws
	return nil
}

// Change changes keys, which events tell of: their rotation is turned off.
func (f *Fleet) Change(keys int, _ *int) error {
	rule := awssim.EventRule{Queue: f.aws.Queue}
	if err := f.sim.AddEventRule(rule); err != nil {
		return fmt.Errorf("let events through: %w", err)
	}
	f.sim.KMS().Configure(awssim.KMSOptions{}) // whoever changes the keys is in no hurry
	defer f.sim.KMS().Configure(awssim.KMSOptions{Quotas: true})
	client := kms.NewFromConfig(f.sim.As(f.sim.NewAccessKey(account, "engineer"), region))
	for arn := range slices.Values(f.arns[:keys]) {
		if _, err := client.DisableKeyRotation(context.Background(), &kms.DisableKeyRotationInput{KeyId: &arn}); err != nil {
			return fmt.Errorf("change %s: %w", arn, err)
		}
	}
	return nil
}

// Tally is what the simulated KMS was asked.
type Tally struct {
	Calls     map[string]int // by operation
	Throttled int
}

func (t Tally) of(operation string) int { return t.Calls[operation] }

// parts tells what sweeps read from what is read beside them, since before.
func (t Tally) parts(before *Tally) (swept, apart map[string]int) {
	swept, apart = map[string]int{}, map[string]int{}
	for operation, n := range t.Calls {
		if before != nil {
			n -= before.of(operation)
		}
		switch operation {
		case "ListKeyRotations", "ListGrants", "GetKeyLastUsage":
			apart[operation] = n
		default:
			swept[operation] = n
		}
	}
	return swept, apart
}

// Asked tells what the simulated KMS has been asked by those who only read.
func (f *Fleet) Asked(_ int, tally *Tally) error {
	*tally = Tally{Calls: map[string]int{}}
	for asked, n := range f.sim.Tally() {
		if asked.Service != "kms" || asked.Operation == "DisableKeyRotation" {
			continue
		}
		tally.Calls[asked.Operation] += n
		if asked.ErrorCode == "ThrottlingException" {
			tally.Throttled += n
		}
	}
	return nil
}
