package awssim

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

const maxSubject = 100 // characters; SNS wants fewer

// readPublish reads and judges a message whose fields' names begin with prefix.
func readPublish(c *call, prefix string) (Published, *APIError) {
	p := Published{
		Time: c.Time, PrincipalARN: c.Principal.ARN,
		Message: c.Form.Get(prefix + "Message"), Subject: c.Form.Get(prefix + "Subject"),
		Structure: c.Form.Get(prefix + "MessageStructure"), GroupID: c.Form.Get(prefix + "MessageGroupId"),
		DeduplicationID: c.Form.Get(prefix + "MessageDeduplicationId"),
	}
	size, err := readAttributes(c, prefix, &p)
	switch {
	case err != nil:
		return p, err
	case p.Message == "":
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: Empty message")
	case size+len(p.Message) > maxPublishBytes:
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: Message too long")
	case c.Form.Has(prefix+"Subject") && !validSubject(p.Subject):
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: Subject")
	case p.Structure != "" && p.Structure != "json":
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: MessageStructure")
	}
	if p.Structure == "json" {
		if _, ok := p.textFor("default"); !ok {
			return p, apiErrorf("InvalidParameter", 0,
				"Invalid parameter: Message Structure - No default entry in JSON message body")
		}
	}
	return p, nil
}

// validSubject: ASCII that begins with a letter, number or punctuation mark, without control characters.
func validSubject(subject string) bool {
	if subject == "" || len(subject) >= maxSubject || subject[0] == ' ' {
		return false
	}
	return !strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' })
}

func readAttributes(c *call, prefix string, p *Published) (size int, err *APIError) {
	for i := 1; ; i++ {
		at := prefix + formIndex("MessageAttributes.entry", i)
		name := c.Form.Get(at + "Name")
		if name == "" {
			return size, nil
		}
		a := PublishedAttribute{
			DataType: c.Form.Get(at + "Value.DataType"), StringValue: c.Form.Get(at + "Value.StringValue"),
		}
		binary, decodeErr := base64.StdEncoding.DecodeString(c.Form.Get(at + "Value.BinaryValue"))
		if decodeErr != nil || !a.validType() {
			return 0, apiErrorf("ParameterValueInvalid", 0,
				"The message attribute '%s' has an invalid message attribute type or value.", name)
		}
		if len(binary) > 0 {
			a.BinaryValue = binary
		}
		if a.StringValue == "" && a.BinaryValue == nil {
			return 0, apiErrorf("ParameterValueInvalid", 0, "The message attribute '%s' must contain non-empty message "+
				"attribute value for message attribute type '%s'.", name, a.DataType)
		}
		if p.Attributes == nil {
			p.Attributes = map[string]PublishedAttribute{}
		}
		p.Attributes[name] = a
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
}

func (a PublishedAttribute) validType() bool {
	switch base, _, _ := strings.Cut(a.DataType, "."); base {
	case "String", "Binary":
		return true
	case "Number":
		_, err := strconv.ParseFloat(a.StringValue, 64)
		return err == nil
	}
	return false
}

// textFor is what a subscriber of that protocol gets; ok is false when a JSON structure has no string for it.
func (p *Published) textFor(protocol string) (text string, ok bool) {
	if p.Structure != "json" {
		return p.Message, true
	}
	var byProtocol map[string]any
	if json.Unmarshal([]byte(p.Message), &byProtocol) != nil {
		return "", false
	}
	if text, ok = byProtocol[protocol].(string); ok {
		return text, true
	}
	text, ok = byProtocol["default"].(string)
	return text, ok
}
