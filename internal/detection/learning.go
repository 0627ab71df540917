package detection

import (
	"strings"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/usage"
)

// Taught says whom an event teaches of.
type Taught int

// Whom an event teaches of.
const (
	Nobody      Taught = iota // a call that failed, or of another service
	OfPrincipal               // a call that uses no key on data: where the principal calls from
	OfKey                     // a cryptographic call: of the principal, too
)

// Learning is what an event teaches of the key it is about and of its principal.
func Learning(ev *events.Event) (u baseline.Use, of Taught) {
	if ev.EventSource != kmsSource || ev.Failed() {
		return u, Nobody
	}
	network, endpoint := source(ev)
	u = baseline.Use{
		At: ev.EventTime, Principal: baseline.IDOf(ev.UserIdentity.PrincipalARN()), Network: uint64(network),
	}
	if endpoint != "" {
		u.Network = uint64(baseline.IDOf(endpoint))
	}
	if _, ok := usage.Operation(ev.EventName); !ok {
		return u, OfPrincipal
	}
	u.Decrypts = ev.EventName == "Decrypt" || ev.EventName == "ReEncrypt" && leaves(ev)
	u.Symmetric = takesContext(ev)
	var context baseline.ContextMaker
	for name, value := range ev.RawEncryptionContext().Members() {
		context.Add(name, value.Text())
	}
	u.Context = context.Context()
	return u, OfKey
}

// leaves reports whether a ReEncrypt moves what it reads to a key of another account. Within one nobody gets to see it.
func leaves(ev *events.Event) bool {
	return ev.TargetKey.ARN != "" && arnPart(ev.TargetKey.ARN, arnAccount) != arnPart(ev.Key.ARN, arnAccount)
}

// takesContext reports whether a cryptographic call could have had an encryption context: with a symmetric key that
// encrypts. The record of one with another key names the key's algorithm.
func takesContext(ev *events.Event) bool {
	var algorithm string
	switch ev.EventName {
	case "Decrypt", "Encrypt":
		algorithm = "encryptionAlgorithm"
	case "ReEncrypt":
		algorithm = "sourceEncryptionAlgorithm"
	default:
		return strings.HasPrefix(ev.EventName, "GenerateDataKey")
	}
	used := ev.RequestParameters.Get(algorithm).Text()
	return used == "" || used == "SYMMETRIC_DEFAULT"
}
