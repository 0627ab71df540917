package traffic

// data is an application's own envelope encryption: data keys made and decrypted, small things encrypted whole.
func (s *stage) data(k *key) {
	who, from := s.host(k.service)
	customer := s.dice.few(k.service.customers)
	switch x := s.dice.float(); {
	case x < 0.25:
		s.useData("GenerateDataKey", who, from, k, customer)
	case x < 0.32:
		s.useData("Encrypt", who, from, k, customer)
	default:
		s.useData("Decrypt", who, from, k, customer)
	}
}

// useData is one call with the application's context; without one where the application never has any.
func (s *stage) useData(name string, who *session, from endpoint, k *key, customer int) {
	s.make(call{name: name, who: who, from: from, key: k, request: s.dataRequest(name, k, customer, k.use != forBareData)})
}

func (s *stage) dataRequest(name string, k *key, customer int, context bool) string {
	f := s.begin()
	switch name {
	case "GenerateDataKey":
		f.str("keySpec", "AES_256")
		f.str("keyId", k.alias)
	case "Encrypt":
		f.str("encryptionAlgorithm", algorithm)
		f.str("keyId", k.alias)
	default:
		f.str("encryptionAlgorithm", algorithm)
	}
	if context {
		f.open("encryptionContext")
		f.str("application", k.service.name)
		f.named("customer", "c-", customer, "")
		f.shut()
	}
	return f.whole()
}

// signature is a key signing tokens or releases; a few verify through KMS, most with the public key.
func (s *stage) signature(k *key) {
	who, from := s.host(k.service)
	f := s.begin()
	f.str("keyId", k.alias)
	name := "Sign"
	switch x := s.dice.float(); {
	case x < 0.04:
		s.make(call{name: "GetPublicKey", who: who, from: from, key: k, request: f.whole()})
		return
	case x < 0.15:
		name = "Verify"
	}
	f.str("messageType", "DIGEST")
	if k.spec == "RSA_2048" {
		f.str("signingAlgorithm", "RSASSA_PSS_SHA_256")
	} else {
		f.str("signingAlgorithm", "ECDSA_SHA_256")
	}
	s.make(call{name: name, who: who, from: from, key: k, request: f.whole()})
}

func (s *stage) mac(k *key) {
	who, from := s.host(k.service)
	f := s.begin()
	f.str("keyId", k.alias)
	f.str("macAlgorithm", "HMAC_SHA_256")
	name := "VerifyMac"
	if s.dice.chance(0.3) {
		name = "GenerateMac"
	}
	s.make(call{name: name, who: who, from: from, key: k, request: f.whole()})
}
