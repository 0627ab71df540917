// Package reencrypt is what moving ciphertext to another key is about: the lines of manifests and of results, the jobs
// that move blobs or objects, and how much has moved from which key to which. It calls nobody and keeps nothing: KMS is
// awskms's, S3 awss3's, the order of effects the engine's, files the command line's.
package reencrypt

// Bounds of KMS and of rotd.
const (
	MaxCiphertext = 6144     // bytes of one blob that KMS's ReEncrypt takes
	MaxLine       = 64 << 10 // bytes of one line of a manifest: a blob in base64 and two contexts fit several times
	MaxBatch      = 500      // blobs in one request to the daemon
	MaxBatchBytes = 1 << 20  // of the manifest's lines in one request, unless a single one has more
	MaxFailures   = 100      // that a job keeps with their reasons
	maxMessage    = 1024     // bytes of a reason that are kept
)

// Blob is one ciphertext and what KMS must be told to open and to seal it.
type Blob struct {
	Ciphertext []byte            `json:"ciphertext"` // base64
	Context    map[string]string `json:"context,omitempty"`
	// Source is the key that must have sealed it: id, ARN, alias or alias ARN. "": whichever KMS finds in the ciphertext.
	Source string `json:"source_key,omitempty"`
	// Destination is the new ciphertext's context; nil: the same as before.
	Destination map[string]string `json:"destination_context,omitzero"`
}

// NewContext is the context that the new ciphertext is bound to.
func (b *Blob) NewContext() map[string]string {
	if b.Destination != nil {
		return b.Destination
	}
	return b.Context
}

// Moved is a blob under its new key.
type Moved struct {
	Ciphertext []byte `json:"ciphertext,omitempty"` // none of a dry run
	From       string `json:"source_key,omitempty"` // ARN, as KMS says; none of a dry run
	To         string `json:"key,omitempty"`        // ARN
}

// Failure is why one blob or object was not moved.
type Failure struct {
	Code    string `json:"code"`    // KMS's or S3's code of the error, or one of rotd's own words
	Message string `json:"message"` // for people
}

// rotd's own codes of failures.
const (
	CodeBadLine     = "bad-line"     // of a manifest
	CodeOtherRegion = "other-region" // KMS re-encrypts within one Region
)

// Fail makes a Failure of bounded size.
func Fail(code, message string) *Failure {
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	return &Failure{Code: code, Message: message}
}

// Outcome is what became of one blob: Moved, or a Failure.
type Outcome struct {
	Moved
	Failure *Failure `json:"error,omitempty"`
}

// Result is a line of a result file: what became of one line of the manifest.
type Result struct {
	Line int    `json:"line"` // of the manifest, from 1
	ID   string `json:"id,omitempty"`
	Outcome
	DryRun bool `json:"dry_run,omitzero"` // KMS said that it would
}

// Refusal is KMS's or S3's refusal of one blob or object, said so that a person can do something about it.
func Refusal(code, message string) *Failure {
	switch code {
	case "InvalidCiphertextException":
		message = "KMS cannot open it: it is damaged or no ciphertext of KMS, its context is not the one it was sealed " +
			"with, or its key is in another Region"
	case "IncorrectKeyException":
		message = "it is sealed under another key than the source key that is named"
	case "AccessDeniedException":
		message += " (needed: kms:ReEncryptFrom on the key it is under and kms:ReEncryptTo on the destination, for rotd's " +
			"role and in the keys' policies)"
	case "DisabledException":
		message += " (enable it: aws kms enable-key)"
	case "KMSInvalidStateException":
		message += " (is it to be deleted? Cancel that, aws kms cancel-key-deletion, and enable it)"
	case "NotFoundException":
		message += " (is source_key right? An alias must have a key, in the destination's Region)"
	case "":
		code = "unknown"
	}
	return Fail(code, message)
}
