package queue

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// sourceARNs are the ARNs that a queue's policy lets send by aws:SourceArn: EventBridge rules, topics, buckets. What
// cannot be read names none.
func sourceARNs(policy string) []string {
	var document struct{ Statement jsontext.Value }
	if policy == "" || json.Unmarshal([]byte(policy), &document) != nil {
		return nil
	}
	type statement struct {
		Effect    string
		Condition map[string]map[string]jsontext.Value
	}
	var all []string
	for _, s := range oneOrMany[statement](document.Statement) {
		if s.Effect != "Allow" {
			continue
		}
		for _, conditions := range s.Condition {
			for name, value := range conditions {
				if strings.EqualFold(name, "aws:SourceArn") {
					all = append(all, oneOrMany[string](value)...)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// oneOrMany reads what a policy document may have once or as a list; none of it when it cannot be read.
func oneOrMany[T any](value jsontext.Value) (all []T) {
	if value.Kind() == '[' {
		if json.Unmarshal(value, &all) != nil {
			return nil
		}
		return all
	}
	var one T
	if len(value) == 0 || json.Unmarshal(value, &one) != nil {
		return nil
	}
	return []T{one}
}
