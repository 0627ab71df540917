package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
)

const externalOrigin = "EXTERNAL"

// warnings are how long before imported material expires it is told, the earliest first; each once an episode.
func warnings() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{30 * day, 14 * day, 7 * day, day}
}

func materialExpiring() Check {
	return Check{
		ID: "material-expiring", Title: "Imported key material expires soon", Severity: finding.High,
		Judge: judgeMaterialExpiring,
		Doc: Doc{
			Meaning: "At the date set when it was imported KMS deletes the key's material. From then on the key " +
				"cannot encrypt or decrypt anything, until exactly the same bytes are imported again.",
			Condition: "A customer managed key with imported material whose ValidTo is within 30 days. Told when 30, " +
				"14, 7 and 1 days are left, each once. Replicas are judged by themselves: each has its own date. Not " +
				"judged: AWS managed keys, keys without material (material-missing), keys scheduled for deletion.",
			Tuning:         "None.",
			FalsePositives: "A key that is meant to end this way.",
			Response:       "Import the same material again with a later date, or without one.",
		},
	}
}

func judgeMaterialExpiring(c *KeyContext) Verdict {
	if v, ok := c.customerKey(); !ok {
		return v
	}
	k := c.Key
	switch {
	case k.Origin != externalOrigin:
		return notJudged("the key's material is not imported")
	case k.State == "PendingImport":
		return notJudged("the key has no material that could expire")
	case deleting(k):
		return notJudged("the key is scheduled for deletion")
	case k.ValidTo == nil:
		return inOrder("the imported material does not expire")
	}
	left := k.ValidTo.Sub(c.Now)
	points, within := passed(left)
	if len(points) == 0 {
		return inOrder("the imported material expires at " + stamp(*k.ValidTo))
	}
	when := fmt.Sprintf("expires at %s, in %s", stamp(*k.ValidTo), days(left))
	title := "The imported key material expires within " + within
	if left <= 0 {
		title = "The imported key material expires at any moment"
		when = "was to expire at " + stamp(*k.ValidTo) + ": KMS deletes it at any moment"
	}
	t := c.on()
	v := drift(title, fmt.Sprintf("The imported material of %s %s. Then the key works no more, and nothing that it "+
		"has encrypted can be read, until exactly the same material is imported again.", t.name(), when),
		reimport(t)...)
	v.Finding.Points = points
	return v
}

// passed names the warnings that are due with so much time left, and the last of them.
func passed(left time.Duration) (points []string, last string) {
	for _, w := range warnings() {
		if left <= w {
			last = days(w)
			points = append(points, last)
		}
	}
	return points, last
}
