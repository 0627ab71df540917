package config

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/suggest"
)

// The parts of the layout about what is judged and who is told.

func detections(d *Detections, ruleIDs []string) shape {
	return object{fields: []field{
		{
			key: "disable", doc: "Ids of rules and checks that are not judged.",
			value: texts(&d.Disable, "the id of a rule or check", checkRule(ruleIDs)),
		},
		{key: "severity", doc: "Severities by id, instead of the defaults.", value: dict{
			want: "rule or check ids to severities",
			key:  checkRule(ruleIDs),
			value: func(id string) shape {
				return severity(func(s finding.Severity) {
					if d.Severity == nil {
						d.Severity = map[string]finding.Severity{}
					}
					d.Severity[id] = s
				})
			},
		}},
		{
			key:   "learning",
			doc:   "For how long the use of a key, and a principal's calls, are learnt before rules compare with them.",
			value: duration(&d.Learning, 0, 90*day),
		},
		{key: "tuning", doc: "What rules compare with, by rule, instead of the defaults.", value: tuning(&d.Tuning)},
		{
			key: "rules", doc: "Files of rules of your own: paths or patterns such as rules/*.yaml, relative to this file.",
			value: texts(&d.Rules, "a path or a pattern", checkSaid),
		},
	}}
}

// tuning is each rule's parameters. What is not said keeps its default.
func tuning(t *detection.Tuning) shape {
	var rules []field
	for _, r := range detection.Tunable() {
		var params []field
		for _, p := range r.Params {
			params = append(params, field{
				key: p.Name, doc: fmt.Sprintf("In %s, %d by default: %s.", p.Unit, p.Default, p.Doc),
				value: integerFor(func(value int) {
					if *t == nil {
						*t = detection.Tuning{}
					}
					if (*t)[r.ID] == nil {
						(*t)[r.ID] = map[string]int{}
					}
					(*t)[r.ID][p.Name] = value
				}, p.Min, p.Max),
			})
		}
		rules = append(rules, field{key: r.ID, doc: "Parameters of " + r.ID + ".", value: object{fields: params}})
	}
	return object{fields: rules}
}

func severity(keep func(finding.Severity)) shape {
	var names []string
	for s := finding.Informational; s <= finding.Critical; s++ {
		names = append(names, s.String())
	}
	return scalar{
		want: enumerate(names), text: stringText,
		about: map[string]any{"type": "string", "enum": names},
		set: func(value string) error {
			s, err := finding.ParseSeverity(value)
			if err != nil {
				return fmt.Errorf("%q is not %s%s", shorten(value), enumerate(names), suggest.DidYouMean(value, names))
			}
			keep(s)
			return nil
		},
	}
}

func checkRule(known []string) func(string) error {
	if len(known) == 0 {
		return matching(ruleName, "the id of a rule or check, such as rotation-turned-off")
	}
	return func(s string) error {
		if slices.Contains(known, s) {
			return nil
		}
		return fmt.Errorf("%q is not a rule or check of this version%s", shorten(s), suggest.DidYouMean(s, known))
	}
}

func alerts(a *Alerts) shape {
	return object{fields: []field{
		{key: "topics", doc: "SNS topics.", value: list[Topic]{
			fresh: func() Topic { return Topic{MinSeverity: finding.Medium, Format: "text"} },
			shape: topic,
			keep:  func(t Topic) { a.Topics = append(a.Topics, t) },
			id:    func(t Topic) string { return t.ARN },
		}},
		{
			key: "group_wait", doc: "What is found about one key within this time goes out together.",
			value: duration(&a.GroupWait, 0, time.Hour),
		},
		{
			key:   "incident_wait",
			doc:   "What else happens in an incident is told once in so long; what makes it graver at once.",
			value: duration(&a.IncidentWait, 0, day),
		},
		{
			key: "repeat_interval", doc: "A finding about rotd itself that stays open is told again; 0: never.",
			value: duration(&a.RepeatInterval, 0, 30*day),
		},
		{
			key: "heartbeat", doc: "An INFORMATIONAL alert that rotd is at work, with the audit log's head; 0: never.",
			value: duration(&a.Heartbeat, 0, 30*day),
		},
	}}
}

func topic(t *Topic) shape {
	return object{fields: []field{
		{
			key: "arn", doc: "The topic's ARN.", value: text(&t.ARN, "a topic's ARN", checkTopic),
			need: "arn: arn:aws:sns:<region>:<account>:<name>",
		},
		{
			key: "min_severity", doc: "Nothing below it goes there.",
			value: severity(func(s finding.Severity) { t.MinSeverity = s }),
		},
		{
			key: "format", doc: "For people or for programs.",
			value: word(&t.Format, []string{"text", "json"}, []string{"chat"}),
		},
	}}
}
