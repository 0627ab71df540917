package awssim

// newKMS is the KMS service: its operations are registered here.
func newKMS(s *Sim) *service {
	return &service{
		name:     "kms",
		protocol: awsJSON{contentType: "application/x-amz-json-1.1", rename: jsonErrorNames},
		ops:      map[string]operation{},
	}
}
