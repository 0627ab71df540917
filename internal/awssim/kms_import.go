package awssim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// importToken is what GetParametersForImport gave: it is good for one key, for a day.
type importToken struct {
	arn       string
	validTo   time.Time
	algorithm types.AlgorithmSpec
	key       *rsa.PrivateKey
}

const (
	importWithin    = 24 * time.Hour
	materialAtMost  = 365 * 24 * time.Hour
	maxImportTokens = 1000
)

// WrappingKeys are the RSA keys that material is wrapped with, one of each size, made when first asked for. To make one
// takes a second: simulators may share them.
type WrappingKeys struct {
	mu   sync.Mutex
	keys map[int]*rsa.PrivateKey // by bits
}

func (w *WrappingKeys) of(bits int) (*rsa.PrivateKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if key := w.keys[bits]; key != nil {
		return key, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("make a wrapping key: %w", err)
	}
	if w.keys == nil {
		w.keys = map[int]*rsa.PrivateKey{}
	}
	w.keys[bits] = key
	return key, nil
}

type getParametersForImportInput struct {
	keyInput
	WrappingAlgorithm types.AlgorithmSpec
	WrappingKeySpec   types.WrappingKeySpec
}

// getParametersForImport gives a public key to wrap material with. The simulator has one for each size.
func (k *KMS) getParametersForImport(c *kmsCall, in getParametersForImportInput) (any, error) {
	key, err := k.importable(c, in.KeyID)
	if err != nil {
		return nil, err
	}
	bits := map[types.WrappingKeySpec]int{
		types.WrappingKeySpecRsa2048: 2048, types.WrappingKeySpecRsa3072: 3072, types.WrappingKeySpecRsa4096: 4096,
	}[in.WrappingKeySpec]
	if bits == 0 || in.WrappingAlgorithm != types.AlgorithmSpecRsaesOaepSha256 {
		return nil, apiErrorf("ValidationException", 0, "awssim wraps with RSAES_OAEP_SHA_256 under an RSA key alone")
	}
	private, err := k.wrapping.of(bits)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	if len(k.imports) >= maxImportTokens {
		clear(k.imports)
	}
	token := randomHex(64)
	t := importToken{key.ARN, c.now.Add(importWithin), in.WrappingAlgorithm, private}
	k.imports[token] = t
	c.response = fields{"keyId": key.ARN}
	return wire(fields{
		"KeyId": key.ARN, "ImportToken": base64.StdEncoding.EncodeToString([]byte(token)),
		"PublicKey": base64.StdEncoding.EncodeToString(public), "ParametersValidTo": t.validTo,
	}), nil
}

// importable is the key a call names, if it takes imported material.
func (k *KMS) importable(c *kmsCall, ref string) (*KMSKey, error) {
	key, err := k.key(c, ref, ownKey)
	switch {
	case err != nil:
		return nil, err
	case key.Origin != types.OriginTypeExternal || !key.symmetric():
		return nil, unsupported(key, "origin is "+string(key.Origin)+", key spec "+string(key.Spec)+
			" which is not valid for this operation.")
	case key.deleting() || key.State == types.KeyStateCreating:
		return nil, invalidState(key, "is "+stateWords(key.State))
	}
	return key, nil
}

type importKeyMaterialInput struct {
	keyInput
	ImportToken, EncryptedKeyMaterial string // base64
	ValidTo                           *float64
	ExpirationModel                   types.ExpirationModelType
	ImportType                        types.ImportType
}

// importKeyMaterial unwraps material and associates it: the first enables the key, further material waits for a
// rotation on demand, and for the same material in all replicas.
func (k *KMS) importKeyMaterial(c *kmsCall, in importKeyMaterialInput) (any, error) {
	key, err := k.importable(c, in.KeyID)
	if err != nil {
		return nil, err
	}
	secret, err := k.unwrap(c, key, &in)
	if err != nil {
		return nil, err
	}
	validTo, err := in.validTo(c.now)
	if err != nil {
		return nil, err
	}
	kind := in.ImportType
	if kind == "" {
		kind = types.ImportTypeExistingKeyMaterial
		if len(key.Materials) == 0 && !key.replica() {
			kind = types.ImportTypeNewKeyMaterial
		}
	}
	var id string
	if kind == types.ImportTypeNewKeyMaterial {
		id, err = k.importNew(c, key, secret, validTo)
	} else {
		id, err = k.importAgain(c, key, secret, validTo)
	}
	if err != nil {
		return nil, err
	}
	c.Effect = true
	return c.answers(fields{"KeyId": key.ARN, "KeyMaterialId": id}), nil
}

func (k *KMS) unwrap(c *kmsCall, key *KMSKey, in *importKeyMaterialInput) (secret [32]byte, err error) {
	raw, err := base64.StdEncoding.DecodeString(in.ImportToken)
	token, known := k.imports[string(raw)]
	switch {
	case err != nil || !known || token.arn != key.ARN:
		return secret, apiErrorf("InvalidImportTokenException", 0, "The import token is not one for %s", key.ARN)
	case token.validTo.Before(c.now):
		return secret, apiErrorf("ExpiredImportTokenException", 0, "The import token expired at %s", token.validTo)
	}
	wrapped, err := base64.StdEncoding.DecodeString(in.EncryptedKeyMaterial)
	if err != nil {
		return secret, apiErrorf("InvalidCiphertextException", 0, "The encrypted key material cannot be decrypted")
	}
	plain, err := rsa.DecryptOAEP(sha256.New(), nil, token.key, wrapped, nil)
	switch {
	case err != nil:
		return secret, apiErrorf("InvalidCiphertextException", 0, "The encrypted key material cannot be decrypted")
	case len(plain) != len(secret):
		return secret, apiErrorf("IncorrectKeyMaterialException", 0, "The key material is %d bytes long, not %d",
			len(plain), len(secret))
	}
	copy(secret[:], plain)
	return secret, nil
}

func (in *importKeyMaterialInput) validTo(now time.Time) (time.Time, error) {
	if in.ExpirationModel == types.ExpirationModelTypeKeyMaterialDoesNotExpire {
		if in.ValidTo != nil {
			return time.Time{}, apiErrorf("ValidationException", 0, "ValidTo with material that does not expire")
		}
		return time.Time{}, nil
	}
	if in.ValidTo == nil {
		return time.Time{}, apiErrorf("ValidationException", 0, "ValidTo is required with material that expires")
	}
	at := time.Unix(int64(*in.ValidTo), 0).UTC()
	if at.Before(now) || at.Sub(now) > materialAtMost {
		return time.Time{}, apiErrorf("ValidationException", 0, "ValidTo must lie within 365 days from now")
	}
	return at, nil
}

// importNew associates material that the key never had.
func (k *KMS) importNew(c *kmsCall, key *KMSKey, secret [32]byte, validTo time.Time) (string, error) {
	switch {
	case key.replica():
		return "", unsupported(key, "is a replica key: new material goes to the primary key first.")
	case key.withSecret(secret) != nil:
		return "", apiErrorf("IncorrectKeyMaterialException", 0, "The key material was imported before")
	case key.waiting() != nil:
		return "", invalidState(key, "has key material pending rotation")
	case key.State == types.KeyStatePendingImport && len(key.Materials) > 0:
		return "", invalidState(key, "lacks key material it had")
	}
	sum := sha256.Sum256(append([]byte(key.ID), secret[:]...))
	m := KMSMaterial{ID: hex.EncodeToString(sum[:]), Imported: true, ValidTo: validTo, secret: secret}
	next := key.clone()
	switch {
	case len(key.Materials) == 0:
		m.State = types.KeyMaterialStateCurrent
		if next.State == types.KeyStatePendingImport {
			next.State = types.KeyStateEnabled
		}
	case len(key.ReplicaRegions) > 0:
		m.State = types.KeyMaterialStatePendingMultiRegionImportAndRotation
		k.announce(c, key, m)
	default:
		m.State = types.KeyMaterialStatePendingRotation
	}
	next.Materials = append(next.Materials, m)
	k.store(next, c.now)
	return m.ID, nil
}

// announce makes the replicas know material that they are to be given.
func (k *KMS) announce(c *kmsCall, key *KMSKey, m KMSMaterial) {
	m.Imported, m.ValidTo = false, time.Time{}
	for _, region := range key.ReplicaRegions {
		if replica := k.latest(key.arnIn(region)); replica != nil {
			next := replica.clone()
			next.Materials = append(next.Materials, m)
			k.store(next, c.now)
		}
	}
}

// importAgain gives a key material that it has or had, or a replica what its primary has.
func (k *KMS) importAgain(c *kmsCall, key *KMSKey, secret [32]byte, validTo time.Time) (string, error) {
	next := key.clone()
	if next.withSecret(secret) == nil && key.replica() {
		if primary := k.latest(key.arnIn(key.PrimaryRegion)); primary != nil {
			if m := primary.withSecret(secret); m != nil {
				next.Materials = append(next.Materials, *m)
			}
		}
	}
	m := next.withSecret(secret)
	if m == nil {
		return "", apiErrorf("IncorrectKeyMaterialException", 0, "The key material is not that which the key had")
	}
	m.Imported, m.ValidTo = true, validTo
	id := m.ID
	if next.State == types.KeyStatePendingImport && next.importedWhole() {
		next.State = types.KeyStateEnabled
	}
	k.store(next, c.now)
	k.allImported(c, next, id)
	return id, nil
}

// allImported lets material be rotated to once the primary and all replicas have it.
func (k *KMS) allImported(c *kmsCall, key *KMSKey, id string) {
	primary := k.latest(key.arnIn(key.PrimaryRegion))
	if !key.multiRegion() || primary == nil {
		return
	}
	related := []*KMSKey{primary}
	for _, region := range primary.ReplicaRegions {
		if replica := k.latest(primary.arnIn(region)); replica != nil {
			related = append(related, replica)
		}
	}
	for _, r := range related {
		m := r.material(id)
		if m == nil || !m.Imported || m.State != types.KeyMaterialStatePendingMultiRegionImportAndRotation {
			return
		}
	}
	for _, r := range related {
		next := r.clone()
		next.material(id).State = types.KeyMaterialStatePendingRotation
		k.store(next, c.now)
	}
}

// withSecret is the material with these bytes, nil for none.
func (k *KMSKey) withSecret(secret [32]byte) *KMSMaterial {
	i := slices.IndexFunc(k.Materials, func(m KMSMaterial) bool { return m.secret == secret })
	if i < 0 {
		return nil
	}
	return &k.Materials[i]
}

// waiting is material that has been imported and is not in use yet, nil for none.
func (k *KMSKey) waiting() *KMSMaterial {
	i := slices.IndexFunc(k.Materials, func(m KMSMaterial) bool {
		return m.State == types.KeyMaterialStatePendingRotation ||
			m.State == types.KeyMaterialStatePendingMultiRegionImportAndRotation
	})
	if i < 0 {
		return nil
	}
	return &k.Materials[i]
}
