package state

import "rotd/internal/remediation"

// Breaker returns the circuit breaker as it stands.
func (tx *Tx) Breaker() (remediation.Breaker, error) {
	b, _, err := getJSON[remediation.Breaker](tx.bucket(bucketMeta), []byte("breaker"))
	return b, err
}

// SetBreaker keeps the circuit breaker.
func (tx *Tx) SetBreaker(b remediation.Breaker) error {
	return putJSON(tx.bucket(bucketMeta), []byte("breaker"), b)
}
