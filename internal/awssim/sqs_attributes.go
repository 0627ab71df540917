package awssim

import (
	"crypto/md5" //nolint:gosec // SQS's own checksum
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// queueAttributes are a queue's settings. raw has them as they are read back.
type queueAttributes struct {
	raw        map[string]string
	visibility time.Duration
	delay      time.Duration
	wait       time.Duration
	retention  time.Duration
	maxSize    int
	redrive    redrivePolicy
}

type redrivePolicy struct {
	DeadLetterTargetARN string  `json:"deadLetterTargetArn"`
	MaxReceiveCount     flexInt `json:"maxReceiveCount"`
}

// flexInt is a number that may come as a string.
type flexInt int

// UnmarshalJSON implements json.Unmarshaler.
func (n *flexInt) UnmarshalJSON(b []byte) error {
	i, err := strconv.Atoi(strings.Trim(string(b), `"`))
	*n = flexInt(i)
	return err
}

func defaultQueueAttributes() queueAttributes {
	a := queueAttributes{raw: map[string]string{
		"VisibilityTimeout": "30", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
		"MessageRetentionPeriod": "345600", "MaximumMessageSize": "1048576", "SqsManagedSseEnabled": "true",
	}}
	a.parse()
	return a
}

// numericAttributes are the ranges SQS allows.
var numericAttributes = map[string][2]int{
	"VisibilityTimeout": {0, 43_200}, "DelaySeconds": {0, 900}, "ReceiveMessageWaitTimeSeconds": {0, 20},
	"MessageRetentionPeriod": {60, 1_209_600}, "MaximumMessageSize": {1024, 1 << 20},
	"KmsDataKeyReusePeriodSeconds": {60, 86_400},
}

// with returns the attributes changed as asked; "" takes one away.
func (a queueAttributes) with(changes map[string]string, queues *sqsService) (queueAttributes, error) {
	out := queueAttributes{raw: maps.Clone(a.raw)}
	for name, value := range changes {
		if err := checkAttribute(name, value, queues); err != nil {
			return a, err
		}
		if value == "" {
			delete(out.raw, name)
		} else {
			out.raw[name] = value
		}
	}
	out.parse()
	return out, nil
}

func checkAttribute(name, value string, queues *sqsService) error {
	invalid := apiErrorf("InvalidAttributeValue", 0, "Invalid value for the parameter %s.", name)
	if bounds, ok := numericAttributes[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < bounds[0] || n > bounds[1] {
			return invalid
		}
		return nil
	}
	switch name {
	case "RedrivePolicy":
		var p redrivePolicy
		if value == "" {
			return nil
		}
		if json.Unmarshal([]byte(value), &p) != nil || p.MaxReceiveCount < 1 || p.MaxReceiveCount > 1000 {
			return invalid
		}
		if queues.byARN(p.DeadLetterTargetARN) == nil {
			return apiErrorf("InvalidParameterValue", 0,
				"Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", value)
		}
	case "Policy", "RedriveAllowPolicy":
		if value != "" && !jsontext.Value(value).IsValid() {
			return invalid
		}
	case "KmsMasterKeyId", "SqsManagedSseEnabled":
	default:
		return apiErrorf("InvalidAttributeName", 0, "Unknown Attribute %s.", name)
	}
	return nil
}

// parse reads the checked raw values; what is not set is zero.
func (a *queueAttributes) parse() {
	number := func(name string) int {
		n, _ := strconv.Atoi(a.raw[name])
		return n
	}
	a.visibility = time.Duration(number("VisibilityTimeout")) * time.Second
	a.delay = time.Duration(number("DelaySeconds")) * time.Second
	a.wait = time.Duration(number("ReceiveMessageWaitTimeSeconds")) * time.Second
	a.retention = time.Duration(number("MessageRetentionPeriod")) * time.Second
	a.maxSize = number("MaximumMessageSize")
	if policy := a.raw["RedrivePolicy"]; policy != "" {
		_ = json.Unmarshal([]byte(policy), &a.redrive) // checked when it was set
	}
}

// messageAttribute is a message's attribute in SQS's JSON.
type messageAttribute struct {
	DataType    string  `json:"DataType"`
	StringValue *string `json:"StringValue,omitempty"`
	BinaryValue []byte  `json:"BinaryValue,omitempty"`
}

// attributesMD5 is MD5OfMessageAttributes as SQS documents it: sorted by name, each part preceded by its length.
func attributesMD5(attrs map[string]messageAttribute) string {
	h := md5.New() //nolint:gosec // SQS's own checksum
	part := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b))) //nolint:gosec // a length
		h.Write(n[:])
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		a := attrs[name]
		part([]byte(name))
		part([]byte(a.DataType))
		if a.StringValue != nil {
			h.Write([]byte{1})
			part([]byte(*a.StringValue))
		} else {
			h.Write([]byte{2})
			part(a.BinaryValue)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
