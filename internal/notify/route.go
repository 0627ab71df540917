package notify

import "rotd/internal/finding"

// Topic is one SNS topic.
type Topic struct {
	ARN         string
	MinSeverity finding.Severity
	Format      string // FormatText or FormatJSON
}

// Formats of messages.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// Route returns the topics that an alert goes to: those whose threshold it reaches. What ends an episode, or an action
// that answers a finding, goes wherever the finding went; a digest goes to every topic, once.
func Route(topics []Topic, a Alert) []Topic {
	var to []Topic
	for _, t := range topics {
		if a.Kind == InventoryDigest || a.weight() >= t.MinSeverity {
			to = append(to, t)
		}
	}
	return to
}

// Render writes a group the way a topic wants it.
func (t Topic) Render(g Group) Message {
	if t.Format == FormatJSON {
		return JSON(g)
	}
	return Text(g)
}
