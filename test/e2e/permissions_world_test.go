package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

const (
	elsewhere     = "444455556666" // an account that rotd looks after by a role there
	memberRole    = "arn:aws:iam::" + elsewhere + ":role/rotd-member"
	emergencyRole = "arn:aws:iam::" + world.Account + ":role/rotd-emergency"
	ownRole       = "arn:aws:iam::" + world.Account + ":role/rotd"
	allVerbs      = "rotate,replace,contain,reencrypt,import"
)

// printed is the policy that print-policy prints for the world's configuration.
func printed(t *testing.T, w *world.World, flags ...string) string {
	t.Helper()
	text, err := os.ReadFile(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	// The URL of a queue on loopback does not tell its ARN.
	url := "https://sqs." + world.Region + ".amazonaws.com/" + world.Account + "/rotd"
	path := filepath.Join(t.TempDir(), "rotd.yaml")
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(w.Queue), []byte(url)), 0o600); err != nil {
		t.Fatal(err)
	}
	status, said, err := w.Says(t.Context(), w.App, append([]string{"iam", "print-policy", "-c", path}, flags...)...)
	if err != nil || status != 0 {
		t.Fatalf("print-policy ended with %d (%v):\n%s", status, err, said)
	}
	return said
}

// limit gives an access key or a role what print-policy prints.
func limit(t *testing.T, w *world.World, of string, flags ...string) {
	t.Helper()
	if err := w.Sim.SetPolicy(of, printed(t, w, flags...)); err != nil {
		t.Fatal(err)
	}
}

// fullWorld has a key for everything that can be done to one, in an account.
func fullWorld(t *testing.T, account string) *world.World {
	t.Helper()
	now := time.Now().UTC()
	stolen, doomed, hsm := healthyKey(), healthyKey(), healthyKey()
	stolen.Aliases = []string{"alias/spare"}
	doomed.DeletionDate = now.Add(9 * day)
	hsm.Origin, hsm.RotationPeriod, hsm.NextRotation, hsm.History = types.OriginTypeExternal, 0, time.Time{}, nil
	hsm.Imported = []awssim.ImportedSecret{{}}
	signing := awssim.KeyOptions{
		Spec: types.KeySpecHmac256, Created: now.Add(-10 * day), MultiRegion: true, Replicas: []string{"eu-west-1"},
	}
	keys := map[string]awssim.KeyOptions{
		"cards": healthyKey(), "stolen": stolen, "doomed": doomed, "hsm": hsm, "signing": signing,
	}
	for name, k := range keys {
		k.Account = account
		keys[name] = k
	}
	w := world.New(t, world.Options{Rule: awssim.EventRule{ReadOnly: true, Native: true}, Keys: keys})
	app := w.Sim.NewAccessKey(account, "app")
	for _, key := range []string{"stolen", "signing"} {
		operation := types.GrantOperationDecrypt
		if key == "signing" {
			operation = types.GrantOperationGenerateMac
		}
		_, err := kms.NewFromConfig(w.Sim.As(app, world.Region)).CreateGrant(t.Context(), &kms.CreateGrantInput{
			KeyId: aws.String(w.Keys[key]), GranteePrincipal: aws.String("arn:aws:iam::" + account + ":role/app"),
			Operations: []types.GrantOperation{operation},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// oneSealed is a manifest with one data key of an account's under alias/pay-cards.
func oneSealed(t *testing.T, w *world.World, account string) string {
	t.Helper()
	app := w.Sim.NewAccessKey(account, "app")
	sealed, err := kms.NewFromConfig(w.Sim.As(app, world.Region)).Encrypt(t.Context(), &kms.EncryptInput{
		KeyId: aws.String("alias/pay-cards"), Plaintext: []byte("a data key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "manifest.jsonl")
	line := fmt.Sprintf(`{"id":"1","ciphertext":%q}`+"\n", base64.StdEncoding.EncodeToString(sealed.CiphertextBlob))
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// storing is a full world whose daemon has everything in S3 that it can have there, and a trail's log files to read.
func storing(t *testing.T) (w *world.World, flags []string) {
	t.Helper()
	w = fullWorld(t, world.Account)
	for _, bucket := range []string{backups, "archive", "reports", "trail", "vault", "versions"} {
		w.Sim.CreateBucket(world.Region, world.Account, bucket)
	}
	w.Sim.VersionBucket("versions")
	for _, name := range []string{"storage", "logs"} {
		arn, err := w.Sim.KMS().CreateKey(awssim.KeyOptions{Account: world.Account, Region: world.Region})
		if err != nil {
			t.Fatal(err)
		}
		w.Keys[name] = arn
	}
	err := w.Configure("regions: ["+world.Region+"]", "regions: ["+world.Region+", eu-west-1]",
		"state: {path: "+w.StatePath+"}", "state: {path: "+w.StatePath+
			", snapshots: {to: s3://backups/rotd, keep: 1, kms_key: \""+w.Keys["storage"]+"\"}}",
		"intake:\n", "audit: {export: s3://archive/audit}\nreports: [{name: often, schedule: \"@every 2s\", "+
			"format: text, to: s3://reports/rotd, keep: 1}]\nintake:\n",
		`schedules: {drift: "@every 5s"}`,
		`schedules: {drift: "@every 5s", snapshot: "@every 2s", audit: "@every 1s"}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"vault", "versions"} {
		if err := w.Sim.PutObject(bucket, "data/1", []byte("x"), locked(w.Keys["cards"])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Sim.NotifyQueue("trail", w.Queue); err != nil {
		t.Fatal(err)
	}
	flags = []string{
		"--verbs", allVerbs, "--logs", "s3://trail/AWSLogs/", "--logs-key", w.Keys["logs"],
		"--objects", "s3://vault/data/,s3://versions/data/",
	}
	writeLogFile(t, w, "first")
	return w, flags
}

// locked are the headers of an object under a key, with tags, access for somebody and locks.
func locked(key string) map[string]string {
	return map[string]string{
		"X-Amz-Tagging": "team=pay", "X-Amz-Grant-Read": `id="canonical-friend"`,
		"X-Amz-Object-Lock-Mode": "GOVERNANCE", "X-Amz-Object-Lock-Legal-Hold": "ON",
		"X-Amz-Object-Lock-Retain-Until-Date": time.Now().Add(90 * day).UTC().Format(time.RFC3339),
		"X-Amz-Server-Side-Encryption":        "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": key,
	}
}

// writeLogFile has a trail write a log file, of which the queue is told.
func writeLogFile(t *testing.T, w *world.World, name string) {
	t.Helper()
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	if _, err := z.Write([]byte(`{"Records":[]}`)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	folder := "AWSLogs/" + world.Account + "/CloudTrail/" + world.Region + "/2026/11/29/"
	name = folder + world.Account + "_CloudTrail_" + world.Region + "_20261129T0000Z_" + name + ".json.gz"
	err := w.Sim.PutObject("trail", name, file.Bytes(), map[string]string{
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": w.Keys["logs"],
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lending is a full world of another account's keys, which rotd's own role assumes a role for.
func lending(t *testing.T) *world.World {
	t.Helper()
	w := fullWorld(t, elsewhere)
	for _, id := range []string{world.Account, elsewhere} {
		w.Sim.AddOrgAccount(awssim.OrgAccount{ID: id, Name: "account " + id, State: "ACTIVE", Path: "o-1/r-1/"})
	}
	w.Sim.AddRole(awssim.Role{ARN: memberRole, ExternalID: "choose-one", Trusted: []string{ownRole}})
	err := w.Configure("policies:\n", "organization: {role_name: rotd-member, external_id: choose-one, regions: ["+
		world.Region+", eu-west-1]}\npolicies:\n")
	if err != nil {
		t.Fatal(err)
	}
	limit(t, w, memberRole, "--member", "--verbs", allVerbs)
	return w
}

// alarming is a full world whose daemon only watches, but for what people do with the role for emergencies.
func alarming(t *testing.T) *world.World {
	t.Helper()
	w := fullWorld(t, world.Account)
	for _, bucket := range []string{"vault", "versions"} {
		w.Sim.CreateBucket(world.Region, world.Account, bucket)
	}
	w.Sim.VersionBucket("versions")
	for _, bucket := range []string{"vault", "versions"} {
		if err := w.Sim.PutObject(bucket, "data/1", []byte("x"), locked(w.Keys["cards"])); err != nil {
			t.Fatal(err)
		}
	}
	w.Sim.AddRole(awssim.Role{ARN: emergencyRole, Trusted: []string{ownRole}})
	err := w.Configure("mode: enforce\nstate", "mode: observe\nstate",
		"regions: ["+world.Region+"]", "regions: ["+world.Region+", eu-west-1], emergency_role_arn: \""+emergencyRole+"\"")
	if err != nil {
		t.Fatal(err)
	}
	limit(t, w, emergencyRole, "--emergency", "--verbs", "reencrypt", "--objects", "s3://vault/data/,s3://versions/data/")
	return w
}
