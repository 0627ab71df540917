package detection

import (
	"fmt"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func attestationDebug() Rule {
	return Rule{
		ID: "attestation-debug", Title: "An enclave in debug mode was given a key's use",
		Severity: finding.High, Wants: wants("Decrypt", "GenerateDataKey", "GenerateDataKeyPair", "DeriveSharedSecret",
			"GenerateRandom"),
		PerPrincipal: true, Judge: judgeAttestationDebug,
		Doc: Doc{
			Meaning: "A Nitro enclave in debug mode proved to KMS that it is an enclave, and nothing more: its measurements " +
				"are all zero, its console can be read from outside, and any other image would have passed as well.",
			Condition: "A KMS call that succeeded with an attestation document (additionalEventData.recipient) whose image " +
				"digest, PCR0, is all zero, and so are PCR1 and PCR2 where the record has them.",
			Tuning:         "`detections.severity` where enclaves are developed; production keys should never see one.",
			FalsePositives: "Development of enclaves, with keys of their own.",
			Response: "If this is no test, end the enclave. Bind the key policy to the image: a condition on " +
				"kms:RecipientAttestation:ImageSha384, which no debug enclave meets.",
		},
	}
}

func judgeAttestationDebug(c *Context, ev *events.Event) []Found {
	if ev.AdditionalEventData == nil || ev.Failed() {
		return nil
	}
	proof := ev.AdditionalEventData.Get("recipient")
	if proof == nil || !isZero(proof.Get("attestationDocumentEnclaveImageDigest").Text()) {
		return nil
	}
	for _, name := range [...]string{"attestationDocumentEnclavePCR1", "attestationDocumentEnclavePCR2"} {
		if pcr := proof.Get(name).Text(); pcr != "" && !isZero(pcr) {
			return nil
		}
	}
	t := c.target(ev)
	module := proof.Get("attestationDocumentModuleId").Text()
	if module == "" {
		module = "an enclave that the record does not name"
	} else {
		module = "enclave " + shown(module)
	}
	return one(Found{
		About: t,
		Description: fmt.Sprintf("%s with the attestation of %s, whose measurements are all zero: it runs in "+
			"debug mode. Its console can be read from outside, and any other image would have passed as well.",
			called(ev, &t), module),
		Remedy: []string{
			"If this is no test, end the enclave on its instance:",
			"nitro-cli describe-enclaves",
			"Bind the key policy to the image, with a condition on kms:RecipientAttestation:ImageSha384:",
			t.cli("get-key-policy", "policy-name", "default"),
		},
	})
}

// isZero reports whether a measurement is all zero, in hexadecimal or, as some records have it, in base64.
func isZero(measurement string) bool {
	return measurement != "" && (strings.Trim(measurement, "0") == "" ||
		strings.Trim(strings.TrimRight(measurement, "="), "A") == "")
}
