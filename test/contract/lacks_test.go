package contract

// What each server is known to lack: behaviour → what it does instead. TestContract fails when an entry is no longer
// true.

func awssimLacks() map[string]string {
	return map[string]string{
		"a filter policy holds messages back": "refuses a subscription that has one, so that no test believes in it",
	}
}

func fauxqsLacks() map[string]string {
	const (
		code   = "refuses, with the code AWS.SimpleQueueService.InvalidParameterValue"
		quotes = "does not read the quotes of an ETag as the SDK writes them, and ends no upload"
	)
	return map[string]string{
		"a batch of deletes answers for each entry":         "calls a delete with a made-up receipt handle successful",
		"more than ten messages at a time are refused":      code,
		"a message over 1 MiB is refused":                   code,
		"a subject with a line break is refused":            "accepts it",
		"a subject over 100 characters is refused":          "accepts it",
		"a structured message without a default is refused": "accepts it",
		notWhole:  "accepts it",
		onlyNew:   "replaces the one there is",
		partsPut:  quotes,
		partsNew:  quotes,
		partsList: "does not know ListMultipartUploads",
		partWhole: "accepts it",

		copyTags: "copies none", copyChanged: "copies it", copyItself: "accepts it", copyParts: quotes,
	}
}

// gofakes3Lacks: it looks at no checksum but Content-MD5.
func gofakes3Lacks() map[string]string {
	return map[string]string{
		notWhole:  "accepts it",
		partWhole: "accepts it",
		partsNew:  "replaces the one there is",

		copyTags: "copies none", copyChanged: "copies it", copyItself: "accepts it",
		copyParts: "does not know UploadPartCopy",
	}
}

func goawsLacks() map[string]string {
	return map[string]string{
		"a message comes back after its visibility timeout, counted": "ApproximateReceiveCount stays 1",
		"a batch of visibility changes keeps messages away":          "does not know ChangeMessageVisibilityBatch",
		"a batch of deletes answers for each entry":                  "has codes of its own for failed entries",
		"more than ten messages at a time are refused":               "accepts it",
		"a missing queue is a typed error":                           "sends a code that the SDK has no type for",
		"a message of 1 MiB is accepted":                             "accepts 256 KiB at most",
		"a character that XML cannot carry is refused":               "accepts it",
		"a published message reaches a queue inside a notification":  "gives the notification another MessageId than the publisher",
		"attributes are part of the notification":                    "leaves them out",
		"publishing to a missing topic is a typed error":             "sends a code that the SDK has no type for",
		"a message over 256 KiB is refused":                          "accepts it",
		"a subject with a line break is refused":                     "accepts it",
		"a subject over 100 characters is refused":                   "accepts it",
		"a structured message without a default is refused":          "accepts it",
	}
}

func localKMSLacks() map[string]string {
	return map[string]string{
		"an alias moves to another key":                                             "moves it, and does not say when",
		"a deletion is scheduled, and cancelled into disabled":                      "cancels into Enabled",
		"automatic rotation has a period, 365 days by default":                      "has no period",
		"automatic rotation takes the period it is given, and says when it is next": "has no period and no next date",
		"a period under 90 days is refused":                                         "accepts it",
		"an HMAC key refuses on-demand rotation":                                    "has no HMAC keys",
		"rotation on demand gives new material and is listed":                       "has neither RotateKeyOnDemand nor ListKeyRotations",
		"old ciphertext opens after a rotation":                                     "has no RotateKeyOnDemand",
	}
}
