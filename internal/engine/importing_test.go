package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rotd/internal/awssim"
	"rotd/internal/material"
	"rotd/internal/remediation"
)

const elsewhere = "us-east-1"

// sourced gives a world a source of material, and returns the bytes it gives. It must be told before the engine.
func sourced(w *world) []byte {
	bytes := sha256.Sum256([]byte(w.Name()))
	bytes[0] = 0 // no text has it
	path := filepath.Join(w.TempDir(), "material")
	w.check(os.WriteFile(path, bytes[:], 0o600))
	w.source = material.Source{File: path}
	w.settings.Guardrails.Imports = remediation.Imports{Source: w.source.String(), ValidFor: 30 * day}
	return bytes[:]
}

// external is a key with imported material, and replicas in other Regions.
func (w *world) external(replicas ...string) string {
	w.Helper()
	arn := w.key(awssim.KeyOptions{
		Aliases: []string{"alias/pay-cards"}, Origin: types.OriginTypeExternal, Replicas: replicas,
		Imported: []awssim.ImportedSecret{{}},
	})
	w.sweep(Inventory)
	return arn
}

// logTo keeps all that is logged.
func logTo(to *bytes.Buffer) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()),
		zapcore.Lock(zapcore.AddSync(to)), zap.DebugLevel))
}

func TestANamedReplicaIsRotatedAtItsPrimaryWithMaterialThatStandsNowhere(t *testing.T) {
	var (
		logged bytes.Buffer
		secret []byte
	)
	w := newWorld(t, func(w *world) {
		w.regions, w.log = []string{elsewhere}, logTo(&logged)
		secret = sourced(w)
	})
	arn := w.external(elsewhere)
	replica := strings.Replace(arn, region, elsewhere, 1)
	plan := w.rotate(replica, false)
	if len(plan.Warnings) != 1 || plan.Warnings[0] != replica+" is a multi-Region replica. Its primary "+arn+
		" in eu-west-1 is rotated, and with it all replicas." {
		t.Errorf("warned: %q", plan.Warnings)
	}
	want := fmt.Sprintf("From file %s, imported into eu-west-1, then us-east-1. It expires at %s: when any material of a "+
		"key does, nothing can be encrypted or decrypted with the key until the same bytes are imported again.",
		w.source.File, plan.Action.Created.Add(30*day).Truncate(time.Second).Format(time.RFC3339))
	if plan.Material != want {
		t.Errorf("material\ngot  %s\nwant %s", plan.Material, want)
	}
	a := w.awaitAction(remediation.Succeeded)
	if a.Method != remediation.ImportedMaterial || a.KeyARN != arn || a.After.OnDemandUsed != 1 {
		t.Errorf("got %+v", a)
	}
	for _, related := range []string{arn, replica} {
		k, _ := w.sim.KMS().Key(related)
		if k.CurrentMaterial() != a.After.Material || len(k.Materials) != 2 {
			t.Errorf("%s has %+v", related, k.Materials)
		}
	}
	told := w.awaitTold("action-succeeded", "Keep the imported bytes")
	w.drained()
	if f := w.found("rotation-unplanned"); f != nil {
		t.Errorf("rotd took its own rotation for somebody else's: %+v", f)
	}
	w.stop()
	kept, err := os.ReadFile(w.path)
	w.check(err)
	for what, text := range map[string][]byte{"state": kept, "log": logged.Bytes(), "alert": []byte(told.Message)} {
		for _, form := range [][]byte{
			secret, []byte(hex.EncodeToString(secret)), []byte(base64.StdEncoding.EncodeToString(secret)[:40]),
		} {
			if bytes.Contains(text, form) {
				t.Errorf("the %s holds the material", what)
			}
		}
		if len(text) == 0 {
			t.Errorf("the %s is empty", what)
		}
	}
}

func TestAPolicyInEnforceImportsMaterialForAKeyThatIsOverdue(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { sourced(w) })
	w.key(awssim.KeyOptions{
		Aliases: []string{"alias/pay-cards"}, Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{}},
		Created: time.Now().Add(-400 * day),
	})
	w.sweep(Inventory)
	if a := w.awaitAction(remediation.Succeeded); a.Method != remediation.ImportedMaterial || !a.Automatic {
		t.Errorf("got %+v", a)
	}
	if w.found("rotation-impossible") != nil {
		t.Error("the key is said not to rotate")
	}
}

func TestAnImportIsRefusedBeforeItBegins(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   string
	}{
		{"without a source", func(*world) {}, "rotd.yaml names no source of new material (imported_material)"},
		{
			"with a replica out of view", func(w *world) { sourced(w) },
			"rotd does not work in its account and Region (accounts in rotd.yaml)",
		},
		{
			"with a replica that has lost its material",
			func(w *world) { sourced(w); w.regions = []string{elsewhere} },
			": it is PendingImport.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, silent, tt.change)
			arn := w.key(awssim.KeyOptions{
				Aliases: []string{"alias/pay-cards"}, MultiRegion: true, Origin: types.OriginTypeExternal,
				Imported: []awssim.ImportedSecret{{}},
			})
			_, err := w.kms(w.engineer).ReplicateKey(t.Context(), &kms.ReplicateKeyInput{
				KeyId: &arn, ReplicaRegion: aws.String(elsewhere), // whose replica waits for its import
			})
			w.check(err)
			w.sweep(Inventory)
			plan := w.rotate("alias/pay-cards", false)
			if plan.Action != nil || !strings.Contains(plan.NoAction, tt.want) ||
				!strings.Contains(plan.NoAction, "aws kms import-key-material --region us-east-1") {
				t.Errorf("got %q, %+v", plan.NoAction, plan.Action)
			}
			if n := len(w.sim.Requests(awssim.OfOperation("GetParametersForImport"))); n != 0 {
				t.Errorf("%d imports begun", n)
			}
		})
	}
}

func TestAReplicaWhosePrimaryIsOutOfViewIsNotRotated(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.regions = []string{elsewhere} })
	arn := w.key(awssim.KeyOptions{MultiRegion: true, Replicas: []string{elsewhere}})
	w.engine.SetPlaces(w.engine.Places()[1:])
	w.sweep(Inventory)
	plan := w.rotate(strings.Replace(arn, region, elsewhere, 1), false)
	if plan.Action != nil || !strings.Contains(plan.NoAction, "Rotate its primary, "+arn) || len(plan.Warnings) != 1 ||
		!strings.Contains(plan.Warnings[0], "rotd does not work where the primary key is") {
		t.Errorf("got %q, %q", plan.NoAction, plan.Warnings)
	}
}

func TestMaterialThatWasImportedByHandIsRotatedTo(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.external()
	w.check(w.sim.KMS().AddImported(arn, time.Time{}))
	plan := w.rotate("alias/pay-cards", false)
	if plan.Action == nil || plan.Action.Method != remediation.NewMaterial || plan.Material != "" {
		t.Fatalf("got %q, %+v", plan.NoAction, plan.Action)
	}
	a := w.awaitAction(remediation.Succeeded)
	if k, _ := w.sim.KMS().Key(arn); k.CurrentMaterial() != a.After.Material || len(k.Materials) != 2 {
		t.Errorf("got %+v", a)
	}
}
