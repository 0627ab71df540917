package state

import "time"

// Organization is what AWS Organizations last told of its accounts.
type Organization struct {
	ListedAt  time.Time `json:"listed_at"`            // when they were last listed
	LastError string    `json:"last_error,omitempty"` // why listing them failed since
	Accounts  []Member  `json:"accounts"`
}

// Member is one account of the organization.
type Member struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	State string `json:"state"` // ACTIVE, SUSPENDED …
	Path  string `json:"path,omitempty"`
}

// Organization returns what is known of the organization; zero when it was never listed.
func (tx *Tx) Organization() (Organization, error) {
	o, _, err := getJSON[Organization](tx.bucket(bucketMeta), []byte("organization"))
	return o, err
}

// PutOrganization keeps what is known of the organization.
func (tx *Tx) PutOrganization(o *Organization) error {
	return putJSON(tx.bucket(bucketMeta), []byte("organization"), o)
}
