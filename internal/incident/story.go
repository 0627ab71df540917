package incident

import (
	"slices"

	"rotd/internal/finding"
)

// Story is a course of events that is known, and what to do about it first.
type Story struct {
	Name    string
	Title   string
	AtLeast finding.Severity // what happened is at least so grave, whatever its findings are by themselves
	// Do is what to do, in this order. Commands have {key} for each key that its last step is about, and {incident}.
	Do, Commands []string

	first []string // rules
	then  []string // rules of what comes after, or at the same time; none: the first alone tell the story
	tie   tie      // of what comes first with what comes then
	keys  int      // of the first, on so many keys
}

// tie is what two findings of a story have to have in common.
type tie int

const (
	sameWho   tie = iota
	sameKey       // and somebody else
	whichever     // what made them one incident
)

// Rules that stand for the same step of a story.
var (
	blinding    = []string{"trail-blinded", "intake-tampered"}
	destruction = []string{
		"key-disabled", "key-deletion-scheduled", "key-deletion-window-short", "key-mass-destruction", "material-deleted",
		"key-policy-owner-removed", "key-store-changed",
	}
	deletion  = []string{"key-deletion-scheduled", "key-deletion-window-short", "material-deleted"}
	destroyed = []string{"key-pending-deletion", "key-deleted", "material-missing", "material-expired"}
	hostage   = []string{"new-key-bulk-use", "foreign-key-encryption"}
	openPaths = []string{
		"key-policy-made-public", "key-policy-shared-externally", "grant-to-outsider", "grant-delegates", "grant-burst",
	}
	newcomers = []string{
		"cross-account-use", "principal-first-seen", "principal-not-allowed", "network-first-seen", "network-not-allowed",
		"region-unexpected",
	}
	stolen = []string{"instance-credentials-elsewhere", "network-first-seen", "network-not-allowed", "root-used-key"}
	taking = []string{"decrypt-spike", "cross-account-use", "dormant-key-used"}
)

const (
	revoke   = "revoke the role's sessions in IAM, or deactivate the access key."
	stopThem = "Stop whoever does it: " + revoke
	contain  = "rotd contain {key} --incident {incident} --dry-run"
	uses     = "rotd keys usage {key}"
	bring    = "Cancel deletions and enable keys, those in use first: each key's finding has the commands."
	undelete = "rotd contain {key} --cancel-deletion --incident {incident} --reason 'nobody meant to delete it'"
)

// Stories are all that are known, the gravest first: of several that fit, the first is told.
func Stories() []Story { //nolint:funlen // a table
	return []Story{
		{
			Name: "blinded-then-destroyed", Title: "A trail was blinded, then keys were put out of use",
			AtLeast: finding.Critical, first: blinding, then: destruction, tie: sameWho,
			Do: []string{
				stopThem + " Less and less of what they do is seen.",
				"Put the trail's selectors and logging back: the trail's finding has the commands.",
				bring,
				"Look for what was done while nothing was recorded: a sweep reads all keys as they are.",
			},
			Commands: []string{"rotd sweep inventory", contain},
		},
		{
			Name: "destroyed-one-after-another", Title: "Key after key is put out of use",
			AtLeast: finding.Critical, first: []string{"key-mass-destruction"}, tie: whichever,
			Do: []string{
				stopThem,
				bring + " A deletion can be cancelled until its day; imported material that was deleted has to be imported again.",
				"If it is a pipeline that runs wild, stop it, and undo the same way.",
			},
			Commands: []string{contain},
		},
		{
			Name: "held-hostage", Title: "Data was encrypted under a strange key, now a key is to be deleted",
			AtLeast: finding.High, first: hostage, then: deletion, tie: sameWho,
			Do: []string{
				"Cancel the deletion first, and do not disable the key: while it decrypts, nothing is lost.",
				stopThem,
				"Copy what was encrypted back under your own key before anything else happens to the strange one.",
			},
			Commands: []string{undelete, uses},
		},
		{
			Name: "read-then-destroyed", Title: "Data was taken out, then keys are put out of use",
			AtLeast: finding.Critical, first: []string{"decrypt-spike"}, then: destruction, tie: sameWho,
			Do: []string{
				stopThem,
				bring,
				"Find out what was decrypted: that is read, whatever is done now, and may be held for ransom.",
			},
			Commands: []string{contain, uses},
		},
		{
			Name: "encrypted-under-another-accounts-key", Title: "Data is encrypted under another account's key",
			AtLeast: finding.High, first: []string{"foreign-key-encryption"}, tie: whichever,
			Do: []string{
				stopThem + " It goes on, object after object.",
				"Whoever has that key decides who can read what is under it: copy it back under your own key while you can, or " +
					"restore earlier versions.",
				"Deny the use of other accounts' keys where the data is: by its bucket's policy.",
			},
			Commands: []string{"rotd findings list --rule foreign-key-encryption"},
		},
		{
			Name: "encrypted-under-a-new-key", Title: "Data is encrypted under a key made just before",
			AtLeast: finding.High, first: []string{"new-key-bulk-use"}, tie: whichever,
			Do: []string{
				stopThem + " It goes on, object after object.",
				"Do not disable the new key: what is under it would be lost. Make sure that it stays yours.",
				"Find out which objects are under it, and copy them back under the key that they were under.",
			},
			Commands: []string{uses},
		},
		{
			Name: "opened-then-used", Title: "A way to a key was opened, and a newcomer came in",
			AtLeast: finding.High, first: openPaths, then: newcomers, tie: sameKey,
			Do: []string{
				"Shut the way in: narrow the key policy again or revoke the grant; the first finding has the commands.",
				"Find out what the newcomer decrypted. What was read stays read: data keys have to be made anew.",
				"Find out who opened it, and stop whoever that is if nobody meant it.",
			},
			Commands: []string{contain, uses},
		},
		{
			Name: "refused-then-let-in", Title: "Somebody was refused again and again, and then let in",
			AtLeast: finding.High, first: []string{"denied-burst"},
			then: slices.Concat(newcomers, taking, []string{"reconnaissance"}), tie: sameWho,
			Do: []string{
				"Ask whether somebody mended this principal's permissions just now. If so, this is its proof.",
				"If not, somebody found where stolen credentials fit: " + revoke,
				"See what it got.",
			},
			Commands: []string{uses, contain},
		},
		{
			Name: "acts-as-rotd", Title: "Somebody else acts with rotd's role",
			AtLeast: finding.High, first: []string{"rotd-role-misused"}, tie: whichever,
			Do: []string{
				"Revoke the sessions of rotd's role in IAM; rotd gets new credentials by itself.",
				"Find out who may assume the role, and from where it was done; tighten its trust policy.",
				"Undo what was done: each finding has the commands.",
			},
			Commands: []string{"rotd status", "rotd sweep inventory"},
		},
		{
			Name: "stolen-then-read", Title: "Somebody unusual takes out much more than is usual",
			AtLeast: finding.High, first: slices.Concat(stolen, newcomers), then: taking, tie: sameWho,
			Do: []string{
				"Ask whoever it is, by another way than e-mail, whether this is their doing.",
				"If not: " + revoke,
				"Find out what was decrypted: that is read, whatever is done now.",
			},
			Commands: []string{uses, contain},
		},
		{
			Name: "rotation-off-widely", Title: "Rotation is switched off for key after key",
			first: []string{"rotation-turned-off", "rotation-period-extended"}, tie: whichever, keys: 2,
			Do: []string{
				"Ask who did it. Somebody who has stolen material keeps it good this way.",
				"Switch it on again: each key's finding has the command, or says that rotd does it.",
				"If nobody meant it: " + revoke,
			},
			Commands: []string{"rotd findings list --rule rotation-turned-off"},
		},
		{
			Name: "put-out-of-use", Title: "A key is put out of use, step by step",
			first: destruction, then: destruction, tie: sameWho,
			Do: []string{
				"Cancel the deletion and enable the key, then ask: the findings have the commands, and what was meant can be " +
					"done again.",
				"Ask whoever did it, by another way than e-mail, whether it was meant.",
				"If not: " + revoke,
			},
			Commands: []string{contain},
		},
	}
}

// noStory is what to do about findings that only have something in common.
func noStory() *Story {
	return &Story{
		Do: []string{
			"Read them together: one principal or key behind several findings is seldom chance.",
			"Ask whoever did it whether it is meant. If nobody knows, take the credentials for stolen.",
		},
		Commands: []string{contain, uses},
	}
}

// Tells is the story that an incident which rotd opened is about; one without a name when none fits.
func (a *Automatic) Tells() *Story { return storyNamed(a.Story) }

// storyNamed is the story with a name, noStory without.
func storyNamed(name string) *Story {
	for _, s := range Stories() {
		if s.Name == name {
			return &s
		}
	}
	return noStory()
}

// Affected are the keys that the story's last step is about, ARNs; without such a step all keys.
func (i *Incident) Affected() []string {
	s := i.Automatic.Tells()
	last := s.then
	if len(last) == 0 {
		last = s.first
	}
	var keys []string
	for _, m := range i.Automatic.Members {
		if m.Key != "" && slices.Contains(last, m.RuleID) && !slices.Contains(keys, m.Key) {
			keys = append(keys, m.Key)
		}
	}
	if len(keys) == 0 {
		return i.Keys
	}
	return keys
}

// Rules are the ids of the rules that tell the story.
func (s *Story) Rules() []string { return slices.Concat(s.first, s.then) }

// storyOf is the first story that findings tell; nil when they tell none.
func storyOf(members []Member) *Story {
	for _, s := range Stories() {
		if s.fits(members) {
			return &s
		}
	}
	return nil
}

func (s *Story) fits(members []Member) bool {
	if len(s.then) == 0 {
		on := map[string]bool{}
		for i := range members {
			if slices.Contains(s.first, members[i].RuleID) {
				on[members[i].Subject.ID] = true
			}
		}
		return len(on) >= max(s.keys, 1)
	}
	for i := range members {
		for k := range members {
			first, then := &members[i], &members[k]
			if i != k && !then.At.Before(first.At) && slices.Contains(s.first, first.RuleID) &&
				slices.Contains(s.then, then.RuleID) && s.tie.holds(first, then) {
				return true
			}
		}
	}
	return false
}

func (t tie) holds(first, then *Member) bool {
	switch t {
	case sameWho:
		return first.Principal != "" && first.Principal == then.Principal
	case sameKey:
		return first.Key != "" && oneKey(first.Key) == oneKey(then.Key) && first.Principal != then.Principal
	case whichever:
	}
	return true
}
