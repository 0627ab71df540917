package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
)

func keyPendingDeletion() Check {
	return Check{
		ID: "key-pending-deletion", Title: "The key is scheduled for deletion", Severity: finding.Critical,
		Judge: judgeKeyPendingDeletion,
		Doc: Doc{
			Meaning: "KMS shows the key scheduled for deletion, whoever did it and whenever: it does not work, and " +
				"at its date it is lost with all it has encrypted.",
			Condition: "A customer managed key whose state is PendingDeletion or PendingReplicaDeletion; replicas by " +
				"themselves. Not judged: AWS managed keys.",
			Tuning: "Lower the severity where keys are deleted as a routine.",
			FalsePositives: "The planned end of a key that nothing uses. The last use told is the later of " +
				"what rotd has seen in events and of what KMS itself says.",
			Response: "If anything uses the key, cancel the deletion and enable the key.",
		},
	}
}

func judgeKeyPendingDeletion(c *KeyContext) Verdict {
	if v, ok := c.customerKey(); !ok {
		return v
	}
	k := c.Key
	if !deleting(k) {
		return inOrder("the key is not scheduled for deletion; it is " + shown(k.State))
	}
	t := c.on()
	_, used := lastUse(c.lastUsed())
	v := drift("The key is scheduled for deletion",
		sentences(fmt.Sprintf("KMS shows %s in state %s.", t.name(), k.State), c.daysLeft(),
			"It does not work, and once deleted nothing that it has encrypted can be read.", used),
		undoDeletion(t)...)
	v.told("", "key-deletion-scheduled", k, "")
	return v
}

func (c *KeyContext) daysLeft() string {
	at := c.Key.DeletionDate
	switch {
	case c.Key.State == "PendingReplicaDeletion":
		return "Its waiting time begins when the last of its replicas is deleted."
	case at == nil:
		return "KMS did not say when."
	case !at.After(c.Now):
		return fmt.Sprintf("Its time was up at %s: it is deleted at any moment.", stamp(*at))
	}
	left := at.Sub(c.Now).Round(time.Hour)
	return fmt.Sprintf("It is deleted at %s, in %s.", stamp(*at), days(left))
}
