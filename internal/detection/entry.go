package detection

import (
	"fmt"
	"slices"

	"rotd/internal/finding"
)

// Kinds of entries in the catalogue.
const (
	KindRule  = "rule"  // judges events
	KindCheck = "check" // judges keys as read
	KindSelf  = "self"  // rotd about itself
	KindUsers = "user"  // a user's rule, which judges events
)

// Entry is one rule, check or finding about rotd itself as people read about it: `rotd detections list|show`,
// docs/detections.md.
type Entry struct {
	ID       string           `json:"id"`
	Kind     string           `json:"kind"`
	Title    string           `json:"title"`
	Severity finding.Severity `json:"severity"`
	Mitre    []string         `json:"mitre,omitempty"`
	Events   []string         `json:"events,omitempty"`   // a rule's: `kms.amazonaws.com: DisableKey`
	Expected string           `json:"expected,omitempty"` // a rule's: whose doing is, and how grave that is
	Ends     string           `json:"ends"`               // what ends an episode
	Remedies []string         `json:"remedies,omitempty"` // what a policy's respond may answer with
	Params   []Param          `json:"params,omitempty"`   // a rule's: what detections.tuning may change
	Doc      Doc              `json:"doc"`
}

// Catalogue returns every entry in the order of the documentation: checks, rules, rotd about itself.
func Catalogue() []Entry {
	var all []Entry
	for _, c := range Checks() {
		all = append(all, c.entry())
	}
	for _, r := range Rules() {
		all = append(all, r.entry())
	}
	return slices.Concat(all, selfEntries(), deadLetterEntries(), containedEntries(), suppressionEntries(), jobEntries(),
		usersEntries())
}

// Describe returns the entry of an id; ok is false when there is none.
func Describe(id string) (e Entry, ok bool) {
	for _, e := range Catalogue() {
		if e.ID == id {
			return e, true
		}
	}
	return Entry{}, false
}

func (check *Check) entry() Entry {
	return Entry{
		ID: check.ID, Kind: KindCheck, Title: check.Title, Severity: check.Severity, Doc: check.Doc,
		Ends: "When a sweep has read the key again and finds it in order.",
	}
}

func (r *Rule) entry() Entry {
	e := Entry{
		ID: r.ID, Kind: KindRule, Title: r.Title, Severity: r.Severity, Mitre: r.Mitre, Remedies: r.Remedies,
		Doc: r.Doc, Params: r.Params,
		Expected: r.Excused.words(r.Expected), Ends: r.ends(),
	}
	if r.Users != nil {
		e.Kind = KindUsers
	}
	for _, w := range r.Wants {
		if len(w.Names) == 0 {
			e.Events = append(e.Events, w.Source+": all")
		}
		for _, name := range w.Names {
			e.Events = append(e.Events, w.Source+": "+name)
		}
	}
	return e
}

func (x Excuse) words(severity finding.Severity) string {
	switch x {
	case Own:
		return fmt.Sprintf("Only rotd's own proven calls; they are %s. An allowed principal's are not: its "+
			"allowance is for working with the key.", severity)
	case OwnOrLet:
		return fmt.Sprintf("rotd's own proven calls, and those of principals that the key's policy allows "+
			"(`principals.allow`); they are %s.", severity)
	case Nobodys:
	}
	return "Never: whoever did it."
}

func (r *Rule) ends() string {
	quiet := "after " + days(r.QuietAfter()) + " without repetition"
	if r.Over == nil {
		return "No reading of KMS ends it; it ends " + quiet + "."
	}
	once := ""
	for i, name := range r.Inverse {
		if i == 0 {
			once = ", once after "
		} else {
			once += " or "
		}
		once += name
	}
	return "When KMS shows " + r.Ends + ": twice, five minutes apart" + once + ". Otherwise " + quiet + "."
}

// selfEntries are the findings rotd has about itself. The engine raises them (self.go has their words); configuration
// changes neither their severity nor whether they are raised.
func selfEntries() []Entry {
	return append(selfIntake(), selfWork()...)
}

// selfEntry is a finding of rotd's about itself.
func selfEntry(id, title string, sev finding.Severity, ends, meaning, condition, response string) Entry {
	return Entry{ID: id, Kind: KindSelf, Title: title, Severity: sev, Ends: ends, Doc: Doc{
		Meaning: meaning, Condition: condition, Response: response,
	}}
}

const selfQuiet = "After 24 h without repetition."

// selfIntake are those about what rotd hears and sees.
func selfIntake() []Entry {
	return []Entry{
		selfEntry("message-undecodable", "Messages cannot be decoded", finding.Medium, selfQuiet,
			"What came from a queue or bucket could not be read as a CloudTrail record and has not been judged.",
			"One finding per queue and reason, counted. HIGH when the quarantine is full and only hashes are kept.",
			"See what it is and who sends it (rotd quarantine list)."),
		selfEntry("queue-without-redrive", "A queue has no dead-letter queue", finding.Medium,
			"When the queue has a redrive policy.",
			"SQS would not keep what rotd cannot decode.", "A configured queue has no redrive policy.",
			"Give the queue a dead-letter queue with maxReceiveCount 20."),
		selfEntry("intake-silent", "No event has arrived for too long", finding.High, "When events arrive again.",
			"Between two sweeps rotd hears of nothing: nothing happens, the delivery is broken, or somebody "+
				"switched it off.",
			"No event for longer than `intake.heartbeat`. Of one account and Region: a sweep found a change there, two "+
				"hours later neither an event that tells of it had come from there nor any other, and the last one is "+
				"further back than `intake.heartbeat`, or none ever came. Silence alone says nothing of a place: it may "+
				"be a quiet one.",
			"rotd status; look at the trail and at the EventBridge rule, of the account and Region where one is named."),
		selfEntry("canary-lost", "Canaries do not come back", finding.High, "When one comes back.",
			"rotd calls KMS in each account and Region every `intake.canary` (off unless it is set) and waits for CloudTrail's "+
				"record of it: nothing that happens there reaches rotd while none comes back, however quiet or busy it is.",
			"A canary is away for longer than `intake.heartbeat` (an hour at most, twice `intake.canary` at least), and none "+
				"that was sent after it has come back. Its record counts when it is of a request that rotd made, with an access "+
				"key that it wrote down, and went through the queue, decoding and the rules. LOW where none has ever come back "+
				"within a day: a canary is a reading, which many rules and trails leave out.",
			"rotd status; look at the trail and at the EventBridge rule of that account and Region."),
		selfEntry("sweep-incomplete", "A sweep could not read everything", finding.Medium,
			"When a sweep of that kind reads everything.",
			"What was not read is as it was known before, and unknown when it never was read; nothing is called "+
				"compliant because of the sweep.",
			"A sweep ended early, or keys could not be read. HIGH when it could read no key at all: rotd is blind "+
				"there.",
			"Throttling passes; a refusal names the action that rotd's role lacks (docs/permissions.md)."),
		selfEntry(ExceptionExpiredID, "An exception has expired", finding.Medium,
			"When the exception is renewed or removed.",
			"Somebody let keys off checks until a day, and that day has come: the keys are judged again, and whoever "+
				"answered for the exception has to decide.",
			"An exception of rotd.yaml whose `expires` has passed. One finding per exception.",
			"Remove the exception, or renew it with a new `expires`."),
		selfEntry("sweep-found-what-events-missed", "A sweep found what no event told of", finding.Low, selfQuiet,
			"Events from that account and Region do not all arrive: what only they tell may be missed.",
			"A sweep found a key created, deleted or changed (state, rotation, material, policy, aliases, tags) since its "+
				"last reading, and half an hour later no event had told of it; two hours later where nothing comes from at "+
				"all, which for longer than `intake.heartbeat` is intake-silent. MEDIUM when ten or more are found together. "+
				"Where more than 10,000 changed keys wait, the oldest are judged no more and counted in the finding. rotd's "+
				"own changes and the first inventory do not count.",
			"A single one may get lost. Many: look at the trail, the EventBridge rule and the queue's policy there."),
		selfEntry("accounts-unlisted", "The organization's accounts cannot be listed", finding.Medium,
			"When they were listed.",
			"New accounts go unnoticed, and closed ones are swept in vain.",
			"AWS Organizations did not list the accounts (`organization` in rotd.yaml); those last known are swept.",
			"Let rotd's role call organizations:ListAccounts, in the management account or as a delegated administrator."),
	}
}

// selfWork are those about what rotd does, tells and keeps.
func selfWork() []Entry {
	return []Entry{
		selfEntry("rotation-missed", "A rotation or replacement by rotd is not shown by KMS, or could not be made",
			finding.High,
			"When an action of the same kind on the key succeeds; of a replacement also when its aliases are back.",
			"An action failed. HIGH when KMS was asked and does not show the effect, or a replacement is done in part: the "+
				"finding says which keys and aliases stand how; MEDIUM when KMS surely did nothing.",
			"An action ended as failed.", "rotd actions show; read what KMS shows before trying again. A replacement goes on "+
				"with the key it made: rotd replace KEY."),
		selfEntry("circuit-breaker-open", "Automatic actions have stopped: several failed in a row", finding.High,
			"When somebody resumes, or an action succeeds.",
			"Nothing is put right by itself until a person has looked.",
			"`guardrails.breaker_failures` actions failed in a row within an hour. What rotd tries again by itself on one key "+
				"counts once.",
			"See why they failed (rotd actions list), mend it, then rotd resume."),
		selfEntry("alert-undeliverable", "Alerts cannot be delivered to a topic", finding.High,
			"When the topic takes alerts again.",
			"Whoever reads that topic hears nothing.", "SNS refuses to publish for a reason that does not pass.",
			"Check the topic, its policy and its key."),
		selfEntry("outbox-overflow", "Alerts were dropped: the outbox is full", finding.High, selfQuiet,
			"Alerts found no room and will not be sent; the findings are kept.", "The outbox is full.",
			"Find out why SNS takes nothing, or what raises so many findings."),
		selfEntry("state-recovered", "The state is a new one, a restored copy or rebuilt", finding.High,
			"When a person has looked at it: `rotd resume`.",
			"What rotd knew, or learned since the copy, or what of it could not be read, is gone; nothing is done by itself "+
				"until a complete inventory and `rotd resume`.",
			"The state file was damaged and set aside at start, or a person restored a copy or rebuilt a damaged one.",
			"Find out what damaged it, then rotd resume."),
		selfEntry("state-tampered", "Somebody put hands on rotd's state file", finding.Critical,
			"When the file is whole and in its place again.",
			"rotd goes on with the file it has open; what it knows is gone when it stops. A file that is cut off mostly ends "+
				"the daemon with SIGBUS before it is looked at; the next start says `state-recovered`.",
			"The heartbeat job saw that the state's path does not lead to the open file any more (deleted, moved away, "+
				"replaced), or that the file is shorter than what is in it.",
			"rotd state backup before anything else, then find out who did it."),
		selfEntry("state-record-unreadable", "A record of the state cannot be read", finding.High, selfQuiet,
			"rotd goes on without what the record said; a key's is written anew by the next inventory.",
			"A record of the state file cannot be decoded.", "rotd sweep inventory, then rotd state check."),
		selfEntry("rule-panicked", "A detection rule failed inside rotd", finding.High, selfQuiet,
			"An event or key has not been judged by that rule; everything else went on.", "A rule or check panicked.",
			"Report it with the stack from the log."),
	}
}
