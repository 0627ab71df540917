package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/go-json-experiment/json"

	"rotd/internal/awssim"
)

// sealedLine is a line of the results.
type sealedLine struct {
	ID         string `json:"id"`
	Ciphertext []byte `json:"ciphertext"`
}

// reencrypt moves the data keys to a key that the intruder never saw, and kills rotd in the middle of it.
func (a *incidentActs) reencrypt(ctx context.Context) error {
	a.tell.say("A rotation re-encrypts nothing. The data keys move to alias/orders-2, so that alias/orders can be put")
	a.tell.say("away; what the %d that mallory opened encrypt, the service must encrypt anew. After 750 rotd is killed.",
		intruderOpens)
	arn, err := a.world.sim.KMS().CreateKey(awssim.KeyOptions{
		Account: demoAccount, Region: demoRegion, Aliases: []string{"alias/orders-2"},
	})
	if err != nil {
		return fmt.Errorf("create the new key: %w", err)
	}
	if _, err := a.runs(ctx, 0, "sweep", "inventory"); err != nil {
		return err
	}
	args := []string{
		"reencrypt", "--manifest", a.manifest(), "--from", "alias/orders", "--to", "alias/orders-2",
		"--reason", "INC-4711", "--yes",
	}
	if _, err := a.runs(ctx, 0, append(slices.Clone(args), "--dry-run")...); err != nil {
		return err
	}
	killed := a.world.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "ReEncrypt", Nth: sealedKeys * 3 / 4, Times: 1, When: awssim.AfterEffect,
		DropConnection: true, Do: a.daemon.kill,
	})
	impatient := append(slices.Clone(args), "--wait", "1s")
	output, status := a.daemon.command(ctx, impatient...)
	a.tell.quote("alice$ rotd "+quoteArgs(impatient), output)
	if err := a.daemon.gone(ctx); err != nil {
		return err
	}
	a.tell.check(killed.Fired() == 1 && status != 0, "rotd was killed; the command says so with exit status %d", status)
	if err := a.daemon.start(ctx); err != nil {
		return err
	}
	a.tell.say("Started again, the same command goes on where it was.")
	if _, err := a.runs(ctx, 0, args...); err != nil {
		return err
	}
	moved, err := a.moved(ctx, arn)
	a.tell.check(moved == sealedKeys, "%d of %d results, in the manifest's order, open under the new key",
		moved, sealedKeys)
	return err
}

// moved counts the results that are in their place and open under the new key alone.
func (a *incidentActs) moved(ctx context.Context, arn string) (n int, err error) {
	file, err := os.Open(a.manifest() + ".reencrypted")
	if err != nil {
		return 0, fmt.Errorf("open the results: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	app := a.as(a.world.app)
	lines := bufio.NewScanner(file)
	for i := 0; lines.Scan(); i++ {
		var line sealedLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return n, fmt.Errorf("result %d: %w", i+1, err)
		}
		if line.ID != "order-"+strconv.Itoa(i) {
			return n, fmt.Errorf("%w: result %d is of %s", errDemo, i+1, line.ID)
		}
		_, err := app.Decrypt(ctx, &kms.DecryptInput{
			CiphertextBlob: line.Ciphertext, KeyId: aws.String(arn), EncryptionContext: sealedContext(i),
		})
		if err != nil {
			return n, fmt.Errorf("open %s under the new key: %w", line.ID, err)
		}
		n++
	}
	return n, lines.Err()
}
