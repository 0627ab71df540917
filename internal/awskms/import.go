package awskms

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/material"
	"rotd/internal/remediation"
)

// importMaterial imports what the source gives for the action into the call's key. The material is asked for last and
// wiped once it is wrapped: it is in memory for as short as can be.
func (c *Client) importMaterial(ctx context.Context, a *remediation.Action) Result {
	call, key := a.Current(), a.CallKey()
	if call.ValidTo != nil && !time.Now().Before(*call.ValidTo) {
		return Result{Class: Unsupported, Err: errors.New("the material's time of validity, " +
			call.ValidTo.Format(time.RFC3339) + ", is over before it is imported")}
	}
	params, err := read(ctx, c.In(Act), getParametersForImport, &kms.GetParametersForImportInput{
		KeyId: &key, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa3072,
	}, c.api.GetParametersForImport)
	if err != nil {
		return unchanged(refused(err))
	}
	wrapped, err := c.wrapped(ctx, a, params.PublicKey)
	if err != nil {
		return noMaterial(err)
	}
	in := &kms.ImportKeyMaterialInput{
		KeyId: &key, ImportToken: params.ImportToken, EncryptedKeyMaterial: wrapped,
		ImportType:      types.ImportType(call.Material),
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
	if call.ValidTo != nil {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, call.ValidTo
	}
	r := act(ctx, c, importKeyMaterial, in, c.api.ImportKeyMaterial)
	if ErrorCode(r.Err) == "IncorrectKeyMaterialException" && a.Attempts-a.Rejected > 1 {
		r.Class = InvalidState // an earlier attempt may have imported it: what is there is read again
	}
	return r
}

// wrapped is the material as KMS takes it.
func (c *Client) wrapped(ctx context.Context, a *remediation.Action, publicKey []byte) ([]byte, error) {
	secret, err := c.opts.Material().Read(ctx, material.Asked{
		KeyARN: a.KeyARN, Spec: string(types.KeySpecSymmetricDefault), Action: a.ID,
		Name: material.Name(a.KeyARN, a.Before.Material),
	})
	if err != nil {
		return nil, err
	}
	defer secret.Wipe()
	return secret.Wrap(publicKey)
}

// unchanged is a result of asking for what an import needs: whatever came of it, no material was imported.
func unchanged(r Result) Result {
	if r.Class.Passing() && r.Class != Throttled {
		r.Class = Unreachable
	}
	return r
}

// noMaterial says that the source gave nothing to import.
func noMaterial(err error) Result {
	r := Result{Class: Unsupported, Err: err, Code: remediation.CodeNoMaterial}
	if e, ok := errors.AsType[*material.Error](err); ok && e.Passing {
		r.Class = Unreachable
	}
	return r
}
