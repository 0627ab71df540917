package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// intrusion starts rotd, and lets an intruder use and keep a key that seals data keys.
func (a *incidentActs) intrusion(ctx context.Context) error {
	if err := a.daemon.start(ctx); err != nil {
		return err
	}
	if _, err := a.runs(ctx, 0, "sweep", "inventory"); err != nil {
		return err
	}
	if err := a.seal(ctx); err != nil {
		return err
	}
	if err := a.intrude(ctx); err != nil {
		return err
	}
	if err := a.drained(ctx); err != nil {
		return err
	}
	a.tell.say("alice, the responder, opens an incident: what happens to the key from now on belongs to it.")
	opened, err := a.runs(ctx, 0, "incident", "open", "alias/orders", "--ticket", "INC-4711",
		"--reason", "access key of mallory stolen")
	a.id = regexp.MustCompile(`inc_[0-9A-Z]+`).FindString(opened)
	return err
}

// sealedKeys is how many data keys are sealed under the key that leaks.
const sealedKeys = 1000

func sealedContext(i int) map[string]string { return map[string]string{"order": strconv.Itoa(i)} }

// seal has the payment service make data keys, sealed under alias/orders, and writes their manifest.
func (a *incidentActs) seal(ctx context.Context) error {
	a.tell.say("The payment service has %d data keys sealed under alias/orders, each with its order as context.",
		sealedKeys)
	app := a.as(a.world.app)
	var manifest bytes.Buffer
	for i := range sealedKeys {
		made, err := app.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyId: aws.String("alias/orders"), KeySpec: types.DataKeySpecAes256, EncryptionContext: sealedContext(i),
		})
		if err != nil {
			return fmt.Errorf("generate a data key: %w", err)
		}
		a.sealed = append(a.sealed, made.CiphertextBlob)
		fmt.Fprintf(&manifest, `{"id":"order-%d","ciphertext":"%s","context":{"order":"%d"}}`+"\n", i,
			base64.StdEncoding.EncodeToString(made.CiphertextBlob), i)
	}
	if err := os.WriteFile(a.manifest(), manifest.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

func (a *incidentActs) manifest() string { return filepath.Join(a.world.dir, "orders.jsonl") }

// intruderOpens is how many data keys the intruder opens.
const intruderOpens = 40

// intrude opens data keys with a stolen access key, and gives another account a grant to come back with.
func (a *incidentActs) intrude(ctx context.Context) error {
	a.tell.say("mallory, with a stolen access key from 203.0.113.66, opens %d of them and gives account 999988887777",
		intruderOpens)
	a.tell.say("a grant to decrypt with the key.")
	mallory := a.as(a.world.mallory)
	for i := range intruderOpens {
		_, err := mallory.Decrypt(ctx, &kms.DecryptInput{
			CiphertextBlob: a.sealed[i], EncryptionContext: sealedContext(i),
		})
		if err != nil {
			return fmt.Errorf("open a data key: %w", err)
		}
	}
	_, err := mallory.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: aws.String(a.world.keys["orders"]), GranteePrincipal: aws.String("arn:aws:iam::999988887777:root"),
		Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	})
	if err != nil {
		return fmt.Errorf("give a grant: %w", err)
	}
	return nil
}
