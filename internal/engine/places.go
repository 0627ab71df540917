package engine

import (
	"fmt"
	"strings"

	"rotd/internal/awskms"
)

// Place is one account and Region with the client that sees it.
type Place struct {
	Account string
	Region  string
	KMS     *awskms.Client
}

// String names the place for people.
func (p *Place) String() string { return p.Account + " in " + p.Region }

// placeOf returns the place a key belongs to.
func (e *Engine) placeOf(arn string) (*Place, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return nil, fmt.Errorf("%q is no key ARN", arn)
	}
	for i := range e.places {
		if e.places[i].Account == parts[4] && e.places[i].Region == parts[3] {
			return &e.places[i], nil
		}
	}
	return nil, fmt.Errorf("account %s in %s is not among the configured accounts and Regions", parts[4], parts[3])
}

// inPlace reports whether a key is one that rotd can read.
func (e *Engine) inPlace(arn string) bool {
	_, err := e.placeOf(arn)
	return err == nil
}
