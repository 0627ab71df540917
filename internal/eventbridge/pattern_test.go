package eventbridge

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"rotd/internal/detection"
)

// matches is what EventBridge does with the little of its language that patterns here use: a field that is missing, and
// a list none of whose values or prefixes fit, match nothing.
func matches(t *testing.T, p *Pattern, source, detailType, eventSource, eventName string) bool {
	t.Helper()
	text, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var pattern map[string]any
	if err := json.Unmarshal(text, &pattern); err != nil {
		t.Fatal(err)
	}
	return fits(pattern, map[string]any{
		"source": source, "detail-type": detailType,
		"detail": map[string]any{"eventSource": eventSource, "eventName": eventName},
	})
}

func fits(pattern, event map[string]any) bool {
	for name, wanted := range pattern {
		var ok bool
		switch wanted := wanted.(type) {
		case map[string]any:
			inner, _ := event[name].(map[string]any)
			ok = fits(wanted, inner)
		case []any:
			value, _ := event[name].(string)
			for _, one := range wanted {
				switch one := one.(type) {
				case string:
					ok = ok || one == value
				case map[string]any:
					prefix, _ := one["prefix"].(string)
					ok = ok || name == "$or" && fits(one, event) || name != "$or" && strings.HasPrefix(value, prefix)
				}
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

const call = "AWS API Call via CloudTrail"

func TestThePatternMatchesWhatTheRulesWantAndNothingElse(t *testing.T) {
	judge := detection.NewJudge(detection.Settings{})
	pattern := New(judge.Wanted())
	for _, tt := range []struct {
		name, source, detailType, eventSource, eventName string
		want                                             bool
	}{
		{"a use of a key", "aws.kms", call, "kms.amazonaws.com", "Decrypt", true},
		{"KMS's own call", "aws.kms", "AWS Service Event via CloudTrail", "kms.amazonaws.com", "RotateKey", true},
		{"KMS's own event", "aws.kms", "KMS CMK Rotation", "", "", true},
		{"what is done to a trail", "aws.cloudtrail", call, "cloudtrail.amazonaws.com", "StopLogging", true},
		{"and in the console", "aws.sqs", "AWS Console Action via CloudTrail", "sqs.amazonaws.com", "PurgeQueue", true},
		{"an event that no rule wants", "aws.cloudtrail", call, "cloudtrail.amazonaws.com", "LookupEvents", false},
		{"another service's event of a wanted name", "aws.iam", call, "iam.amazonaws.com", "StopLogging", false},
		{"a service that no rule asks about", "aws.ec2", call, "ec2.amazonaws.com", "DeleteTrail", false},
		{"an event of somebody's own", "mine", call, "cloudtrail.amazonaws.com", "StopLogging", false},
		{"an event of KMS that is none of CloudTrail's", "aws.kms", "KMS Whatever", "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := matches(t, pattern, tt.source, tt.detailType, tt.eventSource, tt.eventName); got != tt.want {
				t.Errorf("matches: %t", got)
			}
		})
	}
	for _, r := range detection.Rules() {
		for _, w := range r.Wants {
			for _, name := range w.Names {
				source := "aws." + strings.TrimSuffix(w.Source, ".amazonaws.com")
				if !matches(t, pattern, source, call, w.Source, name) {
					t.Errorf("%s wants %s: %s, which the pattern leaves out", r.ID, w.Source, name)
				}
			}
		}
	}
}

func TestWithoutOtherServicesThereIsNoOr(t *testing.T) {
	for name, pattern := range map[string]*Pattern{
		"New":     New([]detection.Wanted{{Source: "kms.amazonaws.com"}}),
		"Sources": Sources([]detection.Wanted{{Source: "kms.amazonaws.com"}}),
	} {
		text, err := pattern.JSON()
		if err != nil || strings.Contains(string(text), "$or") || !strings.Contains(string(text), `"source":["aws.kms"]`) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

func TestAServiceOfWhichAllIsWantedHasNoNames(t *testing.T) {
	pattern := New([]detection.Wanted{{Source: "iam.amazonaws.com"}})
	if !matches(t, pattern, "aws.iam", call, "iam.amazonaws.com", "Whatever") {
		t.Error("an event of a service of which all is wanted is left out")
	}
}

func TestAPatternIsAtMostAsLongAsEventBridgeTakes(t *testing.T) {
	wanted := []detection.Wanted{{Source: "iam.amazonaws.com", Names: []string{""}}}
	text, err := New(wanted).JSON()
	if err != nil {
		t.Fatal(err)
	}
	wanted[0].Names[0] = strings.Repeat("x", MaxPattern-len(text))
	if text, err := New(wanted).JSON(); err != nil || len(text) != MaxPattern {
		t.Errorf("%d characters: %v", len(text), err)
	}
	wanted[0].Names[0] += "x"
	_, err = New(wanted).JSON()
	if long := new(TooLongError); !errors.As(err, &long) || long.Length != MaxPattern+1 {
		t.Errorf("a character more: %v", err)
	}
	if text, err := Sources(wanted).JSON(); err != nil || strings.Contains(string(text), "eventName") {
		t.Errorf("by sources alone: %s, %v", text, err)
	}
}
