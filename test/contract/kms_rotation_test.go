package contract

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// rotating makes a key with automatic rotation; a period of 0 leaves it to KMS.
func (a *api) rotating(ctx context.Context, days int32) (string, error) {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return "", err
	}
	in := &kms.EnableKeyRotationInput{KeyId: &id}
	if days > 0 {
		in.RotationPeriodInDays = &days
	}
	if _, err := a.kms.EnableKeyRotation(ctx, in); err != nil {
		return "", fmt.Errorf("EnableKeyRotation: %w", err)
	}
	return id, nil
}

func (a *api) rotation(ctx context.Context, key string) (*kms.GetKeyRotationStatusOutput, error) {
	out, err := a.kms.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &key})
	if err != nil {
		return nil, fmt.Errorf("GetKeyRotationStatus: %w", err)
	}
	return out, nil
}

func switchesRotation(ctx context.Context, a *api) error {
	id, err := a.rotating(ctx, 0)
	if err != nil {
		return err
	}
	on, err := a.rotation(ctx, id)
	if err != nil {
		return err
	}
	if _, err := a.kms.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: &id}); err != nil {
		return fmt.Errorf("DisableKeyRotation: %w", err)
	}
	off, err := a.rotation(ctx, id)
	if err != nil {
		return err
	}
	return errors.Join(
		same("switched on", on.KeyRotationEnabled, true), same("switched off", off.KeyRotationEnabled, false),
		same("has a next date when off", off.NextRotationDate != nil, false),
	)
}

func defaultsThePeriod(ctx context.Context, a *api) error {
	id, err := a.rotating(ctx, 0)
	if err != nil {
		return err
	}
	status, err := a.rotation(ctx, id)
	if err != nil {
		return err
	}
	return same("period", aws.ToInt32(status.RotationPeriodInDays), 365)
}

func takesThePeriod(ctx context.Context, a *api) error {
	id, err := a.rotating(ctx, 90)
	if err != nil {
		return err
	}
	status, err := a.rotation(ctx, id)
	if err != nil {
		return err
	}
	days := time.Until(aws.ToTime(status.NextRotationDate)).Hours() / 24
	if days < 89 || days > 91 {
		return fmt.Errorf("next rotation at %v, want in 90 days", status.NextRotationDate)
	}
	return same("period", aws.ToInt32(status.RotationPeriodInDays), 90)
}

func refusesAShortPeriod(ctx context.Context, a *api) error {
	_, err := a.rotating(ctx, 89)
	return refusedAs(err, "ValidationException")
}

func refusesAsymmetric(ctx context.Context, a *api) error {
	id, err := a.key(ctx, &kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		return err
	}
	_, err = a.kms.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &id})
	return refusal[*types.UnsupportedOperationException](err)
}

func refusesHMAC(ctx context.Context, a *api) error {
	id, err := a.key(ctx, &kms.CreateKeyInput{
		KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac,
	})
	if err != nil {
		return err
	}
	_, err = a.kms.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &id})
	return refusal[*types.UnsupportedOperationException](err)
}

// rotated rotates a key on demand and waits until KMS says that it has happened.
func (a *api) rotated(ctx context.Context, key string) ([]types.RotationsListEntry, error) {
	if _, err := a.kms.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &key}); err != nil {
		return nil, fmt.Errorf("RotateKeyOnDemand: %w", err)
	}
	var rotations []types.RotationsListEntry
	err := until(ctx, func() error {
		out, err := a.kms.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: &key})
		if err != nil {
			return fmt.Errorf("ListKeyRotations: %w", err)
		}
		rotations = out.Rotations
		return same("number of rotations", len(rotations), 1)
	})
	return rotations, err
}

func rotatesOnDemand(ctx context.Context, a *api) error {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	before, err := a.describe(ctx, id)
	if err != nil {
		return err
	}
	rotations, err := a.rotated(ctx, id)
	if err != nil {
		return err
	}
	after, err := a.describe(ctx, id)
	if err != nil {
		return err
	}
	if aws.ToString(after.CurrentKeyMaterialId) == aws.ToString(before.CurrentKeyMaterialId) {
		return errors.New("the key's material is the same as before")
	}
	status, err := a.rotation(ctx, id)
	if err != nil {
		return err
	}
	return errors.Join(
		same("type", rotations[0].RotationType, types.RotationTypeOnDemand),
		same("still in progress", status.OnDemandRotationStartDate != nil, false),
		same("automatic rotation", status.KeyRotationEnabled, false),
	)
}

func opensOldCiphertext(ctx context.Context, a *api) error {
	id, err := a.key(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	sealed, err := a.encrypt(ctx, id)
	if err != nil {
		return err
	}
	if _, err := a.rotated(ctx, id); err != nil {
		return err
	}
	opened, err := a.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed})
	if err != nil {
		return fmt.Errorf("Decrypt: %w", err)
	}
	return same("plaintext", string(opened.Plaintext), "secret")
}
