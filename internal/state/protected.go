package state

// Protected returns the keys that are protected, by ARN, and the name each was protected under. A key stays protected
// after it lost the alias that named it: an alias is easily moved.
func (tx *Tx) Protected() (map[string]string, error) {
	arns, _, err := getJSON[map[string]string](tx.bucket(bucketMeta), []byte("protected"))
	return arns, err
}

// SetProtected stores the protected keys.
func (tx *Tx) SetProtected(arns map[string]string) error {
	return putJSON(tx.bucket(bucketMeta), []byte("protected"), arns)
}
