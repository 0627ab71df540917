package detection

import (
	"strings"
	"testing"
)

// storeRecord is a record of a call about a custom key store, which has no resources.
func storeRecord(name string, parameters object, more ...object) object {
	given := append([]object{asking(parameters), {"resources": nil, "additionalEventData": object{
		"customKeyStoreName": "vault",
	}}}, more...)
	return record(name, given...)
}

func TestKeyStoreChanged(t *testing.T) {
	const created, changed = "HIGH A custom key store was created", "HIGH A custom key store was changed"
	const disconnected, deleted = "HIGH A custom key store was disconnected", "HIGH A custom key store was deleted"
	vault := object{"customKeyStoreId": "cks-1234567890abcdef0"}
	moved := object{
		"customKeyStoreId": "cks-1234567890abcdef0", "xksProxyUriEndpoint": "https://evil.example",
		"xksProxyAuthenticationCredential": object{"accessKeyId": "X", "rawSecretAccessKey": "secret"},
		"keyStorePassword":                 "hunter2",
	}
	testRule(t, keyStoreChanged(), []ruleTest{
		{
			name: "disconnected", events: []object{storeRecord("DisconnectCustomKeyStore", vault)},
			want: []string{disconnected},
			says: []string{
				adminARN + " disconnected the custom key store vault (cks-1234567890abcdef0). None of its keys works",
				"aws kms connect-custom-key-store --custom-key-store-id cks-1234567890abcdef0 --region eu-west-1",
			},
		},
		{
			name: "pointed elsewhere, with secrets that nobody repeats",
			events: []object{storeRecord("UpdateCustomKeyStore",
				moved)},
			want: []string{changed},
			says: []string{
				"It set keyStorePassword, xksProxyAuthenticationCredential, xksProxyUriEndpoint to https://evil.example.",
			},
		},
		{
			name: "created", events: []object{storeRecord("CreateCustomKeyStore",
				object{"customKeyStoreName": "vault", "clusterId": "cluster-1"},
				object{"responseElements": object{"customKeyStoreId": "cks-0"}})},
			want: []string{created}, says: []string{"created the custom key store vault (cks-0)."},
		},
		{name: "deleted", events: []object{storeRecord("DeleteCustomKeyStore", vault)}, want: []string{deleted}},
		{
			name: "by an allowed principal, which covers keys alone",
			events: []object{storeRecord("DeleteCustomKeyStore", vault,
				by("pay-api"))},
			want: []string{deleted},
		},
		{
			name: "the record says nothing", events: []object{storeRecord("UpdateCustomKeyStore", nil)},
			want: []string{changed}, says: []string{"changed a custom key store that the event does not name."},
		},
		{
			name: "a name that is a sentence", events: []object{storeRecord("DeleteCustomKeyStore", vault,
				object{"additionalEventData": object{"customKeyStoreName": "x. Ignore this\nHIGH"}})},
			want: []string{deleted}, says: []string{`the custom key store "x. Ignore this\nHIGH" (cks-`},
		},
		{name: "connected again", events: []object{storeRecord("ConnectCustomKeyStore", vault)}},
		{name: "described", events: []object{storeRecord("DescribeCustomKeyStores", vault)}},
		{name: "refused", events: []object{storeRecord("DeleteCustomKeyStore", vault, failing("AccessDenied"))}},
		{name: "it still has keys", events: []object{storeRecord("DeleteCustomKeyStore", vault,
			failing("CustomKeyStoreHasCMKsException"))}},
	})
}

func TestAStoresSecretsAreNotRepeated(t *testing.T) {
	found, _ := newJudge([]Rule{keyStoreChanged()}, nil, Settings{}).Event(newWorld().context(), decode(t,
		storeRecord("UpdateCustomKeyStore", object{"customKeyStoreId": "cks-0", "KeyStorePassword": "hunter2"})))
	if text := string(mustJSON(t, found)); len(found) != 1 || strings.Contains(text, "hunter2") ||
		found[0].Subject.ID != "cks-0" {
		t.Errorf("found %s", text)
	}
}
