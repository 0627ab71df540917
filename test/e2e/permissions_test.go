package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/internal/iam"
	"rotd/test/crash/world"
)

// everything is what the policy of a role allows through which people do all that rotd can.
func everything(t *testing.T, w *world.World) string {
	t.Helper()
	text, err := iam.Policy(iam.Daemon, &iam.Needs{
		Partition: "aws", Accounts: []string{world.Account}, Topics: []string{w.Topic, w.Pager},
		Queues:  []string{"arn:aws:sqs:" + world.Region + ":" + world.Account + ":rotd"},
		Rotates: true, Restores: true, Replaces: true, Contains: true, Reencrypts: true, Imports: true,
	}).JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fullWorld has a key for everything that can be done to one.
func fullWorld(t *testing.T) *world.World {
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
	w := world.New(t, world.Options{
		Rule: awssim.EventRule{ReadOnly: true, Native: true},
		Keys: map[string]awssim.KeyOptions{
			"cards": healthyKey(), "stolen": stolen, "doomed": doomed, "hsm": hsm, "signing": signing,
		},
	})
	if err := w.Configure("regions: ["+world.Region+"]", "regions: ["+world.Region+", eu-west-1]"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"stolen", "signing"} {
		operation := types.GrantOperationDecrypt
		if key == "signing" {
			operation = types.GrantOperationGenerateMac
		}
		_, err := kms.NewFromConfig(w.Sim.As(w.App, world.Region)).CreateGrant(t.Context(), &kms.CreateGrantInput{
			KeyId: aws.String(w.Keys[key]), GranteePrincipal: aws.String(w.App.SessionIssuerARN),
			Operations: []types.GrantOperation{operation},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Policy = everything(t, w)
	return w
}

// oneSealed is a manifest with one data key under alias/pay-cards.
func oneSealed(t *testing.T, w *world.World) string {
	t.Helper()
	sealed, err := kms.NewFromConfig(w.Sim.As(w.App, world.Region)).Encrypt(t.Context(), &kms.EncryptInput{
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

// TestThePrintedPolicyIsEnoughAndNotTooMuch does all that rotd can with the policy that print-policy prints: no call is
// refused, and no permission goes without use.
func TestThePrintedPolicyIsEnoughAndNotTooMuch(t *testing.T) {
	t.Parallel()
	w := fullWorld(t)
	ready(t, w)
	untilTold(t, w, "digest")
	rotd := w.Sim.Requests(w.ByRotd)[0].AccessKeyID
	does := func(args ...string) {
		t.Helper()
		says(t, w, w.App, admin.ExitDone, "", append(args, "--reason", "INC-1", "--yes")...)
	}

	if _, err := w.Sim.Send(w.Queue, "no event of anybody's"); err != nil {
		t.Fatal(err)
	}
	disable(t, w, "cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	does("rotate", "alias/pay-cards")
	does("replace", "alias/pay-signing")
	does("contain", "alias/pay-stolen", "--revoke-all", "--retire-alias", "alias/spare", "--disable")
	does("contain", "alias/pay-stolen", "--undo", containment(t, w))
	does("contain", "alias/pay-doomed", "--cancel-deletion")
	does("reencrypt", "--manifest", oneSealed(t, w), "--to", "alias/pay-stolen")

	until(t, fmt.Sprintf("the use of %v", w.Sim.Unused(rotd)), func() bool { // what is read in the background comes late
		return len(w.Sim.Unused(rotd)) == 0
	})
	for _, r := range w.Sim.Requests(w.ByRotd) {
		if strings.HasPrefix(r.ErrorCode, "AccessDenied") {
			t.Errorf("%s of %s was refused", r.Operation, r.Resource)
		}
	}
}

// containment is the id of the action that contained the stolen key.
func containment(t *testing.T, w *world.World) string {
	t.Helper()
	detail, err := w.Client.Key(t.Context(), "alias/pay-stolen")
	if err != nil || len(detail.Actions) == 0 {
		t.Fatalf("no action: %v", err)
	}
	return detail.Actions[0].ID
}
