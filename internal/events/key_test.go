package events

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decodeOne(t testing.TB, body string) Event {
	t.Helper()
	c, err := NewDecoder(nil).Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Events) != 1 {
		t.Fatalf("%d events, want 1", len(c.Events))
	}
	return c.Events[0]
}

func TestKeyIsResolvedInOrder(t *testing.T) {
	const (
		aliasARN  = "arn:aws:kms:eu-west-1:111122223333:alias/ledger"
		foreign   = "arn:aws-cn:kms:cn-north-1:444455556666:key/11112222-3333-4444-5555-666677778888"
		resource  = `{"ARN":"` + testKey + `","accountId":"111122223333","type":"AWS::KMS::Key"}`
		resource2 = `{"ARN":"` + testKey2 + `","accountId":"111122223333"}`
		aliasRes  = `{"ARN":"` + aliasARN + `","type":"AWS::KMS::Key"}`
		here      = `,"awsRegion":"eu-west-1","userIdentity":{"accountId":"111122223333"}`
	)
	type keys struct {
		Key, Target KeyRef
		Alias       string
	}
	byARN := func(arn string) keys { return keys{Key: KeyRef{ARN: arn}} }
	for _, test := range []struct {
		name, event, extra string
		want               keys
	}{
		{"a resource first of all", "Decrypt", here + `,"resources":[` + resource + `],"requestParameters":{"keyId":"` +
			testKey2 + `"},"responseElements":{"keyId":"` + foreign + `"}`, byARN(testKey)},
		{"a resource without a type", "Decrypt", `,"resources":[` + resource2 + `]`, byARN(testKey2)},
		{
			"a resource that is an alias typed as a key is none", "CreateAlias",
			here + `,"resources":[` + aliasRes + `,` + resource + `],"requestParameters":{"aliasName":"alias/ledger",` +
				`"targetKeyId":"7d3c1c52-0e5b-4a57-8f0a-3f9b0c1d2e3f"}`,
			keys{Key: KeyRef{ARN: testKey}, Alias: "alias/ledger"},
		},
		{"the answer before the request", "ScheduleKeyDeletion", here + `,"responseElements":{"keyId":"` + testKey +
			`"},"requestParameters":{"keyId":"` + testKey2 + `"}`, byARN(testKey)},
		{
			"the request's key ARN of another partition", "Decrypt", here + `,"requestParameters":{"keyId":"` + foreign + `"}`,
			byARN(foreign),
		},
		{
			"the request's bare id in the caller's account", "DisableKey",
			here + `,"requestParameters":{"keyId":"mrk-1f2e3d4c5b6a79881726354453627180"}`, byARN(testKey2),
		},
		{"the request's bare id in China", "DisableKey", `,"awsRegion":"cn-north-1","recipientAccountId":"444455556666",` +
			`"requestParameters":{"keyId":"11112222-3333-4444-5555-666677778888"}`, byARN(foreign)},
		{
			"a bare id without an account", "DisableKey", `,"awsRegion":"eu-west-1","requestParameters":{"keyId":"some-id"}`,
			keys{Key: KeyRef{Name: "some-id"}},
		},
		{
			"a bare id without a Region", "DisableKey", `,"recipientAccountId":"1","requestParameters":{"keyId":"some-id"}`,
			keys{Key: KeyRef{Name: "some-id"}},
		},
		{
			"an alias in the request", "Encrypt", here + `,"requestParameters":{"keyId":"alias/ledger"}`,
			keys{Key: KeyRef{Name: "alias/ledger"}, Alias: "alias/ledger"},
		},
		{
			"an alias ARN in the request", "Encrypt", here + `,"requestParameters":{"keyId":"` + aliasARN + `"}`,
			keys{Key: KeyRef{Name: aliasARN}, Alias: "alias/ledger"},
		},
		{
			"an alias in the request beside its key", "Encrypt",
			`,"resources":[` + resource + `],"requestParameters":{"keyId":"alias/ledger"}`,
			keys{Key: KeyRef{ARN: testKey}, Alias: "alias/ledger"},
		},
		{
			"a deleted alias names no key", "DeleteAlias",
			here + `,"resources":[` + aliasRes + `],"requestParameters":{"aliasName":"alias/ledger"}`,
			keys{Alias: "alias/ledger"},
		},
		{"targetKeyId", "CreateAlias", here + `,"requestParameters":{"targetKeyId":"` + testKey + `"}`, byARN(testKey)},
		{
			"destinationKeyId when nothing else is there", "Other",
			here + `,"requestParameters":{"destinationKeyId":"` + testKey2 + `"}`, byARN(testKey2),
		},
		{
			"ReEncrypt's source, then its destination", "ReEncrypt",
			here + `,"resources":[` + resource + `,` + resource2 + `],"requestParameters":{"destinationKeyId":"` +
				`mrk-1f2e3d4c5b6a79881726354453627180"}`,
			keys{Key: KeyRef{ARN: testKey}, Target: KeyRef{ARN: testKey2}},
		},
		{
			"ReEncrypt to an alias", "ReEncrypt",
			here + `,"resources":[` + resource + `,` + resource2 + `],"requestParameters":{"destinationKeyId":"alias/new"}`,
			keys{Key: KeyRef{ARN: testKey}, Target: KeyRef{ARN: testKey2}},
		},
		{
			"a refused ReEncrypt", "ReEncrypt", here + `,"errorCode":"AccessDenied","requestParameters":{"sourceKeyId":"` +
				testKey + `","destinationKeyId":"` + testKey2 + `"}`,
			keys{Key: KeyRef{ARN: testKey}, Target: KeyRef{ARN: testKey2}},
		},
		{
			"UpdateAlias names its new target", "UpdateAlias",
			here + `,"resources":[` + aliasRes + `,` + resource + `],"requestParameters":{"aliasName":"alias/ledger",` +
				`"targetKeyId":"7d3c1c52-0e5b-4a57-8f0a-3f9b0c1d2e3f"}`,
			keys{Key: KeyRef{ARN: testKey}, Target: KeyRef{ARN: testKey}, Alias: "alias/ledger"},
		},
		{
			"UpdateAlias that lists both keys", "UpdateAlias",
			here + `,"resources":[` + aliasRes + `,` + resource + `,` + resource2 + `],"requestParameters":` +
				`{"aliasName":"alias/ledger","targetKeyId":"` + testKey2 + `"}`,
			keys{Key: KeyRef{ARN: testKey}, Target: KeyRef{ARN: testKey2}, Alias: "alias/ledger"},
		},
		{
			"a service event's details with the record's account and Region", "RotateKey",
			`,"awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventType":"AwsServiceEvent",` +
				`"serviceEventDetails":{"keyId":"7d3c1c52-0e5b-4a57-8f0a-3f9b0c1d2e3f"}`, byARN(testKey),
		},
		{"nothing on a denial", "Decrypt", here + `,"errorCode":"AccessDenied","requestParameters":null`, keys{}},
		{"a keyId that is no string", "Decrypt", here + `,"requestParameters":{"keyId":["x"]}`, keys{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := decodeOne(t, record("kms.amazonaws.com", test.event, test.extra))
			if diff := cmp.Diff(test.want, keys{e.Key, e.TargetKey, e.Alias}); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeyOfAnotherServicesRecordIsOnlyAResource(t *testing.T) {
	extra := `,"awsRegion":"eu-west-1","recipientAccountId":"111122223333","requestParameters":{"keyId":"AKIAXMPL"}`
	if e := decodeOne(t, record("iam.amazonaws.com", "UpdateAccessKey", extra)); !e.Key.IsZero() {
		t.Errorf("an access key id became the KMS key %+v", e.Key)
	}
	extra = `,"resources":[{"ARN":"arn:aws:s3:::bucket/:key/x"},{"ARN":"` + testKey + `"}]`
	if e := decodeOne(t, record("s3.amazonaws.com", "PutObject", extra)); e.Key.ARN != testKey {
		t.Errorf("key %+v, want %s", e.Key, testKey)
	}
}

func TestPartitionFollowsFromTheRegion(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-northwest-1": "aws-cn", "us-gov-east-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e",
		"us-isof-south-1": "aws-iso-f",
	} {
		if got := Partition(region); got != want {
			t.Errorf("Partition(%q) = %q, want %q", region, got, want)
		}
	}
}
