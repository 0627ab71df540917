package awssim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestKeysAreNamedAsEachOperationAllows(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{Aliases: []string{"alias/pay"}})
	id := w.truth(arn).ID
	foreign := w.key(KeyOptions{Account: elsewhere})
	shared := w.key(KeyOptions{Account: elsewhere, Aliases: []string{"alias/shared"}, Policy: fmt.Sprintf(
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":[%q,"arn:aws:iam::%s:root"]},"Action":"kms:*"}]}`,
		home, elsewhere)})
	const gone = "12345678-1234-1234-1234-123456789012"
	tests := []struct {
		name              string
		ref               string
		describe, rotates string // the codes of DescribeKey and GetKeyRotationStatus
		tags              string // of ListResourceTags
	}{
		{"a key id", id, "", "", ""},
		{"a key ARN", arn, "", "", ""},
		{"an alias", "alias/pay", "", "NotFoundException", "NotFoundException"},
		{"an alias ARN", aliasARN(east, home, "alias/pay"), "", "InvalidArnException", "InvalidArnException"},
		{"an alias nobody made", "alias/none", "NotFoundException", "NotFoundException", "NotFoundException"},
		{"a key that never was", gone, "NotFoundException", "NotFoundException", "NotFoundException"},
		{"what is no key id", "pay", "NotFoundException", "NotFoundException", "NotFoundException"},
		{
			"another service's ARN", "arn:aws:sqs:us-east-1:111122223333:q", "InvalidArnException", "InvalidArnException",
			"InvalidArnException",
		},
		{"another Region's key", keyARN(west, home, id), "NotFoundException", "NotFoundException", "NotFoundException"},
		{"another account's key", foreign, "AccessDeniedException", "AccessDeniedException", "AccessDeniedException"},
		{"another account's shared key", shared, "", "", "AccessDeniedException"},
		{
			"another account's shared alias", aliasARN(east, elsewhere, "alias/shared"), "", "InvalidArnException",
			"InvalidArnException",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.kms.DescribeKey(ctx(), &kms.DescribeKeyInput{KeyId: &tt.ref})
			if got := errorCode(err); got != tt.describe {
				t.Errorf("DescribeKey gave %q, want %q", got, tt.describe)
			}
			_, err = w.kms.GetKeyRotationStatus(ctx(), &kms.GetKeyRotationStatusInput{KeyId: &tt.ref})
			if got := errorCode(err); got != tt.rotates {
				t.Errorf("GetKeyRotationStatus gave %q, want %q", got, tt.rotates)
			}
			_, err = w.kms.ListResourceTags(ctx(), &kms.ListResourceTagsInput{KeyId: &tt.ref})
			if got := errorCode(err); got != tt.tags {
				t.Errorf("ListResourceTags gave %q, want %q", got, tt.tags)
			}
		})
	}
}

func TestAnAliasMovesBetweenKeysOfOneKind(t *testing.T) {
	w := newWorld(t)
	first, second := w.key(KeyOptions{Aliases: []string{"alias/pay"}}), w.key(KeyOptions{})
	rsa := w.key(KeyOptions{Spec: types.KeySpecRsa2048})
	move := func(to string) error {
		_, err := w.kms.UpdateAlias(ctx(), &kms.UpdateAliasInput{AliasName: new("alias/pay"), TargetKeyId: &to})
		return err
	}
	w.want(move(rsa), "ValidationException")
	w.Clock().Advance(time.Hour)
	w.want(move(second), "")
	if got := *w.metadata("alias/pay").Arn; got != second {
		t.Errorf("the alias names %s, want %s", got, second)
	}
	out, err := w.kms.ListAliases(ctx(), &kms.ListAliasesInput{KeyId: &second})
	w.want(err, "")
	if len(out.Aliases) != 1 || !out.Aliases[0].LastUpdatedDate.Equal(w.Clock().Now()) ||
		!out.Aliases[0].CreationDate.Equal(w.Clock().Now().Add(-time.Hour)) {
		t.Errorf("aliases %+v, want one made an hour ago and moved now", out.Aliases)
	}
	if got := w.truth(first).Aliases; len(got) != 0 {
		t.Errorf("the first key still has %v", got)
	}
	for name, code := range map[string]string{
		"alias/pay": "AlreadyExistsException", "pay": "InvalidAliasNameException",
		"alias/aws/s3": "InvalidAliasNameException", "alias/a b": "InvalidAliasNameException",
	} {
		_, err := w.kms.CreateAlias(ctx(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &first})
		w.want(err, code)
	}
	for i := range maxAliases {
		_, err := w.kms.CreateAlias(ctx(), &kms.CreateAliasInput{
			AliasName: new(fmt.Sprintf("alias/n%d", i)), TargetKeyId: &first,
		})
		w.want(err, "")
	}
	_, err = w.kms.CreateAlias(ctx(), &kms.CreateAliasInput{AliasName: new("alias/over"), TargetKeyId: &first})
	w.want(err, "LimitExceededException")
}

func TestListingsComeInPages(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 205 {
		want = append(want, w.key(KeyOptions{Aliases: []string{fmt.Sprintf("alias/k%03d", i)}}))
	}
	w.key(KeyOptions{Region: west})
	slices.Sort(want)

	var keys []string
	keyPages := kms.NewListKeysPaginator(w.kms, &kms.ListKeysInput{Limit: new(int32(100))})
	for keyPages.HasMorePages() {
		page, err := keyPages.NextPage(ctx())
		w.want(err, "")
		for _, key := range page.Keys {
			keys = append(keys, *key.KeyArn)
		}
	}
	if !slices.Equal(keys, want) {
		t.Errorf("%d keys listed, want the Region's %d", len(keys), len(want))
	}
	pages, aliases := 0, 0
	aliasPages := kms.NewListAliasesPaginator(w.kms, &kms.ListAliasesInput{Limit: new(int32(100))})
	for aliasPages.HasMorePages() {
		page, err := aliasPages.NextPage(ctx())
		w.want(err, "")
		pages++
		aliases += len(page.Aliases)
	}
	if pages != 3 || aliases != 205 {
		t.Errorf("%d aliases in %d pages, want 205 in 3", aliases, pages)
	}
	_, err := w.kms.ListAliases(ctx(), &kms.ListAliasesInput{Limit: new(int32(101))})
	w.want(err, "ValidationException")
	_, err = w.kms.ListKeys(ctx(), &kms.ListKeysInput{Marker: new("not a marker")})
	w.want(err, "InvalidMarkerException")
}

func TestRotationsComeInPages(t *testing.T) {
	w := newWorld(t)
	var history []PastRotation
	for i := range 5 {
		at := w.Clock().Now().Add(-days(100 * (5 - i)))
		history = append(history, PastRotation{At: at, Type: types.RotationTypeAutomatic})
	}
	arn := w.key(KeyOptions{History: history})
	var dates []time.Time
	pages := kms.NewListKeyRotationsPaginator(w.kms, &kms.ListKeyRotationsInput{KeyId: &arn, Limit: new(int32(2))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx())
		w.want(err, "")
		for _, r := range page.Rotations {
			dates = append(dates, *r.RotationDate)
		}
	}
	if len(dates) != 5 || !slices.IsSortedFunc(dates, time.Time.Compare) {
		t.Errorf("rotations at %v, want the 5 in order", dates)
	}
}

func TestCreateKeyRefusesWhatKMSCannotMake(t *testing.T) {
	w := newWorld(t)
	lockout := `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"kms:*"}}`
	tests := []struct {
		name string
		in   kms.CreateKeyInput
		code string
	}{
		{"nothing by default", kms.CreateKeyInput{}, ""},
		{"a multi-Region key", kms.CreateKeyInput{MultiRegion: new(true)}, ""},
		{"an HMAC key without usage", kms.CreateKeyInput{KeySpec: types.KeySpecHmac256}, "ValidationException"},
		{"an HMAC key", kms.CreateKeyInput{
			KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac,
		}, ""},
		{"an unknown spec", kms.CreateKeyInput{KeySpec: "AES_1"}, "ValidationException"},
		{
			"a policy that is none",
			kms.CreateKeyInput{Policy: new(`{"Statement":"no"}`)},
			"MalformedPolicyDocumentException",
		},
		{"a policy that locks out", kms.CreateKeyInput{Policy: &lockout}, "MalformedPolicyDocumentException"},
		{"a policy meant to lock out", kms.CreateKeyInput{Policy: &lockout, BypassPolicyLockoutSafetyCheck: true}, ""},
		{
			"a tag of AWS's",
			kms.CreateKeyInput{Tags: []types.Tag{{TagKey: new("aws:x"), TagValue: new("1")}}},
			"TagException",
		},
		{"a key in a store that is not there", kms.CreateKeyInput{
			Origin: types.OriginTypeAwsCloudhsm, CustomKeyStoreId: new("cks-1"),
		}, "CustomKeyStoreNotFoundException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := len(w.KMS().Keys(home, east))
			_, err := w.kms.CreateKey(ctx(), &tt.in)
			if got := errorCode(err); got != tt.code {
				t.Fatalf("code %q, want %q (%v)", got, tt.code, err)
			}
			if made := len(w.KMS().Keys(home, east)) - before; (made == 1) != (tt.code == "") {
				t.Errorf("%d keys made", made)
			}
		})
	}
}

func TestTagsAndPolicyAreKept(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{Tags: map[string]string{"team": "payments", "old": "1"}})
	_, err := w.kms.TagResource(ctx(), &kms.TagResourceInput{KeyId: &arn, Tags: []types.Tag{
		{TagKey: new("team"), TagValue: new("billing")}, {TagKey: new("tier"), TagValue: new("1")},
	}})
	w.want(err, "")
	_, err = w.kms.UntagResource(ctx(), &kms.UntagResourceInput{KeyId: &arn, TagKeys: []string{"old"}})
	w.want(err, "")
	out, err := w.kms.ListResourceTags(ctx(), &kms.ListResourceTagsInput{KeyId: &arn})
	w.want(err, "")
	var tags []string
	for _, tag := range out.Tags {
		tags = append(tags, *tag.TagKey+"="+*tag.TagValue)
	}
	if !slices.Equal(tags, []string{"team=billing", "tier=1"}) {
		t.Errorf("tags %v, want team=billing tier=1", tags)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*"}]}`
	_, err = w.kms.PutKeyPolicy(ctx(), &kms.PutKeyPolicyInput{KeyId: &arn, Policy: &policy})
	w.want(err, "")
	got, err := w.kms.GetKeyPolicy(ctx(), &kms.GetKeyPolicyInput{KeyId: &arn})
	w.want(err, "")
	if *got.Policy != policy {
		t.Errorf("policy %s, want as put", *got.Policy)
	}
}
