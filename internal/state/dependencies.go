package state

import "time"

// Dependency is something that rotd cannot work without and that a KMS key may encrypt: a queue, a topic, objects.
type Dependency struct {
	What    string    `json:"what"`             // for people: `the queue https://…`
	Account string    `json:"account"`          // where it is, and so its key unless Key says otherwise
	Region  string    `json:"region"`           //
	Key     string    `json:"key,omitempty"`    // as the service names it: id, ARN, alias; empty: none, or not known
	Stored  bool      `json:"stored,omitempty"` // objects stay encrypted under the key when others are not any more
	AskedAt time.Time `json:"asked_at"`
	Error   string    `json:"error,omitempty"` // why the service did not say, when last asked: Key is from before
}

// Dependencies returns what rotd depends on, as far as it is known.
func (tx *Tx) Dependencies() ([]Dependency, error) {
	all, _, err := getJSON[[]Dependency](tx.bucket(bucketMeta), []byte("dependencies"))
	return all, err
}

// SetDependencies keeps what rotd depends on.
func (tx *Tx) SetDependencies(all []Dependency) error {
	return putJSON(tx.bucket(bucketMeta), []byte("dependencies"), all)
}
