package awssim

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
)

// awsQuery is the protocol awsQuery (SNS, STS): a form in, XML out.
type awsQuery struct {
	namespace string
	// rename maps codes common to all services to what this one calls them; nil for none.
	rename map[string]string
}

// operation is the form's Action, of a POST's body or, for a presigned request, of the URL.
func (awsQuery) operation(c *call) string {
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		return ""
	}
	if !form.Has("Action") {
		form = c.HTTP.URL.Query()
	}
	c.Form = form
	return form.Get("Action")
}

func (p awsQuery) render(c *call, result any) (*answer, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, c.Operation, p.namespace)
	if result != nil {
		start := xml.StartElement{Name: xml.Name{Local: c.Operation + "Result"}}
		if err := xml.NewEncoder(&b).EncodeElement(result, start); err != nil {
			return nil, fmt.Errorf("marshalling %T: %w", result, err)
		}
	}
	fmt.Fprintf(&b, `<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`,
		c.RequestID, c.Operation)
	return &answer{status: 200, contentType: "text/xml", body: b.Bytes()}, nil
}

func (p awsQuery) errorName(code string) string { return renamed(p.rename, code) }

func (p awsQuery) renderError(c *call, err *APIError) *answer {
	code := p.errorName(err.Code)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>`, p.namespace, err.fault())
	escapeXML(&b, code)
	b.WriteString(`</Code><Message>`)
	escapeXML(&b, err.Message)
	fmt.Fprintf(&b, `</Message></Error><RequestId>%s</RequestId></ErrorResponse>`, c.RequestID)
	status := err.status()
	if err.Code == "AccessDeniedException" {
		status = http.StatusForbidden
	}
	return &answer{status: status, contentType: "text/xml", body: b.Bytes()}
}

// escapeXML writes text; a bytes.Buffer never fails.
func escapeXML(b *bytes.Buffer, text string) { _ = xml.EscapeText(b, []byte(text)) }
