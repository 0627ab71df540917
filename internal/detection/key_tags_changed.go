package detection

import (
	"fmt"
	"maps"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
)

func keyTagsChanged() Rule {
	return Rule{
		ID: "key-tags-changed", Title: "A tag that policies match on was changed",
		Severity: finding.Low, Wants: wants("TagResource", "UntagResource"),
		Excused: OwnOrLet, PerPrincipal: true, Judge: judgeKeyTagsChanged,
		Doc: Doc{
			Meaning: "Somebody changed a tag of a key by which rotd's policies are chosen. Who may tag keys may move them " +
				"from one policy to another.",
			Condition: "TagResource or UntagResource that succeeded, on a tag that some policy's `match` or `exclude` names. " +
				"Silent when the key, as last read before the call, has the tag so already. Whether a key came under a " +
				"laxer policy key-policy-assignment-changed judges.",
			Tuning: "`principals.allow` of the policy makes a pipeline's changes expected. Match by account, Region or " +
				"organization path what a tag must not decide.",
			FalsePositives: "Infrastructure as code that sets tags.",
			Response:       "See under which policy the key is now. If nobody meant it, put the tag back.",
		},
	}
}

func judgeKeyTagsChanged(c *Context, ev *events.Event) []Found {
	if ev.Failed() || len(c.Policies) == 0 {
		return nil
	}
	changed := c.taggedAnew(ev)
	if len(changed) == 0 {
		return nil
	}
	t := c.target(ev)
	var texts []string
	for _, tag := range changed {
		if text := tag.change(t.key, ev); text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	told := strings.Join(texts[:min(len(texts), maxListed)], ", ")
	if more := len(texts) - maxListed; more > 0 {
		told += fmt.Sprintf(" and %d more", more)
	}
	return one(Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("%s changed tags of %s that policies match on: %s.", who(ev), t.name(), told),
			c.policyBy(&t, changed)),
		Remedy: []string{
			"See under which policy the key is, and who changed it:",
			"rotd config explain " + argument(t.id),
			"rotd keys show " + argument(t.id) + " --history",
			"If nobody meant it, put the tags back as they were:",
			t.cli("list-resource-tags"),
		},
	})
}

// tagChange is one tag that a call set or, with a nil value, removed.
type tagChange struct {
	name  string
	value *string
}

// taggedAnew are the tags of a call that a policy matches on.
func (c *Context) taggedAnew(ev *events.Event) []tagChange {
	var all []tagChange
	for tag := range ev.RequestParameters.Get("tags").Elements() {
		if name := tag.Get("tagKey").Text(); c.matchedOn(name) {
			value := tag.Get("tagValue").Text()
			all = append(all, tagChange{name, &value})
		}
	}
	for name := range ev.RequestParameters.Get("tagKeys").Elements() {
		if c.matchedOn(name.Text()) {
			all = append(all, tagChange{name.Text(), nil})
		}
	}
	return all
}

// matchedOn reports whether a policy matches keys by a tag.
func (c *Context) matchedOn(tag string) bool {
	for i := range c.Policies {
		if c.Policies[i].Match.OnTag(tag) {
			return true
		}
	}
	return false
}

// change says what became of a tag, "" when the key was read before the call and has it so already. A reading since
// shows what the call made of it, and not what was before.
func (tag *tagChange) change(key *inventory.Key, ev *events.Event) string {
	was, before := "", ""
	if key != nil && len(key.Tags) > 0 && key.WholeUntil().Before(ev.EventTime) {
		old, had := key.Tags[tag.name]
		switch {
		case !had && tag.value == nil, had && tag.value != nil && old == *tag.value:
			return ""
		case had:
			was, before = " from "+shown(old), " (it was "+shown(old)+")"
		}
	}
	if tag.value == nil {
		return shown(tag.name) + " removed" + before
	}
	return shown(tag.name) + was + " to " + shown(*tag.value)
}

// policyBy says under which policy the changed tags bring the key, as far as its other facts are known.
func (c *Context) policyBy(t *target, changed []tagChange) string {
	if t.key == nil || t.key.FullAt.IsZero() {
		return ""
	}
	key := *t.key
	key.Tags = maps.Clone(key.Tags)
	for _, tag := range changed {
		if tag.value == nil {
			delete(key.Tags, tag.name)
			continue
		}
		if key.Tags == nil {
			key.Tags = make(map[string]string)
		}
		key.Tags[tag.name] = *tag.value
	}
	if p := c.Policies.For(&key); p != nil {
		return "By them it comes under policy " + shown(p.Name) + "."
	}
	return "By them no policy matches it."
}
