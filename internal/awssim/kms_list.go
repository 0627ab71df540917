package awssim

import (
	"encoding/base64"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// pageInput is where a listing goes on and how far.
type pageInput struct {
	Limit  *int
	Marker string
}

// size is how many items a page may have.
func (p pageInput) size(usual, most int) (int, error) {
	if p.Limit == nil {
		return usual, nil
	}
	if *p.Limit < 1 || *p.Limit > most {
		return 0, apiErrorf("ValidationException", 0, "1 validation error detected: Value '%d' at 'limit' failed to "+
			"satisfy constraint: Member must be between 1 and %d", *p.Limit, most)
	}
	return *p.Limit, nil
}

// after is the last item of the page before, "" for the first page.
func (p pageInput) after() (string, error) {
	if p.Marker == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Marker)
	if err != nil {
		return "", apiErrorf("InvalidMarkerException", 0, "Could not deserialize marker '%s'", p.Marker)
	}
	return string(b), nil
}

// paged is a page of a listing, with the marker of the next if there is one.
func paged(name string, items []fields, more bool, last string) fields {
	answer := fields{name: items, "Truncated": more}
	if more {
		answer["NextMarker"] = base64.RawURLEncoding.EncodeToString([]byte(last))
	}
	return answer
}

func (k *KMS) listKeys(c *kmsCall, in pageInput) (any, error) {
	if err := k.authorizeAny(c); err != nil {
		return nil, err
	}
	size, err := in.size(100, 1000)
	if err != nil {
		return nil, err
	}
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	seen := c.now.Add(-k.opts.StaleFor)
	ids, more := k.index(k.keyIDs, c.account(), c.Region).page(after, size, func(id string) bool {
		return k.keys[keyARN(c.Region, c.account(), id)].history.seenAt(seen) != nil
	})
	items := make([]fields, len(ids))
	for i, id := range ids {
		items[i] = fields{"KeyId": id, "KeyArn": keyARN(c.Region, c.account(), id)}
		after = id
	}
	return wire(paged("Keys", items, more, after)), nil
}

type listKeyRotationsInput struct {
	keyInput
	pageInput
	IncludeKeyMaterial types.IncludeKeyMaterial
}

func (k *KMS) listKeyRotations(c *kmsCall, in listKeyRotationsInput) (any, error) {
	key, err := k.readKey(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if !key.symmetric() || key.CustomKeyStoreID != "" {
		return nil, unsupported(key, "does not support key rotation.")
	}
	if in.IncludeKeyMaterial != "" && in.IncludeKeyMaterial != types.IncludeKeyMaterialAllKeyMaterial &&
		in.IncludeKeyMaterial != types.IncludeKeyMaterialRotationsOnly {
		return nil, invalidValue("includeKeyMaterial", string(in.IncludeKeyMaterial))
	}
	size, err := in.size(100, 1000)
	if err != nil {
		return nil, err
	}
	var entries []fields
	for _, m := range key.Materials {
		if in.IncludeKeyMaterial == types.IncludeKeyMaterialAllKeyMaterial || !m.RotationDate.IsZero() {
			entries = append(entries, key.rotation(m))
		}
	}
	start, err := in.offset(len(entries))
	if err != nil {
		return nil, err
	}
	end := min(start+size, len(entries))
	return wire(paged("Rotations", entries[start:end], end < len(entries), strconv.Itoa(end))), nil
}

func (p pageInput) offset(n int) (int, error) {
	after, err := p.after()
	if err != nil || after == "" {
		return 0, err
	}
	offset, err := strconv.Atoi(after)
	if err != nil || offset < 0 || offset > n {
		return 0, apiErrorf("InvalidMarkerException", 0, "Could not deserialize marker '%s'", p.Marker)
	}
	return offset, nil
}

// rotation is one material as ListKeyRotations tells it.
func (key *KMSKey) rotation(m KMSMaterial) fields {
	f := fields{"KeyId": key.ID, "KeyMaterialId": m.ID, "KeyMaterialState": m.State}
	setTime(f, "RotationDate", m.RotationDate)
	if m.RotationType != "" {
		f["RotationType"] = m.RotationType
	}
	if key.Origin != types.OriginTypeExternal {
		return f
	}
	f["ImportState"] = types.ImportStatePendingImport
	if m.Imported {
		f["ImportState"], f["ExpirationModel"] = types.ImportStateImported, expirationModel(&m)
		setTime(f, "ValidTo", m.ValidTo)
	}
	return f
}
