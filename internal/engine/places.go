package engine

import (
	"fmt"
	"strings"

	"rotd/internal/awskms"
	"rotd/internal/awss3"
	"rotd/internal/detection"
)

// Place is one account and Region with the client that sees it.
type Place struct {
	Account string
	Region  string
	KMS     *awskms.Client
	// Emergency is the client that makes the calls of emergency actions, with a role of its own; nil: KMS makes them.
	Emergency *awskms.Client
	// EmergencyStore moves objects with that role; nil: the daemon's own role does.
	EmergencyStore *awss3.Client
	// OrgPath is where the account is in the organization; empty: not known.
	OrgPath string
}

// acting is the client that makes the calls of what a person or rotd itself asks for.
func (p *Place) acting(emergency bool) *awskms.Client {
	if emergency && p.Emergency != nil {
		return p.Emergency
	}
	return p.KMS
}

// storeFor is the client that moves objects to a key, nil when there is none.
func (e *Engine) storeFor(to string, emergency bool) *awss3.Client {
	place, err := e.placeOf(to)
	if emergency && err == nil && place.EmergencyStore != nil {
		return place.EmergencyStore
	}
	return e.store
}

// String names the place for people.
func (p *Place) String() string { return p.Account + " in " + p.Region }

// Places are the accounts and Regions the engine looks after.
func (e *Engine) Places() []Place { return *e.places.Load() }

// placeOf returns the place a key belongs to.
func (e *Engine) placeOf(arn string) (*Place, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return nil, fmt.Errorf("%q is no key ARN", arn)
	}
	places := *e.places.Load()
	for i := range places {
		if places[i].Account == parts[4] && places[i].Region == parts[3] {
			return &places[i], nil
		}
	}
	return nil, fmt.Errorf("account %s in %s is not among the configured accounts and Regions", parts[4], parts[3])
}

// hasPlace reports whether an account and Region is among those that rotd looks after.
func (e *Engine) hasPlace(account, region string) bool {
	for _, p := range e.Places() {
		if p.Account == account && p.Region == region {
			return true
		}
	}
	return false
}

// inPlace reports whether a key is one that rotd can read.
func (e *Engine) inPlace(arn string) bool {
	_, err := e.placeOf(arn)
	return err == nil
}

// regions tells the Regions that the engine looks after from others; nil when it looks after none.
func (e *Engine) regions() func(region string) bool {
	looked := make(map[string]bool)
	for _, p := range e.Places() {
		looked[p.Region] = true
	}
	if len(looked) == 0 {
		return nil
	}
	return func(region string) bool { return looked[region] }
}

// RestsOn tells what rotd's own work rests on: rules watch over it.
func (e *Engine) RestsOn(i *detection.Itself) { e.itself.Store(i) }

// SetPlaces replaces the accounts and Regions: the next sweep reads the new ones.
func (e *Engine) SetPlaces(places []Place) { e.places.Store(&places) }
