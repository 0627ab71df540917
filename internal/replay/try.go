package replay

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/detection"
	"rotd/internal/events/trail"
	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/span"
	"rotd/internal/userrules"
)

// Try holds a user's rule against one of its tests, staged or not. The error is ctx's, or that the test's log file
// cannot be read.
func Try(ctx context.Context, rule detection.Rule, test *userrules.Test, policies policy.Set) (userrules.Trial, error) {
	users := *rule.Users
	users.Staged = false
	rule.Users = &users
	t := &trying{
		test: test, rule: &rule, trial: userrules.Trial{Rule: rule.ID, Test: test.Name, File: test.File, Line: test.Line},
		stream: NewStream(detection.NewJudge(detection.Settings{
			Disabled: detection.RuleIDs(), Users: []detection.Rule{rule},
		}), &Known{Policies: policies, Trusted: test.Trusted, Keys: test.Keys}),
	}
	for i, r := range test.Records {
		raw, err := t.record(i, r)
		if err != nil {
			t.problem("event %d: %v", i+1, err)
			continue
		}
		t.judge(fmt.Sprintf("event %d", i+1), raw)
	}
	if test.Trail != "" {
		number := 0
		_, err := trail.ReadFile(ctx, test.Trail, trail.Limits{}, func(raw []byte) error {
			number++
			t.judge(fmt.Sprintf("record %d of the file", number), raw)
			return nil
		})
		if err != nil {
			return t.trial, err
		}
	}
	t.compare()
	return t.trial, nil
}

// trying is one test under way.
type trying struct {
	test   *userrules.Test
	rule   *detection.Rule
	stream *Stream
	last   *finding.Finding
	trial  userrules.Trial
}

func (t *trying) problem(format string, args ...any) {
	t.trial.Problems = append(t.trial.Problems, fmt.Sprintf(format, args...))
}

// record is a whole record: what the test does not say of it is as the rule wants it.
func (t *trying) record(i int, told userrules.Record) ([]byte, error) {
	source, name := t.rule.Wants[0].Source, "Any"
	if names := t.rule.Wants[0].Names; len(names) > 0 {
		name = names[0]
	}
	r := userrules.Record{
		"eventVersion": "1.11", "eventID": fmt.Sprintf("test-%d", i+1), "eventSource": source, "eventName": name,
		"eventType": "AwsApiCall", "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
		"sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.31",
		"eventTime": t.test.Now.Add(time.Duration(i) * time.Second).Format(time.RFC3339),
	}
	maps.Copy(r, told)
	if after, ok := strings.CutPrefix(fmt.Sprint(r["eventTime"]), "+"); ok {
		d, err := span.Parse(after)
		if err != nil {
			return nil, fmt.Errorf("eventTime: %w", err)
		}
		r["eventTime"] = t.test.Now.Add(d).Format(time.RFC3339)
	}
	raw, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write the record: %w", err)
	}
	return raw, nil
}

// judge lets the rule judge a record.
func (t *trying) judge(what string, raw []byte) {
	judged, err := t.stream.Judge(raw, false)
	if err != nil {
		t.problem("%s is no record: %v", what, err)
	}
	for _, p := range judged.Panics {
		t.problem("%s: %v", what, p)
	}
	for i := range judged.Found {
		t.trial.Matches++
		t.last = &judged.Found[i]
	}
}

// compare says what came out otherwise than the test says.
func (t *trying) compare() {
	if t.trial.Matches != t.test.Matches {
		t.problem("matches: want %d, got %d", t.test.Matches, t.trial.Matches)
	}
	if t.last != nil && t.test.Severity != nil && t.last.Severity != *t.test.Severity {
		t.problem("severity: want %s, got %s", t.test.Severity, t.last.Severity)
	}
	if t.last != nil && t.test.Message != "" && t.last.Description != strings.TrimSuffix(t.test.Message, "\n") {
		t.problem("message: want %q, got %q", t.test.Message, t.last.Description)
	}
	t.trial.Passed = len(t.trial.Problems) == 0
}
