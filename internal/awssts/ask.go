package awssts

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"rotd/internal/pattern"
)

const (
	askWithin = 10 * time.Second
	maxAnswer = 16 << 10
	namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

// Identity is whom STS names.
type Identity struct {
	ARN     string // of the user, or of the session of a role
	Account string // 12 digits
	UserID  string // AIDA…, or AROA…:<session>
}

// Ask has STS answer a proof, once: there is no second attempt, and no redirect is followed.
func (p *Proof) Ask(ctx context.Context) (Identity, error) {
	response, err := p.by.client.Do(p.request.Clone(ctx))
	if err != nil {
		return Identity{}, fmt.Errorf("ask AWS STS at %s who signed: %w", p.request.URL.Host, withoutURL(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Identity{}, fmt.Errorf("ask AWS STS at %s who signed: %w", p.request.URL.Host, err)
	case response.StatusCode >= http.StatusInternalServerError || response.StatusCode == http.StatusTooManyRequests:
		return Identity{}, fmt.Errorf("AWS STS at %s cannot say who signed: it answers %s", p.request.URL.Host,
			response.Status)
	case response.StatusCode != http.StatusOK:
		return Identity{}, unproven("AWS STS at %s answers %d%s", p.request.URL.Host, response.StatusCode, reason(body))
	case !strings.HasPrefix(response.Header.Get("Content-Type"), "text/xml") || len(body) > maxAnswer:
		return Identity{}, unproven("what %s answers is not STS's", p.request.URL.Host)
	}
	return parse(body)
}

// withoutURL keeps the signature out of logs.
func withoutURL(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

var (
	errorCode = pattern.New(`^\w{1,64}$`)
	account   = pattern.New(`^\d{12}$`)
	userID    = pattern.New(`^[A-Za-z0-9]{1,128}(:[\w+=,.@-]{1,193})?$`)
	theARN    = pattern.New(`^arn:aws(-[a-z]+)*:(iam|sts)::(\d{12}):[\w+=,.@/-]{1,512}$`)
)

// element is any element of the answer.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Elements []element `xml:",any"`
}

// parse takes STS's answer, exactly as it is documented: nothing missing, twice, or elsewhere.
func parse(body []byte) (Identity, error) {
	var root element
	decoder := xml.NewDecoder(strings.NewReader(string(body)))
	if err := decoder.Decode(&root); err != nil || decoder.InputOffset() < int64(len(strings.TrimSpace(string(body)))) {
		return Identity{}, unproven("STS's answer is not one XML document")
	}
	if root.XMLName != (xml.Name{Space: namespace, Local: "GetCallerIdentityResponse"}) {
		return Identity{}, unproven("STS answers something else than GetCallerIdentity")
	}
	results := root.named("GetCallerIdentityResult")
	if len(results) != 1 {
		return Identity{}, unproven("STS's answer has not one result")
	}
	var id Identity
	seen := map[string]bool{}
	for _, e := range results[0].Elements {
		to, looks := id.member(e.XMLName.Local)
		if e.XMLName.Space != namespace || to == nil || seen[e.XMLName.Local] || len(e.Elements) > 0 ||
			!looks.MatchString(e.Text) {
			return Identity{}, unproven("STS's answer has a %s that rotd does not expect", e.XMLName.Local)
		}
		*to, seen[e.XMLName.Local] = e.Text, true
	}
	if id.ARN == "" || id.Account == "" || id.UserID == "" || theARN.FindStringSubmatch(id.ARN)[3] != id.Account {
		return Identity{}, unproven("STS's answer does not say who it is")
	}
	return id, nil
}

func (id *Identity) member(name string) (to *string, looks pattern.Pattern) {
	switch name {
	case "Arn":
		return &id.ARN, theARN
	case "Account":
		return &id.Account, account
	case "UserId":
		return &id.UserID, userID
	}
	return nil, nil
}

func (e *element) named(name string) (found []element) {
	for _, inner := range e.Elements {
		if inner.XMLName == (xml.Name{Space: namespace, Local: name}) {
			found = append(found, inner)
		}
	}
	return found
}

// reason is the code of STS's refusal, if it reads like one.
func reason(body []byte) string {
	var answer struct {
		Code string `xml:"Error>Code"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil || !errorCode.MatchString(answer.Code) {
		return ""
	}
	return " " + answer.Code
}
