package state

import (
	"fmt"
	"time"

	"rotd/internal/incident"
)

// KeepIncidents is how long closed incidents are kept; open ones stay.
const KeepIncidents = KeepAudit

// Incident returns an incident by id; nil when there is none.
func (tx *Tx) Incident(id string) (*incident.Incident, error) {
	i, ok, err := getJSON[incident.Incident](tx.bucket(bucketIncidents), []byte(id))
	if err != nil || !ok {
		return nil, err
	}
	return &i, nil
}

// PutIncident stores an incident.
func (tx *Tx) PutIncident(i *incident.Incident) error {
	if err := putJSON(tx.bucket(bucketIncidents), []byte(i.ID), i); err != nil {
		return fmt.Errorf("store incident: %w", err)
	}
	return nil
}

// Incidents copies a page of incidents, newest first; see page.
func (tx *Tx) Incidents(after string, limit int, keep func(*incident.Incident) bool) (
	[]incident.Incident, string, error,
) {
	return page(tx, tx.bucket(bucketIncidents), after, limit, true, keep)
}

// Followed is an open incident that rotd opened by itself.
type Followed struct {
	ID  string    `json:"id"`
	Due time.Time `json:"due,omitzero"` // when what is new about it is to be told; zero: nothing is
}

// MaxFollowed bounds the open incidents that rotd opened by itself.
const MaxFollowed = 100

// Followed returns the open incidents that rotd opened, as they were opened.
func (tx *Tx) Followed() ([]Followed, error) {
	followed, _, err := getJSON[[]Followed](tx.bucket(bucketMeta), []byte("followed"))
	return followed, err
}

// SetFollowed keeps them.
func (tx *Tx) SetFollowed(followed []Followed) error {
	return putJSON(tx.bucket(bucketMeta), []byte("followed"), followed)
}

// dropIncidents removes incidents that were closed before the given time.
func (db *DB) dropIncidents(before time.Time) (int, error) {
	return dropEnded(db, ending[incident.Incident]{
		bucket: bucketIncidents,
		id:     func(i *incident.Incident) string { return i.ID },
		over:   func(i *incident.Incident) bool { return i.Closed != nil },
		old:    func(i *incident.Incident) bool { return i.Closed.At.Before(before) },
		remove: func(tx *Tx, i *incident.Incident) error { return tx.bucket(bucketIncidents).Delete([]byte(i.ID)) },
	})
}
