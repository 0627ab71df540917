package awssim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// role is a session of a role, as STS hands it out.
func (w *world) role(account string) Principal {
	p := Principal{
		AccessKeyID: "ASIAEXAMPLEROTD00001", SecretAccessKey: "secret", SessionToken: "token", Account: account,
		ARN: "arn:aws:sts::" + account + ":assumed-role/rotd/i-0abc", Type: "AssumedRole",
		SessionIssuerARN: "arn:aws:iam::" + account + ":role/rotd", SessionName: "i-0abc",
		PrincipalID: "AROAEXAMPLEROTD00001:i-0abc", SourceIP: "192.0.2.7",
	}
	w.AddPrincipal(p)
	return p
}

// last is the newest record of that name.
func (w *world) last(name string) Record {
	w.t.Helper()
	for _, r := range slices.Backward(w.Records()) {
		if r.EventName == name {
			return r
		}
	}
	w.t.Fatalf("no record of %s", name)
	return Record{}
}

// TestRecordsAreAsCloudTrailWritesThem holds one record of each kind against its golden file. Ids and whatever else
// differs from run to run are replaced by what they are.
func TestRecordsAreAsCloudTrailWritesThem(t *testing.T) {
	w := newWorld(t)
	w.alice.SourceIP = "192.0.2.1"
	w.AddPrincipal(w.alice)
	client := w.kms
	session := w.client(w.role(home), east)
	key := w.key(KeyOptions{ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Aliases: []string{"alias/pay"}})
	other := w.key(KeyOptions{ID: "0987dcba-09fe-87dc-65ba-ab0987654321"})
	disabled := w.key(KeyOptions{ID: "dddddddd-12ab-34cd-56ef-1234567890ab", State: types.KeyStateDisabled})
	context := map[string]string{"Department": "Engineering"}
	blob, err := client.Encrypt(ctx(), &kms.EncryptInput{
		KeyId: new("alias/pay"), Plaintext: []byte("secret"), EncryptionContext: context,
	})
	w.want(err, "")

	tests := []struct {
		file, event string
		call        func() error
		code        string
	}{
		{"encrypt-by-alias", "Encrypt", func() error { return nil }, ""},
		{"decrypt-without-key", "Decrypt", func() error {
			in := &kms.DecryptInput{CiphertextBlob: blob.CiphertextBlob, EncryptionContext: context}
			_, err := client.Decrypt(ctx(), in)
			return err
		}, ""},
		{"generate-data-key-by-role", "GenerateDataKey", func() error {
			in := &kms.GenerateDataKeyInput{KeyId: &key, NumberOfBytes: new(int32(32))}
			_, err := session.GenerateDataKey(ctx(), in)
			return err
		}, ""},
		{"reencrypt", "ReEncrypt", func() error {
			_, err := client.ReEncrypt(ctx(), &kms.ReEncryptInput{
				CiphertextBlob: blob.CiphertextBlob, SourceEncryptionContext: context, DestinationKeyId: &other,
			})
			return err
		}, ""},
		{"update-alias", "UpdateAlias", func() error {
			_, err := client.UpdateAlias(ctx(), &kms.UpdateAliasInput{AliasName: new("alias/pay"), TargetKeyId: &other})
			return err
		}, ""},
		{"schedule-key-deletion", "ScheduleKeyDeletion", func() error {
			_, err := w.schedule(disabled, 7)
			return err
		}, ""},
		{"create-key", "CreateKey", func() error {
			_, err := client.CreateKey(ctx(), &kms.CreateKeyInput{
				Tags: []types.Tag{{TagKey: new("team"), TagValue: new("payments")}},
			})
			return err
		}, ""},
		{"disable-key-rotation", "DisableKeyRotation", func() error {
			_, err := client.DisableKeyRotation(ctx(), &kms.DisableKeyRotationInput{KeyId: &key})
			return err
		}, ""},
		{"put-key-policy", "PutKeyPolicy", func() error {
			in := &kms.PutKeyPolicyInput{KeyId: &key, Policy: new(defaultKeyPolicy(east, home))}
			_, err := client.PutKeyPolicy(ctx(), in)
			return err
		}, ""},
		{"list-aliases", "ListAliases", func() error {
			_, err := client.ListAliases(ctx(), &kms.ListAliasesInput{})
			return err
		}, ""},
		{"rotate-key-on-demand", "RotateKeyOnDemand", func() error { return w.rotate(key) }, ""},
		{"rotate-key", "RotateKey", func() error {
			w.Clock().Advance(time.Second)
			return nil
		}, ""},
		{"encrypt-pending-deletion", "Encrypt", func() error {
			_, err := client.Encrypt(ctx(), &kms.EncryptInput{KeyId: &disabled, Plaintext: []byte("x")})
			return err
		}, "KMSInvalidStateException"},
		{"enable-rotation-denied", "EnableKeyRotation", func() error {
			w.KMS().Deny(KMSDenial{Key: other})
			return w.enable(other, 90)
		}, "AccessDeniedException"},
		{"delete-key", "DeleteKey", func() error {
			w.Clock().Advance(days(7))
			return nil
		}, ""},
	}
	for _, tt := range tests {
		if got := errorCode(tt.call()); got != tt.code {
			t.Fatalf("%s: code %q, want %q", tt.file, got, tt.code)
		}
		golden(t, tt.file, w.anonymous(w.last(tt.event)))
	}
}

// anonymous is a record as JSON, with what is random replaced.
func (w *world) anonymous(r Record) string {
	w.t.Helper()
	r.EventID = "(event id)"
	if r.RequestID != "" {
		r.RequestID = "(request id)"
	}
	if strings.HasPrefix(r.UserAgent, "aws-sdk-go-v2/") {
		r.UserAgent = "(agent)"
	}
	raw, err := json.Marshal(r, json.Deterministic(true), json.FormatNilMapAsNull(true), jsontext.WithIndent("  "))
	if err != nil {
		w.t.Fatal(err)
	}
	replace := []string{
		w.alice.AccessKeyID, "AKIAEXAMPLEALICE0001", w.alice.PrincipalID, "AIDAEXAMPLEALICE0001",
	}
	for _, arn := range w.KMS().Keys(home, east) {
		key := w.truth(arn)
		name := key.ID[:4]
		if r.EventName == "CreateKey" {
			name = "the key"
			replace = append(replace, key.ID, "(key id)")
		}
		for i, m := range key.Materials {
			replace = append(replace, m.ID, fmt.Sprintf("(material %d of %s)", i+1, name))
		}
	}
	return strings.NewReplacer(replace...).Replace(string(raw)) + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "cloudtrail", name+".json")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got):\n%s", path, diff)
	}
}

func TestARecordHasTheRequestIDTheSDKSaw(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	out, err := w.kms.DescribeKey(ctx(), &kms.DescribeKeyInput{KeyId: &arn})
	w.want(err, "")
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	if got := w.last("DescribeKey").RequestID; got != id || id == "" {
		t.Errorf("request id %q in the record, %q at the SDK", got, id)
	}
}

func TestUseAcrossAccountsIsToldToBothUnlessRefused(t *testing.T) {
	w := newWorld(t)
	shared := w.key(KeyOptions{Account: elsewhere, Policy: `{"Statement":[{"Effect":"Allow",` +
		`"Principal":{"AWS":"` + home + `"},"Action":["kms:Encrypt","kms:Describe*"]}]}`})
	_, err := w.kms.Encrypt(ctx(), &kms.EncryptInput{KeyId: &shared, Plaintext: []byte("x")})
	w.want(err, "")
	records := w.Records()
	if len(records) != 2 {
		t.Fatalf("%d records, want 2", len(records))
	}
	ours, theirs := records[0], records[1]
	if ours.RecipientAccountID != home || theirs.RecipientAccountID != elsewhere ||
		ours.SharedEventID != theirs.SharedEventID || ours.SharedEventID == "" || ours.EventID == theirs.EventID {
		t.Errorf("records %+v and %+v, want one for each account under one shared id", ours, theirs)
	}
	want := &UserIdentity{Type: "AWSAccount", PrincipalID: w.alice.PrincipalID, AccountID: home}
	if diff := cmp.Diff(want, theirs.UserIdentity); diff != "" {
		t.Errorf("identity in the owner's trail (-want +got):\n%s", diff)
	}

	_, err = w.kms.GenerateDataKey(ctx(), &kms.GenerateDataKeyInput{KeyId: &shared, NumberOfBytes: new(int32(32))})
	w.want(err, "AccessDeniedException")
	records = w.Records()
	refused := records[len(records)-1]
	if len(records) != 3 || refused.RecipientAccountID != home || refused.ErrorCode != "AccessDenied" ||
		refused.Resources != nil || refused.RequestParameters != nil {
		t.Errorf("%d records, the last %+v, want only the caller's, naming no key", len(records), refused)
	}
}

func TestARefusalByIAMPolicyIsRecordedToo(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	reader := w.NewAccessKey(home, "reader", "kms:DescribeKey")
	_, err := w.client(reader, east).DisableKey(ctx(), &kms.DisableKeyInput{KeyId: &arn})
	w.want(err, "AccessDeniedException")
	if r := w.last("DisableKey"); r.ErrorCode != "AccessDenied" || r.UserIdentity.UserName != "reader" || r.ReadOnly {
		t.Errorf("record %+v, want reader's refused write", r)
	}
}

func TestAnAnswerLostAfterTheEffectIsRecordedAsDone(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	w.Plan(Fault{Operation: "RotateKeyOnDemand", When: AfterEffect, DropConnection: true, Times: 1})
	if err := w.rotate(arn); err == nil {
		t.Fatal("the answer arrived")
	}
	if r := w.last("RotateKeyOnDemand"); r.ErrorCode != "" || w.truth(arn).OnDemandUsed != 1 {
		t.Errorf("record %+v, want a success, and one rotation begun", r)
	}
}

func TestARuleGetsWhatEventBridgeWouldDeliver(t *testing.T) {
	tests := []struct {
		name string
		rule EventRule
		want []string // detail-type and, where there is one, the record's event
	}{
		{"writes and service events", EventRule{}, []string{
			"AWS API Call via CloudTrail RotateKeyOnDemand", "AWS Service Event via CloudTrail RotateKey",
		}},
		{"reads too with all management events", EventRule{ReadOnly: true}, []string{
			"AWS API Call via CloudTrail Encrypt", "AWS API Call via CloudTrail RotateKeyOnDemand",
			"AWS Service Event via CloudTrail RotateKey",
		}},
		{"native events", EventRule{Native: true}, []string{
			"AWS API Call via CloudTrail RotateKeyOnDemand", "AWS Service Event via CloudTrail RotateKey",
			"KMS CMK Rotation ",
		}},
		{"nothing of other accounts", EventRule{Accounts: []string{elsewhere}}, nil},
		{"nothing of other Regions", EventRule{Regions: []string{west}}, nil},
		{"duplicates", EventRule{Duplicates: 1}, []string{
			"AWS API Call via CloudTrail RotateKeyOnDemand", "AWS API Call via CloudTrail RotateKeyOnDemand",
			"AWS Service Event via CloudTrail RotateKey", "AWS Service Event via CloudTrail RotateKey",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			drain := w.queue(tt.rule)
			arn := w.key(KeyOptions{})
			w.encrypt(arn, "secret", nil)
			w.want(w.rotate(arn), "")
			w.Clock().Advance(time.Second)
			var got []string
			for _, e := range drain() {
				detail, _ := e["detail"].(map[string]any)
				name, _ := detail["eventName"].(string)
				kind, _ := e["detail-type"].(string)
				got = append(got, kind+" "+name)
				if e["source"] != "aws.kms" || e["version"] != "0" || e["account"] != home || e["region"] != east {
					t.Errorf("envelope %v", e)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheNativeEventTellsTheRotationItsServiceEventTells(t *testing.T) {
	w := newWorld(t)
	drain := w.queue(EventRule{Native: true})
	arn := w.key(KeyOptions{RotationPeriod: 90})
	first := *w.metadata(arn).CurrentKeyMaterialId
	w.Clock().Advance(days(90))
	second := *w.metadata(arn).CurrentKeyMaterialId
	events := drain()
	if len(events) != 2 {
		t.Fatalf("%d events, want the service event and the native one", len(events))
	}
	native := events[1]
	delete(native, "id")
	want := map[string]any{
		"version": "0", "detail-type": "KMS CMK Rotation", "source": "aws.kms", "account": home, "region": east,
		"time": "2027-01-31T09:00:00Z", "resources": []any{arn}, "detail": map[string]any{
			"key-id": w.truth(arn).ID, "key-origin": "AWS_KMS", "rotation-type": "AUTOMATIC",
			"previous-key-material-id": first, "current-key-material-id": second,
		},
	}
	if diff := cmp.Diff(want, native); diff != "" {
		t.Errorf("native event (-want +got):\n%s", diff)
	}
	details := w.last("RotateKey").ServiceEventDetails
	if details["currentKeyMaterialId"] != second || details["rotationType"] != "AUTOMATIC" {
		t.Errorf("service event details %v, want the same rotation", details)
	}
}

func TestEventsComeLateAsTheRuleSays(t *testing.T) {
	w := newWorld(t)
	drain := w.queue(EventRule{Delay: time.Minute, Jitter: time.Minute})
	arn := w.key(KeyOptions{})
	w.want(w.enable(arn, 90), "")
	if got := drain(); len(got) != 0 {
		t.Fatalf("%d events at once, want 0", len(got))
	}
	w.Clock().Advance(2 * time.Minute)
	if got := drain(); len(got) != 1 {
		t.Fatalf("%d events after two minutes, want 1", len(got))
	}
}

func TestAnyRecordCanBeEmitted(t *testing.T) {
	w := newWorld(t)
	drain := w.queue(EventRule{Sources: []string{"aws.cloudtrail"}})
	id := w.EmitRecord(Record{
		EventSource: "cloudtrail.amazonaws.com", EventName: "PutEventSelectors", AWSRegion: east,
		RecipientAccountID: home, UserIdentity: w.alice.identity(w.Clock().Now()),
		RequestParameters: map[string]any{"trailName": "main"},
	})
	events := drain()
	if len(events) != 1 || events[0]["source"] != "aws.cloudtrail" {
		t.Fatalf("events %v, want one of CloudTrail", events)
	}
	detail, _ := events[0]["detail"].(map[string]any)
	if detail["eventID"] != id || detail["eventVersion"] != "1.11" || detail["responseElements"] != nil ||
		detail["eventCategory"] != "Management" || detail["eventTime"] != "2026-11-02T09:00:00Z" {
		t.Errorf("record %v, want what every record has", detail)
	}
}

func TestAReplicaIsRecordedInBothRegions(t *testing.T) {
	w := newWorld(t)
	primary := w.key(KeyOptions{MultiRegion: true})
	_, err := w.kms.ReplicateKey(ctx(), &kms.ReplicateKeyInput{KeyId: &primary, ReplicaRegion: new(west)})
	w.want(err, "")
	if r := w.last("ReplicateKey"); r.AWSRegion != east || r.Resources[0].ARN != primary {
		t.Errorf("record %+v, want ReplicateKey in the primary's Region", r)
	}
	if r := w.last("CreateKey"); r.AWSRegion != west || r.UserIdentity.UserName != "alice" {
		t.Errorf("record %+v, want the replica's CreateKey in its Region", r)
	}
}
