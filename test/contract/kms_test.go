package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func kmsBehaviours() []behaviour {
	return []behaviour{
		{"KMS", "a new key is enabled, symmetric, the customer's own, with KMS's material", describesAKey},
		{"KMS", "a key is found by id, ARN, alias and alias ARN", findsAKey},
		{"KMS", "an alias moves to another key", movesAnAlias},
		{"KMS", "a missing KMS key is a typed error", missesAKMSKey},
		{"KMS", "keys are listed page by page", listsKeys},
		{"KMS", "tags and policy are read as they were written", readsTagsAndPolicy},
		{"KMS", "ciphertext opens with its context, and with no other", opensCiphertext},
		{"KMS", "a data key's ciphertext opens to its plaintext", opensDataKey},
		{"KMS", "a disabled key refuses to encrypt", refusesDisabled},
		{"KMS", "a disabled key refuses a change of its rotation", refusesToRotateDisabled},
		{"KMS", "a deletion is scheduled, and cancelled into disabled", cancelsADeletion},
		{"KMS", "a key pending deletion refuses to encrypt", refusesPendingDeletion},
		{"KMS", "automatic rotation is switched on and off", switchesRotation},
		{"KMS", "automatic rotation has a period, 365 days by default", defaultsThePeriod},
		{"KMS", "automatic rotation takes the period it is given, and says when it is next", takesThePeriod},
		{"KMS", "a period under 90 days is refused", refusesAShortPeriod},
		{"KMS", "an asymmetric key refuses automatic rotation", refusesAsymmetric},
		{"KMS", "an HMAC key refuses on-demand rotation", refusesHMAC},
		{"KMS", "rotation on demand gives new material and is listed", rotatesOnDemand},
		{"KMS", "old ciphertext opens after a rotation", opensOldCiphertext},
	}
}

// key makes a key and gives its id.
func (a *api) key(ctx context.Context, in *kms.CreateKeyInput) (string, error) {
	out, err := a.kms.CreateKey(ctx, in)
	if err != nil {
		return "", fmt.Errorf("CreateKey: %w", err)
	}
	return *out.KeyMetadata.KeyId, nil
}

func (a *api) describe(ctx context.Context, key string) (*types.KeyMetadata, error) {
	out, err := a.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	if err != nil {
		return nil, fmt.Errorf("DescribeKey of %s: %w", key, err)
	}
	return out.KeyMetadata, nil
}

func (a *api) encrypt(ctx context.Context, key string) ([]byte, error) {
	out, err := a.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("secret")})
	if err != nil {
		return nil, fmt.Errorf("Encrypt: %w", err)
	}
	return out.CiphertextBlob, nil
}

func describesAKey(ctx context.Context, a *api) error {
	began := time.Now()
	id, err := a.key(ctx, &kms.CreateKeyInput{Description: aws.String("payments")})
	if err != nil {
		return err
	}
	got, err := a.describe(ctx, id)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(*got.Arn, ":"+account+":key/"+id) {
		return fmt.Errorf("ARN is %s", *got.Arn)
	}
	if age := time.Since(*got.CreationDate); age < -2*time.Second || age > time.Since(began)+2*time.Second {
		return fmt.Errorf("creation date is %v", *got.CreationDate)
	}
	return errors.Join(
		same("KeyState", got.KeyState, types.KeyStateEnabled), same("Enabled", got.Enabled, true),
		same("KeySpec", got.KeySpec, types.KeySpecSymmetricDefault),
		same("KeyUsage", got.KeyUsage, types.KeyUsageTypeEncryptDecrypt),
		same("KeyManager", got.KeyManager, types.KeyManagerTypeCustomer),
		same("Origin", got.Origin, types.OriginTypeAwsKms),
		same("Description", aws.ToString(got.Description), "payments"),
	)
}

func findsAKey(ctx context.Context, a *api) error {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	alias := "alias/" + a.name
	if _, err := a.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &id}); err != nil {
		return fmt.Errorf("CreateAlias: %w", err)
	}
	byID, err := a.describe(ctx, id)
	if err != nil {
		return err
	}
	for _, name := range []string{*byID.Arn, alias, strings.Replace(*byID.Arn, "key/"+id, alias, 1)} {
		got, err := a.describe(ctx, name)
		if err != nil {
			return err
		}
		if err := same("key of "+name, *got.KeyId, id); err != nil {
			return err
		}
	}
	return nil
}

func movesAnAlias(ctx context.Context, a *api) error {
	from, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	to, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	alias := "alias/" + a.name
	if _, err := a.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &from}); err != nil {
		return fmt.Errorf("CreateAlias: %w", err)
	}
	if _, err := a.kms.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: &alias, TargetKeyId: &to}); err != nil {
		return fmt.Errorf("UpdateAlias: %w", err)
	}
	out, err := a.kms.ListAliases(ctx, &kms.ListAliasesInput{KeyId: &to})
	if err != nil {
		return fmt.Errorf("ListAliases: %w", err)
	}
	if len(out.Aliases) != 1 {
		return fmt.Errorf("%d aliases of the new key, want 1", len(out.Aliases))
	}
	if out.Aliases[0].LastUpdatedDate == nil {
		return errors.New("the alias does not say when it was moved")
	}
	return errors.Join(same("alias", *out.Aliases[0].AliasName, alias), same("target", *out.Aliases[0].TargetKeyId, to))
}

const noKey = "00000000-0000-4000-8000-000000000000"

func missesAKMSKey(ctx context.Context, a *api) error {
	_, err := a.describe(ctx, noKey)
	return refusal[*types.NotFoundException](err)
}

func listsKeys(ctx context.Context, a *api) error {
	made := map[string]bool{}
	for range 3 {
		id, err := a.key(ctx, &kms.CreateKeyInput{})
		if err != nil {
			return err
		}
		made[id] = true
	}
	pages := kms.NewListKeysPaginator(a.kms, &kms.ListKeysInput{Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("ListKeys: %w", err)
		}
		if len(page.Keys) > 2 {
			return fmt.Errorf("a page of %d keys, want at most 2", len(page.Keys))
		}
		for _, key := range page.Keys {
			delete(made, *key.KeyId)
		}
	}
	return same("keys not listed", len(made), 0)
}

func readsTagsAndPolicy(ctx context.Context, a *api) error {
	const policy = `{"Version":"2012-10-17","Statement":[{"Sid":"root","Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}]}`
	id, err := a.key(ctx, &kms.CreateKeyInput{
		Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("payments")}},
	})
	if err != nil {
		return err
	}
	if _, err := a.kms.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: &id, PolicyName: aws.String("default"), Policy: aws.String(policy),
	}); err != nil {
		return fmt.Errorf("PutKeyPolicy: %w", err)
	}
	got, err := a.kms.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &id, PolicyName: aws.String("default")})
	if err != nil {
		return fmt.Errorf("GetKeyPolicy: %w", err)
	}
	tags, err := a.kms.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &id})
	if err != nil {
		return fmt.Errorf("ListResourceTags: %w", err)
	}
	if len(tags.Tags) != 1 || *tags.Tags[0].TagKey != "team" || *tags.Tags[0].TagValue != "payments" {
		return fmt.Errorf("tags are %v", tags.Tags)
	}
	return same("policy", *got.Policy, policy)
}

func opensCiphertext(ctx context.Context, a *api) error {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	right := map[string]string{"aws:s3:arn": "arn:aws:s3:::logs"}
	sealed, err := a.kms.Encrypt(ctx, &kms.EncryptInput{
		KeyId: &id, Plaintext: []byte("secret"), EncryptionContext: right,
	})
	if err != nil {
		return fmt.Errorf("Encrypt: %w", err)
	}
	opened, err := a.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: right})
	if err != nil {
		return fmt.Errorf("Decrypt: %w", err)
	}
	if err := same("plaintext", string(opened.Plaintext), "secret"); err != nil {
		return err
	}
	_, err = a.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	return refusal[*types.InvalidCiphertextException](err)
}

func opensDataKey(ctx context.Context, a *api) error {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	made, err := a.kms.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &id, KeySpec: types.DataKeySpecAes256})
	if err != nil {
		return fmt.Errorf("GenerateDataKey: %w", err)
	}
	opened, err := a.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob})
	if err != nil {
		return fmt.Errorf("Decrypt: %w", err)
	}
	if len(made.Plaintext) != 32 || !bytes.Equal(opened.Plaintext, made.Plaintext) {
		return errors.New("the data key is not 32 bytes, or opened to others")
	}
	return nil
}

func refusesDisabled(ctx context.Context, a *api) error {
	id, err := a.disabled(ctx)
	if err != nil {
		return err
	}
	_, err = a.encrypt(ctx, id)
	return refusal[*types.DisabledException](err)
}

func refusesToRotateDisabled(ctx context.Context, a *api) error {
	id, err := a.disabled(ctx)
	if err != nil {
		return err
	}
	_, err = a.kms.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &id})
	return refusal[*types.DisabledException](err)
}

func (a *api) disabled(ctx context.Context) (string, error) {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return "", err
	}
	if _, err := a.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &id}); err != nil {
		return "", fmt.Errorf("DisableKey: %w", err)
	}
	return id, nil
}

func (a *api) pendingDeletion(ctx context.Context) (string, error) {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return "", err
	}
	if _, err := a.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
		KeyId: &id, PendingWindowInDays: aws.Int32(7),
	}); err != nil {
		return "", fmt.Errorf("ScheduleKeyDeletion: %w", err)
	}
	return id, nil
}

func cancelsADeletion(ctx context.Context, a *api) error {
	id, err := a.pendingDeletion(ctx)
	if err != nil {
		return err
	}
	pending, err := a.describe(ctx, id)
	if err != nil {
		return err
	}
	if err := same("KeyState", pending.KeyState, types.KeyStatePendingDeletion); err != nil {
		return err
	}
	if left := time.Until(aws.ToTime(pending.DeletionDate)); left < 6*24*time.Hour || left > 8*24*time.Hour {
		return fmt.Errorf("deletion date is %v, want in 7 days", pending.DeletionDate)
	}
	if _, err := a.kms.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &id}); err != nil {
		return fmt.Errorf("CancelKeyDeletion: %w", err)
	}
	cancelled, err := a.describe(ctx, id)
	if err != nil {
		return err
	}
	return same("KeyState", cancelled.KeyState, types.KeyStateDisabled)
}

func refusesPendingDeletion(ctx context.Context, a *api) error {
	id, err := a.pendingDeletion(ctx)
	if err != nil {
		return err
	}
	_, err = a.encrypt(ctx, id)
	return refusal[*types.KMSInvalidStateException](err)
}
