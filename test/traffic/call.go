package traffic

import (
	"strconv"
	"time"
)

// call is one API call, before it is a record.
type call struct {
	after    time.Duration // since the turn's time
	name     string
	who      *session
	from     endpoint
	region   string // "": the key's
	key      *key
	second   *key   // ReEncrypt's destination
	aliasARN string // among the resources, which KMS types as a key
	failed   *failure
	service  bool   // an AwsServiceEvent of KMS itself: no identity but the account
	request  string // JSON; "": null
	answer   string // JSON; "": null
	more     string // additionalEventData, JSON
	details  string // serviceEventDetails, JSON
	other    *other // not KMS
	shared   string // sharedEventID
}

// other is what differs in records of other services than KMS.
type other struct {
	source    string // s3.amazonaws.com
	resources string // JSON
	data      bool   // a data event
}

// failure is how a call failed. KMS hides in a denied call's record what it was about.
type failure struct {
	code, message string
	hides         bool
}

// readOnly are KMS's operations whose records say readOnly, cryptographic ones among them.
var readOnly = map[string]bool{
	"Decrypt": true, "Encrypt": true, "GenerateDataKey": true, "GenerateDataKeyWithoutPlaintext": true, "ReEncrypt": true,
	"GenerateDataKeyPair": true, "GenerateDataKeyPairWithoutPlaintext": true, "GenerateRandom": true,
	"Sign": true, "Verify": true, "GenerateMac": true, "VerifyMac": true, "GetPublicKey": true,
	"DescribeKey": true, "GetKeyPolicy": true, "GetKeyRotationStatus": true, "GetParametersForImport": true,
	"ListAliases": true, "ListGrants": true, "ListKeyPolicies": true, "ListKeyRotations": true, "ListKeys": true,
	"ListResourceTags": true, "ListRetirableGrants": true, "DescribeCustomKeyStores": true, "GetKeyLastUsage": true,
}

// withMaterial are the operations whose records name the key material used, as those of symmetric keys do since 2025.
var withMaterial = map[string]bool{
	"Decrypt": true, "Encrypt": true, "GenerateDataKey": true, "GenerateDataKeyWithoutPlaintext": true,
	"GenerateDataKeyPair": true, "GenerateDataKeyPairWithoutPlaintext": true,
}

// make sends a call's record on its way, two of them when its key is another account's.
func (s *stage) make(c call) {
	account := c.who.role.account
	if account == "" {
		account = c.key.account
	}
	owner := account
	if c.key != nil {
		owner = c.key.account
	}
	if c.region == "" {
		c.region = c.key.region
	}
	hidden := c.failed != nil && c.failed.hides
	if owner == account || hidden {
		s.record(c, account)
		return
	}
	c.shared = s.dice.uuid()
	for _, trail := range [2]string{account, owner} {
		if !s.outsider(trail) {
			s.record(c, trail)
		}
	}
}

// record writes one account's record of a call.
func (s *stage) record(c call, account string) {
	at := s.now + millis(c.after)
	s.json = s.append(s.json[:0], &c, account, at)
	r := &Record{
		JSON: append([]byte(nil), s.json...), Time: time.UnixMilli(at).UTC(),
		Source: s.source, Attack: s.attack, Own: s.own && !c.service,
	}
	s.deliver(r, at, account, c.region)
}

// append writes a record member by member in CloudTrail's order.
func (s *stage) append(b []byte, c *call, account string, at int64) []byte {
	hidden := c.failed != nil && c.failed.hides
	b = append(b, `{"eventVersion":"1.11","userIdentity":`...)
	b = appendIdentity(b, c, account)
	b = append(b, `,"eventTime":"`...)
	b = time.UnixMilli(at).UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `","eventSource":"`...)
	if c.other != nil {
		b = append(b, c.other.source...)
	} else {
		b = append(b, "kms.amazonaws.com"...)
	}
	f := fields(append(b, '"', ','))
	f.str("eventName", c.name)
	f.str("awsRegion", c.region)
	f.str("sourceIPAddress", c.from.ip)
	f.str("userAgent", c.from.agent)
	if c.failed != nil {
		f.str("errorCode", c.failed.code)
		f.str("errorMessage", c.failed.message)
	}
	f.raw("requestParameters", orNull(c.request, hidden))
	f.raw("responseElements", orNull(c.answer, c.failed != nil))
	if c.more != "" {
		f.raw("additionalEventData", c.more)
	} else if c.second != nil {
		f.open("additionalEventData")
		f.str("sourceKeyMaterialId", c.key.material)
		f.str("destinationKeyMaterialId", c.second.material)
		f.shut()
	} else if c.failed == nil && c.key != nil && c.key.material != "" && withMaterial[c.name] {
		f.open("additionalEventData")
		f.str("keyMaterialId", c.key.material)
		f.shut()
	}
	if !c.service {
		f.id("requestID", &s.dice)
	}
	f.id("eventID", &s.dice)
	f.flag("readOnly", readOnly[c.name] && !c.service)
	f.resources(c, hidden)
	if c.service {
		f.str("eventType", "AwsServiceEvent")
	} else {
		f.str("eventType", "AwsApiCall")
	}
	data := c.other != nil && c.other.data
	f.flag("managementEvent", !data)
	f.str("recipientAccountId", account)
	if c.shared != "" {
		f.str("sharedEventID", c.shared)
	}
	if c.from.vpce != "" {
		f.str("vpcEndpointId", c.from.vpce)
	}
	if c.details != "" {
		f.raw("serviceEventDetails", c.details)
	}
	if data {
		f.str("eventCategory", "Data")
	} else {
		f.str("eventCategory", "Management")
	}
	f.connection(c)
	return append(f[:len(f)-1], '}')
}

func appendIdentity(b []byte, c *call, account string) []byte {
	f := fields(b)
	switch {
	case c.service:
		f = append(f, '{')
		f.str("accountId", account)
		f.str("invokedBy", awsInternal)
	case c.who.outside != "" && account != c.who.role.account:
		return append(f, c.who.outside...)
	default:
		f = append(f, c.who.identity...)
		if !c.from.direct() {
			f.str("invokedBy", c.from.ip)
		}
	}
	return append(f[:len(f)-1], '}')
}

func orNull(value string, empty bool) string {
	if empty || value == "" {
		return "null"
	}
	return value
}

func (f *fields) id(name string, d *dice) {
	f.name(name)
	*f = append(d.appendUUID(append(*f, '"')), '"', ',')
}

func (f *fields) resources(c *call, hidden bool) {
	if c.other != nil {
		if c.other.resources != "" {
			f.raw("resources", c.other.resources)
		}
		return
	}
	if c.key == nil || hidden {
		return
	}
	f.name("resources")
	*f = append(*f, '[')
	f.resource(c.key.account, c.key.arn)
	if c.second != nil {
		f.resource(c.second.account, c.second.arn)
	}
	if c.aliasARN != "" {
		f.resource(c.key.account, c.aliasARN)
	}
	*f = append((*f)[:len(*f)-1], ']', ',')
}

func (f *fields) resource(account, arn string) {
	*f = append(*f, '{')
	f.str("accountId", account)
	f.str("type", "AWS::KMS::Key")
	f.str("ARN", arn)
	f.shut()
}

// connection is the TLS connection of whoever spoke to the service itself.
func (f *fields) connection(c *call) {
	if c.service || !c.from.direct() {
		return
	}
	host := "kms."
	if c.other != nil {
		host = c.other.source[:len(c.other.source)-len("amazonaws.com")]
	}
	f.open("tlsDetails")
	f.str("tlsVersion", "TLSv1.3")
	f.str("cipherSuite", "TLS_AES_128_GCM_SHA256")
	f.str("clientProvidedHostHeader", host, c.region, ".amazonaws.com")
	f.shut()
	if c.from.console {
		f.str("sessionCredentialFromConsole", "true")
	}
}

// denied is how KMS refuses; what the key was the record does not say, but for the message of calls other than Decrypt.
func denied(who *session, operation string, k *key) *failure {
	if operation == "Decrypt" {
		return &failure{
			code: "AccessDenied", hides: true,
			message: "The ciphertext refers to a customer master key that does not exist, does not exist in this region, " +
				"or you are not allowed to access.",
		}
	}
	return &failure{
		code: "AccessDenied", hides: true,
		message: "User: " + who.arn + " is not authorized to perform: kms:" + operation + " on resource: " + k.arn +
			" because no identity-based policy allows the kms:" + operation + " action",
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
