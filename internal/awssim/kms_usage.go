package awssim

import "time"

// trackingBegan is when KMS began to remember the last use of keys.
func trackingBegan() time.Time { return time.Date(2026, time.April, 23, 0, 0, 0, 0, time.UTC) }

// kmsUsage is a key's last successful cryptographic operation.
type kmsUsage struct {
	at                            time.Time
	operation, eventID, requestID string
}

// used remembers a use of the key, whose CloudTrail event is its owner's. k.mu is held.
func (k *KMS) used(c *kmsCall, key *KMSKey) {
	if e := k.keys[key.ARN]; e != nil && !c.now.Before(trackingBegan()) {
		e.usage = kmsUsage{
			at: c.now, operation: c.Operation, eventID: c.eventIDFor(key.Account), requestID: c.RequestID,
		}
	}
}

func (k *KMS) getKeyLastUsage(c *kmsCall, in keyInput) (any, error) {
	key, err := k.readKey(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	since := trackingBegan()
	if key.Created.After(since) {
		since = key.Created
	}
	last := fields{}
	if u := k.keys[key.ARN].usage; !u.at.IsZero() {
		last = fields{
			"Timestamp": u.at, "Operation": u.operation, "CloudTrailEventId": u.eventID, "KmsRequestId": u.requestID,
		}
	}
	return wire(fields{
		"KeyId": key.ID, "KeyCreationDate": key.Created, "TrackingStartDate": since, "KeyLastUsage": last,
	}), nil
}
