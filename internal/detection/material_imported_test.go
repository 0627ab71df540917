package detection

import "testing"

func importing(parameters object) object {
	parameters["keyId"] = payARN
	return record("ImportKeyMaterial", asking(parameters))
}

func TestMaterialImported(t *testing.T) {
	const title = "Key material was imported"
	testRule(t, materialImported(), []ruleTest{
		{
			name: "new material that expires", events: []object{importing(object{
				"importType": "NEW_KEY_MATERIAL", "expirationModel": "KEY_MATERIAL_EXPIRES",
				"validTo": "Nov 27, 2026, 12:00:00 PM",
			})},
			want: []string{"MEDIUM " + title},
			says: []string{
				adminARN + " imported key material into alias/payments. It is new to the key.",
				`KMS deletes it by itself (the record says: "Nov 27, 2026, 12:00:00 PM")`,
				"aws kms list-key-rotations --key-id " + payARN,
			},
		},
		{
			name: "the same material again, for good", events: []object{importing(object{
				"importType": "EXISTING_KEY_MATERIAL", "expirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
			})},
			want: []string{"MEDIUM " + title}, says: []string{"The key had it before. It does not expire."},
		},
		{
			name: "an old record that says no more", events: []object{record("ImportKeyMaterial")},
			want: []string{"MEDIUM " + title}, says: []string{"into alias/payments. Whoever made it"},
		},
		{
			name: "rotd rotates the key by its plan", world: func(w *world) { w.own = true },
			events: []object{importing(object{"importType": "NEW_KEY_MATERIAL"})}, want: []string{"LOW expected " + title},
		},
		{
			name: "a custodian whom the policy allows", events: []object{record("ImportKeyMaterial", by("pay-custodian"))},
			want: []string{"LOW expected " + title}, says: []string{"policy payments allows this principal"},
		},
		{
			name: "a key that nobody knows", world: func(w *world) { w.keys = nil },
			events: []object{record("ImportKeyMaterial", by("pay-custodian"))}, want: []string{"MEDIUM " + title},
		},
		{name: "refused", events: []object{record("ImportKeyMaterial", failing("AccessDenied"))}},
		{name: "other bytes than before", events: []object{record("ImportKeyMaterial",
			failing("IncorrectKeyMaterialException"))}},
		{name: "prepared only", events: []object{record("GetParametersForImport")}},
		{name: "deleted", events: []object{record("DeleteImportedKeyMaterial")}},
	})
}

func TestExternalOriginKeyCreated(t *testing.T) {
	const title = "A key was created whose material KMS does not hold alone"
	create := func(origin string, more ...object) object {
		given := append([]object{asking(object{"origin": origin}), {
			"responseElements": object{"keyMetadata": object{"arn": otherARN, "origin": origin}}, "resources": nil,
		}}, more...)
		return record("CreateKey", given...)
	}
	testRule(t, externalOriginKeyCreated(), []ruleTest{
		{
			name: "for imported material", events: []object{create("EXTERNAL")}, want: []string{"HIGH " + title},
			says: []string{
				adminARN + " created " + otherARN + " with origin EXTERNAL. Its material is imported",
				"aws kms disable-key --key-id " + otherARN + " --region eu-west-1",
			},
		},
		{
			name: "in an external key store", events: []object{create("EXTERNAL_KEY_STORE")},
			want: []string{"HIGH " + title}, says: []string{"outside of AWS"},
		},
		{
			name: "in CloudHSM", events: []object{create("AWS_CLOUDHSM")}, want: []string{"HIGH " + title},
			says: []string{"CloudHSM cluster"},
		},
		{
			name: "the request is left out", events: []object{create("EXTERNAL", asking(nil))},
			want: []string{"HIGH " + title},
		},
		{
			name: "the answer is left out", events: []object{create("EXTERNAL", object{"responseElements": nil})},
			want: []string{"HIGH " + title}, says: []string{"created a key that the event does not name"},
		},
		{
			name: "rotd replaces one of its kind", world: func(w *world) { w.own = true },
			events: []object{create("AWS_CLOUDHSM")}, want: []string{"INFORMATIONAL expected " + title},
		},
		{name: "by KMS", events: []object{create("AWS_KMS")}},
		{name: "by KMS, as nobody says", events: []object{record("CreateKey", asking(object{}))}},
		{name: "an origin that KMS does not have", events: []object{create("external")}},
		{name: "refused", events: []object{create("EXTERNAL", failing("AccessDenied"))}},
		{name: "a replica of one", events: []object{record("ReplicateKey", asking(object{"origin": "EXTERNAL"}))}},
	})
}
