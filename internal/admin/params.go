package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// params reads query parameters; what is wrong with the first of them is kept in err.
type params struct {
	values url.Values
	err    error
}

// paramsOf takes the request's parameters, which must all be known.
func paramsOf(r *http.Request, known ...string) *params {
	p := &params{}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.err = invalid("the query cannot be read: %v", err)
		return p
	}
	p.values = values
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			p.fail("unknown parameter %q; known are %s", name, strings.Join(known, ", "))
		case len(given) > 1:
			p.fail("parameter %q is given %d times", name, len(given))
		}
	}
	return p
}

func (p *params) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid(format, args...)
	}
}

func (p *params) text(name string) string { return p.values.Get(name) }

// word is a parameter that is one of some words, or Any, which is none.
func (p *params) word(name string, known ...string) string {
	value := p.text(name)
	switch {
	case value == "" || value == Any:
		return ""
	case !slices.Contains(known, value):
		p.fail("%s: %q is none of %s, %s", name, value, strings.Join(known, ", "), Any)
	}
	return value
}

func (p *params) severity(name string) finding.Severity {
	value := p.text(name)
	if value == "" {
		return finding.Informational
	}
	s, err := finding.ParseSeverity(value)
	if err != nil {
		p.fail("%s: %v", name, err)
	}
	return s
}

func (p *params) time(name string) time.Time {
	value := p.text(name)
	if value == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		p.fail("%s: %q is no RFC 3339 time such as 2026-01-02T15:04:05Z", name, value)
	}
	return t
}

// truth is true or false; false when it is not given.
func (p *params) truth(name string) bool {
	value := p.text(name)
	if value != "" && value != "true" && value != "false" {
		p.fail("%s: %q is neither true nor false", name, value)
	}
	return value == "true"
}

// ago is a time, or how long ago it was in days or hours; a month ago when it is not given.
func (p *params) ago(name string, now time.Time) time.Time {
	value := p.text(name)
	if value == "" {
		value = "30d"
	}
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour} {
		number, ok := strings.CutSuffix(value, unit)
		if n, err := strconv.ParseUint(number, 10, 16); ok && err == nil {
			return now.Add(-time.Duration(n) * length)
		}
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		p.fail("%s: %q is neither an RFC 3339 time such as 2026-01-02T15:04:05Z nor how long ago such as 30d or 36h", name,
			value)
	}
	return t
}

// seconds is a whole number of seconds up to a bound.
func (p *params) seconds(name string, most time.Duration) time.Duration {
	value := p.text(name)
	if value == "" {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || time.Duration(n)*time.Second > most {
		p.fail("%s: %q is no whole number of seconds from 0 to %d", name, value, int(most.Seconds()))
		return 0
	}
	return time.Duration(n) * time.Second
}

func (p *params) limits(schema string) Range {
	r := Range{Limit: MaxRows}
	if value := p.text("limit"); value != "" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > MaxRows {
			p.fail("limit: %q is no whole number from 1 to %d", value, MaxRows)
		}
		r.Limit = n
	}
	if value := p.text("after"); value != "" {
		after, err := openCursor(schema, value)
		if err != nil {
			p.fail("%v", err)
		}
		r.After = after
	}
	return r
}

func findingQuery(r *http.Request) (FindingQuery, error) {
	p := paramsOf(r, "status", "severity", "rule", "key", "account", "region", "since", "suppressed", "limit",
		"after")
	q := FindingQuery{
		Range:    p.limits(SchemaFindings),
		Status:   p.word("status", string(finding.Open), string(finding.Resolved)),
		Severity: p.severity("severity"),
		Rule:     p.text("rule"), Key: p.text("key"), Account: p.text("account"), Region: p.text("region"),
		Since: p.time("since"), Hidden: p.truth("suppressed"),
	}
	return q, p.err
}

func keyQuery(r *http.Request) (KeyQuery, error) {
	p := paramsOf(r, "account", "region", "state", "policy", "search", "limit", "after")
	q := KeyQuery{
		Range: p.limits(SchemaKeys), Account: p.text("account"), Region: p.text("region"), State: p.text("state"),
		Policy: p.text("policy"), Search: p.text("search"),
	}
	return q, p.err
}

func actionQuery(r *http.Request) (ActionQuery, error) {
	p := paramsOf(r, "state", "key", "since", "limit", "after")
	q := ActionQuery{
		Range: p.limits(SchemaActions), State: p.word("state", actionStates()...), Key: p.text("key"),
		Since: p.time("since"),
	}
	return q, p.err
}

func actionStates() []string {
	states := []string{Pending}
	for _, s := range []remediation.State{
		remediation.Planned, remediation.AwaitingApproval, remediation.Running, remediation.Verifying,
		remediation.Succeeded, remediation.Failed, remediation.Cancelled, remediation.Expired,
	} {
		states = append(states, string(s))
	}
	return states
}
