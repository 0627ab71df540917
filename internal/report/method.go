package report

import "fmt"

// Note is a paragraph about how the report came to be.
type Note struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// methodNotes say what was judged, and what each status means.
func methodNotes(b *body) []Note {
	h := b.Head
	return []Note{
		{"Where the facts come from", "rotd reads every key of the configured accounts and Regions from KMS itself " +
			"(ListKeys, DescribeKey, GetKeyRotationStatus, ListKeyRotations, GetKeyPolicy, ListResourceTags, ListAliases) " +
			"in sweeps, and again when an event about the key arrives. This report judges what was read last, and says " +
			"of each key when that was."},
		{"How keys are judged", "Each loaded check judges each key as of the time of this report. The age of a key's " +
			"material counts from its newest rotation in ListKeyRotations, from the key's creation when there is none; " +
			"rotations listed earlier than the key was last read prove how old the material may be at most."},
		{"In order", "A check of the key's rotation read its facts and found them as the policy asks, and no other check " +
			"found anything wrong. It is never said of facts that are older than " + h.Fresh + ", denied or unread."},
		{"Not in order", "A check found that the key is not as its policy asks, or is at risk."},
		{"Excepted", "Not in order, and an exception in rotd.yaml covers it: with an author, a reason and an expiry, after " +
			"which the key is not in order again."},
		{"Not verifiable", "KMS refused a read, a fact is missing or too old. The key is called neither in order nor out " +
			"of order."},
		{"No policy", "No rotation policy of rotd.yaml matches the key: nobody has said how old its material may become."},
		{"Not judged", "What is asked does not apply, for the reason given: AWS manages the key, it is a replica judged at " +
			"its primary, it is not enabled, or its policy only watches it."},
		{"Rotation", "A rotation gives a key new material under the same id. It re-encrypts nothing and locks nobody out: " +
			"what was encrypted before stays readable with the former material, which KMS keeps."},
		{"Cost", "A key's monthly fee and that of its rotations as far as they are charged, by the price table of " +
			"rotd.yaml. Keys that AWS manages or that are scheduled for deletion are free; disabled keys, replicas and " +
			"keys in custom stores are charged. Requests are not counted."},
		{"What rotd did", auditNote(h)},
		{"This document", fmt.Sprintf("Generated at %s by rotd %s, shard %s.", stamp(h.Generated), h.Version, h.Shard)},
	}
}

// auditNote says by what the audit log can be told from one that was cut off or written anew.
func auditNote(h *Head) string {
	if h.Audit.Seq == 0 {
		return "Nothing is in rotd's audit log yet."
	}
	return fmt.Sprintf("rotd's audit log has what people asked for and rotd did. It ended with entry %d when this report "+
		"was made. `rotd audit verify --head %s` shows whether it still has what it had then.", h.Audit.Seq, h.Audit)
}
