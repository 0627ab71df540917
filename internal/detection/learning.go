package detection

import (
	"strings"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/usage"
)

// Learning is what an event teaches of the key it is about; ok is false when it teaches nothing: only a successful
// cryptographic call does.
func Learning(ev *events.Event) (u baseline.Use, ok bool) {
	if ev.EventSource != kmsSource || ev.Failed() {
		return u, false
	}
	if _, ok := usage.Operation(ev.EventName); !ok {
		return u, false
	}
	network, _ := usage.Source(ev.SourceIPAddress)
	u = baseline.Use{
		At: ev.EventTime, Principal: baseline.IDOf(ev.UserIdentity.PrincipalARN()), Network: uint64(network),
		Decrypts:  ev.EventName == "Decrypt" || ev.EventName == "ReEncrypt",
		Symmetric: takesContext(ev),
	}
	var context baseline.ContextMaker
	for name, value := range ev.RawEncryptionContext().Members() {
		context.Add(name, value.Text())
	}
	u.Context = context.Context()
	return u, true
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
