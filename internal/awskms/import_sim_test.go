package awskms

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
	"rotd/internal/inventory"
	"rotd/internal/material"
	"rotd/internal/remediation"
)

const elsewhere = "us-east-1"

// bytesFor is a source of random bytes, the same for the same material. It notes every run in the file it returns.
func bytesFor(t *testing.T) (source material.Source, runs string) {
	dir := t.TempDir()
	runs = filepath.Join(dir, "runs")
	script := `echo "$ROTD_MATERIAL" >> ` + runs + `; cd ` + dir +
		`; [ -f "$ROTD_MATERIAL" ] || head -c 32 /dev/urandom > "$ROTD_MATERIAL"; cat "$ROTD_MATERIAL"`
	return material.Source{Command: []string{"/bin/sh", "-c", script}}, runs
}

// importing plans a rotation to new imported material.
func (w *world) importing(arn string, validFor time.Duration) remediation.Action {
	w.t.Helper()
	key, err := w.client().ReadRotation(w.t.Context(), &inventory.Key{ARN: arn})
	if err != nil {
		w.t.Fatal(err)
	}
	g := remediation.Guardrails{Imports: remediation.Imports{Source: "a command", ValidFor: validFor}}
	why := remediation.Why{Want: remediation.WantMaterial, Requester: remediation.Who{Name: "kim"}, Reason: "test"}
	a, ok, reason := g.Plan(key, nil, why, time.Now().UTC())
	if !ok {
		w.t.Fatal(reason)
	}
	a.ID = "act_01JPK00000000000000000BBBB"
	return a
}

func TestImportedMaterialIsRotatedTo(t *testing.T) {
	cut := func(operation string, when awssim.When) *awssim.Fault {
		return &awssim.Fault{Operation: operation, When: when, Times: 1, DropConnection: true}
	}
	tests := []struct {
		name     string
		fault    *awssim.Fault
		replicas []string
		validFor time.Duration
	}{
		{name: "undisturbed"},
		{name: "with a date of expiry", validFor: 30 * 24 * time.Hour},
		{name: "with as late an expiry as KMS allows", validFor: 365 * 24 * time.Hour},
		{name: "in the primary key and its replica", replicas: []string{elsewhere}},
		{name: "though the wrapping key's answer is lost", fault: cut("GetParametersForImport", awssim.AfterEffect)},
		{name: "though the import is lost", fault: cut("ImportKeyMaterial", awssim.BeforeEffect)},
		{name: "though the import's answer is lost", fault: cut("ImportKeyMaterial", awssim.AfterEffect)},
		{
			name: "though the answer about the replica is lost", replicas: []string{elsewhere},
			fault: &awssim.Fault{
				Operation: "ImportKeyMaterial", Nth: 2, Times: 1, When: awssim.AfterEffect, DropConnection: true,
			},
		},
		{name: "though KMS throttles imports", fault: &awssim.Fault{
			Operation: "ImportKeyMaterial", Times: 2, Err: &awssim.APIError{Code: "ThrottlingException"},
		}},
		{name: "though an import token is too old", fault: &awssim.Fault{
			Operation: "ImportKeyMaterial", Times: 1, Err: &awssim.APIError{Code: "ExpiredImportTokenException"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.source, _ = bytesFor(t)
			arn := w.key(awssim.KeyOptions{
				Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{}}, Replicas: tt.replicas,
			})
			a := w.importing(arn, tt.validFor)
			if tt.fault != nil {
				w.sim.Plan(*tt.fault)
			}
			a = w.drive(a, nil)
			if a.State != remediation.Succeeded || a.After.OnDemandUsed != 1 || a.After.Material == a.Before.Material {
				t.Fatalf("%s: %s (%s)", a.State, a.Outcome, a.LastError)
			}
			if n := len(w.sim.EffectsOf("ImportKeyMaterial")); n != 1+len(tt.replicas) {
				t.Errorf("%d imports", n)
			}
			for _, region := range append([]string{region}, tt.replicas...) {
				k, _ := w.sim.KMS().Key(strings.Replace(arn, "eu-west-1", region, 1))
				m := k.Materials[len(k.Materials)-1]
				if k.CurrentMaterial() != a.After.Material || len(k.Materials) != 2 || !m.Imported {
					t.Errorf("in %s the key has %+v", region, k.Materials)
				}
				if want := a.Expires(); (want == nil) != m.ValidTo.IsZero() || want != nil && !m.ValidTo.Equal(*want) {
					t.Errorf("in %s the material expires at %s, wanted %v", region, m.ValidTo, want)
				}
			}
		})
	}
}

func TestAnImportThatCannotBeMadeSaysWhy(t *testing.T) {
	const (
		unchanged = " Not done: new material imported; new key material."
		first     = "rotd has no key material to import: command /bin/sh "
	)
	shell := func(script string) material.Source {
		return material.Source{Command: []string{"/bin/sh", "-c", script}}
	}
	same, _ := bytesFor(t)
	tests := []struct {
		name     string
		source   material.Source
		replicas []string
		prepare  func(*world)
		want     string
	}{
		{
			name: "a command that fails", source: shell("exit 3"),
			want: first + "failed: exit status 3. Nothing was changed." + unchanged,
		},
		{
			name: "material of the wrong length", source: shell("head -c 31 /dev/urandom"),
			want: first + "gave 31 bytes; key material is exactly 32 raw bytes, with no line end after them and not as base64 " +
				"or hexadecimal text. Nothing was changed." + unchanged,
		},
		{
			name: "no permission to ask for a wrapping key", source: same,
			prepare: func(w *world) {
				w.sim.KMS().Deny(awssim.KMSDenial{Operation: "GetParametersForImport"})
			},
			want: "KMS refuses rotd the call. Let rotd's role call kms:GetParametersForImport and kms:ImportKeyMaterial, in " +
				"IAM and in the key policy. Nothing was changed." + unchanged,
		},
		{
			name: "other bytes for the replica", source: shell("head -c 32 /dev/urandom"), replicas: []string{elsewhere},
			want: "KMS did not take the material for REPLICA: it is not what was imported first. The source " +
				"(imported_material) must give the same bytes for the same ROTD_MATERIAL. When it does, rotd rotate goes on. " +
				"Done: new material imported. Not done: the same material imported into us-east-1; new key material.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.source = tt.source
			arn := w.key(awssim.KeyOptions{
				Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{}}, Replicas: tt.replicas,
			})
			a := w.importing(arn, 0)
			if tt.prepare != nil {
				tt.prepare(w)
			}
			a = w.drive(a, nil)
			want := strings.Replace(tt.want, "REPLICA", strings.Replace(arn, region, elsewhere, 1), 1)
			if a.State != remediation.Failed || a.Outcome != want {
				t.Errorf("%s\ngot  %s\nwant %s", a.State, a.Outcome, want)
			}
			if n := len(w.sim.EffectsOf("RotateKeyOnDemand")); n != 0 {
				t.Errorf("%d rotations", n)
			}
		})
	}
}

func TestMaterialThatTheKeyHadBeforeIsNotTaken(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "bytes")
	if err := os.WriteFile(path, []byte("\x00234567890123456789012345678901\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.source = material.Source{File: path}
	arn := w.key(awssim.KeyOptions{Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{}}})
	if a := w.drive(w.importing(arn, 0), nil); a.State != remediation.Succeeded {
		t.Fatalf("%s: %s", a.State, a.Outcome)
	}
	again := w.importing(arn, 0)
	again.Emergency = true // so soon after the other
	a := w.drive(again, nil)
	want := "KMS did not take the material: the key had it before. The source (imported_material) must give new bytes " +
		"for every ROTD_MATERIAL. Nothing was changed. Not done: new material imported; new key material."
	if a.State != remediation.Failed || a.Outcome != want {
		t.Errorf("%s\ngot  %s\nwant %s", a.State, a.Outcome, want)
	}
}

// What an action could not finish, the next one does: the source gives the same bytes while the key is as it was.
func TestTheNextActionGoesOnWithAnImport(t *testing.T) {
	w := newWorld(t)
	source, runs := bytesFor(t)
	w.source = source
	arn := w.key(awssim.KeyOptions{
		Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{}}, Replicas: []string{elsewhere},
	})
	denied := w.sim.Plan(awssim.Fault{
		Operation: "ImportKeyMaterial", Nth: 2, Times: 1, Err: &awssim.APIError{Code: "AccessDeniedException"},
	})
	a := w.drive(w.importing(arn, 0), nil)
	if a.State != remediation.Failed || denied.Fired() != 1 {
		t.Fatalf("%s: %s", a.State, a.Outcome)
	}
	next := w.importing(arn, 0)
	next.ID = "act_01JPK00000000000000000CCCC"
	if a = w.drive(next, nil); a.State != remediation.Succeeded || a.Calls[0].Skipped == "" {
		t.Fatalf("%s: %s", a.State, a.Outcome)
	}
	ran, err := os.ReadFile(runs)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Fields(string(ran)); len(lines) != 3 || lines[0] != lines[2] {
		t.Errorf("the command was asked for %v", lines)
	}
}
