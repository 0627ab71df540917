package awssim

import (
	"crypto/rand"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

type encryptInput struct {
	keyInput
	Plaintext         []byte
	EncryptionContext map[string]string
	DryRun            bool
}

func (k *KMS) encrypt(c *kmsCall, in encryptInput) (any, error) {
	if len(in.Plaintext) == 0 || len(in.Plaintext) > 4096 {
		return nil, apiErrorf("ValidationException", 0, "Value at 'plaintext' must have between 1 and 4096 bytes")
	}
	key, err := k.cipherKey(c, in.KeyID, in.DryRun)
	if err != nil {
		return nil, err
	}
	blob, material, err := seal(key, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	k.used(c, key)
	c.additional = fields{"keyMaterialId": material}
	return fields{
		"CiphertextBlob": blob, "KeyId": key.ARN, "EncryptionAlgorithm": types.EncryptionAlgorithmSpecSymmetricDefault,
	}, nil
}

type decryptInput struct {
	keyInput
	CiphertextBlob    []byte
	EncryptionContext map[string]string
	DryRun            bool
}

func (k *KMS) decrypt(c *kmsCall, in decryptInput) (any, error) {
	key, e, err := k.sealedUnder(c, in.CiphertextBlob, in.KeyID)
	if err != nil {
		return nil, err
	}
	if err := key.cipherReady(); err != nil {
		return nil, err
	}
	plaintext, err := e.open(key, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, errDryRun()
	}
	k.used(c, key)
	c.additional = fields{"keyMaterialId": e.material}
	return fields{
		"Plaintext": plaintext, "KeyId": key.ARN, "KeyMaterialId": e.material,
		"EncryptionAlgorithm": types.EncryptionAlgorithmSpecSymmetricDefault,
	}, nil
}

type reEncryptInput struct {
	CiphertextBlob               []byte
	SourceKeyID                  string `json:"SourceKeyId"`
	SourceEncryptionContext      map[string]string
	DestinationKeyID             string `json:"DestinationKeyId"`
	DestinationEncryptionContext map[string]string
	DryRun                       bool
}

func (k *KMS) reEncrypt(c *kmsCall, in reEncryptInput) (any, error) {
	source, e, err := k.sealedUnder(c, in.CiphertextBlob, in.SourceKeyID)
	if err != nil {
		return nil, err
	}
	if err := source.cipherReady(); err != nil {
		return nil, err
	}
	destination, err := k.cipherKey(c, in.DestinationKeyID, false)
	if err != nil {
		return nil, err
	}
	plaintext, err := e.open(source, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, errDryRun()
	}
	blob, material, err := seal(destination, plaintext, in.DestinationEncryptionContext)
	if err != nil {
		return nil, err
	}
	k.used(c, source)
	k.used(c, destination)
	c.additional = fields{"sourceKeyMaterialId": e.material, "destinationKeyMaterialId": material}
	const algorithm = types.EncryptionAlgorithmSpecSymmetricDefault
	return fields{
		"CiphertextBlob": blob, "KeyId": destination.ARN, "SourceKeyId": source.ARN,
		"SourceKeyMaterialId": e.material, "DestinationKeyMaterialId": material,
		"SourceEncryptionAlgorithm": algorithm, "DestinationEncryptionAlgorithm": algorithm,
	}, nil
}

type generateDataKeyInput struct {
	keyInput
	KeySpec           types.DataKeySpec
	NumberOfBytes     int
	EncryptionContext map[string]string
	DryRun            bool
}

func (in generateDataKeyInput) size() (int, error) {
	switch {
	case in.KeySpec == types.DataKeySpecAes256 && in.NumberOfBytes == 0:
		return 32, nil
	case in.KeySpec == types.DataKeySpecAes128 && in.NumberOfBytes == 0:
		return 16, nil
	case in.KeySpec == "" && in.NumberOfBytes >= 1 && in.NumberOfBytes <= 1024:
		return in.NumberOfBytes, nil
	}
	return 0, apiErrorf("ValidationException", 0, "Please specify either number of bytes or key spec.")
}

func (k *KMS) generateDataKey(c *kmsCall, in generateDataKeyInput) (any, error) {
	size, err := in.size()
	if err != nil {
		return nil, err
	}
	key, err := k.cipherKey(c, in.KeyID, in.DryRun)
	if err != nil {
		return nil, err
	}
	dataKey := make([]byte, size)
	_, _ = rand.Read(dataKey) // never fails
	blob, material, err := seal(key, dataKey, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	k.used(c, key)
	c.additional = fields{"keyMaterialId": material}
	return fields{"CiphertextBlob": blob, "KeyId": key.ARN, "KeyMaterialId": material, "Plaintext": dataKey}, nil
}

func (k *KMS) generateDataKeyWithoutPlaintext(c *kmsCall, in generateDataKeyInput) (any, error) {
	result, err := k.generateDataKey(c, in)
	if answer, ok := result.(fields); ok {
		delete(answer, "Plaintext")
	}
	return result, err
}

// cipherKey is the key a call names, if it can encrypt now and the call means it.
func (k *KMS) cipherKey(c *kmsCall, ref string, dryRun bool) (*KMSKey, error) {
	key, err := k.key(c, ref, anyAlias)
	if err != nil {
		return nil, err
	}
	if err := key.cipherReady(); err != nil {
		return nil, err
	}
	if dryRun {
		return nil, errDryRun()
	}
	return key, nil
}

// cipherReady tells why a key cannot encrypt or decrypt; nil when it can.
func (key *KMSKey) cipherReady() error {
	if err := key.usable(); err != nil {
		return err
	}
	if key.Usage != types.KeyUsageTypeEncryptDecrypt {
		return apiErrorf("InvalidKeyUsageException", 0, "%s key usage is %s which is not valid for this operation.",
			key.ARN, key.Usage)
	}
	if key.current() == nil {
		return unsupported(key, "cannot be used for encryption by the simulator.")
	}
	return nil
}

// sealedUnder is the key a ciphertext names, which must be the one the call names, if it names one.
func (k *KMS) sealedUnder(c *kmsCall, blob []byte, ref string) (*KMSKey, *envelope, error) {
	e, err := parseEnvelope(blob)
	if err != nil {
		return nil, nil, err
	}
	arn := keyARN(c.Region, e.account, e.keyID)
	if ref == "" {
		ref = arn
	}
	key, err := k.key(c, ref, anyAlias)
	if err != nil {
		if strings.HasPrefix(ref, "arn:") && ref == arn && k.latest(arn) == nil {
			return nil, nil, errCiphertext() // of another Region
		}
		return nil, nil, err
	}
	if key.ARN != arn {
		return nil, nil, apiErrorf("IncorrectKeyException", 0,
			"The key ID in the request does not identify a CMK that can perform this operation.")
	}
	return key, e, nil
}

func errDryRun() *APIError {
	return apiErrorf("DryRunOperationException", 0, "The request would have succeeded, but the DryRun option is set.")
}
