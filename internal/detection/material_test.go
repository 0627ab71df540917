package detection

import (
	"testing"
	"time"

	"rotd/internal/finding"
)

func TestMaterialDeleted(t *testing.T) {
	const title, tried = "Imported key material was deleted", "Somebody tried to delete imported key material"
	testRule(t, materialDeleted(), []ruleTest{
		{
			name: "deleted", events: []object{record("DeleteImportedKeyMaterial")}, want: []string{"HIGH " + title},
			says: []string{"aws kms import-key-material --key-id " + payARN},
		},
		{
			name: "refused", events: []object{record("DeleteImportedKeyMaterial", failing("AccessDenied"))},
			want: []string{"HIGH " + tried}, says: []string{"was refused"},
		},
		{
			name: "refused, and the record names no key",
			events: []object{record("DeleteImportedKeyMaterial", failing("AccessDeniedException"),
				object{"resources": nil, "requestParameters": nil})},
			want: []string{"HIGH " + tried}, says: []string{"a key that the event does not name"},
		},
		{
			name: "rotd itself", world: func(w *world) { w.own = true },
			events: []object{record("DeleteImportedKeyMaterial")}, want: []string{"INFORMATIONAL expected " + title},
		},
		{name: "the key has none", events: []object{record("DeleteImportedKeyMaterial",
			failing("UnsupportedOperationException"))}},
		{name: "no such key", events: []object{record("DeleteImportedKeyMaterial", failing("NotFoundException"))}},
		{name: "imported", events: []object{record("ImportKeyMaterial")}},
	})
}

func TestMaterialDeletedIsOver(t *testing.T) {
	testOver(t, materialDeleted(), record("DeleteImportedKeyMaterial"), []overTest{
		{"imported again", inState("Enabled", time.Minute), "KMS shows the key enabled, with its material"},
		{"waiting for an import", inState("PendingImport", time.Minute), ""},
		{"read before", inState("Enabled", -time.Minute), ""},
	})
	t.Run("a refused attempt", func(t *testing.T) {
		testOver(t, materialDeleted(), record("DeleteImportedKeyMaterial", failing("AccessDenied")), []overTest{
			{"the key works as ever", inState("Enabled", time.Minute), ""},
		})
	})
}

func TestMaterialExpired(t *testing.T) {
	testRule(t, materialExpired(), []ruleTest{
		{
			name: "expired", events: []object{record("DeleteExpiredKeyMaterial", byKMS())},
			want: []string{"CRITICAL Imported key material expired"},
			says: []string{"KMS deleted expired imported material of"},
		},
		{
			name:   "of a key that is not known",
			world:  func(w *world) { w.keys = nil },
			events: []object{record("DeleteExpiredKeyMaterial", byKMS())},
			want:   []string{"CRITICAL Imported key material expired"},
		},
		{name: "no service event", events: []object{record("DeleteExpiredKeyMaterial")}},
		{name: "deleted by a person", events: []object{record("DeleteImportedKeyMaterial")}},
		{name: "a rotation", events: []object{record("RotateKey", byKMS())}},
	})
}

func TestSeverityIsNeverBelowWhatTheRuleGives(t *testing.T) {
	r := materialExpired()
	f := r.finish(newWorld().context(), decode(t, record("DeleteExpiredKeyMaterial")), &Found{Severity: finding.Low})
	if f.Severity != finding.Critical {
		t.Errorf("severity %s", f.Severity)
	}
}
