package detection

import (
	"fmt"
	"strings"
	"time"

	"rotd/internal/finding"
)

const deadLettersID = "dead-letter-queue-not-empty"

func deadLetterEntries() []Entry {
	return []Entry{{
		ID: deadLettersID, Kind: KindSelf, Title: "Messages lie in the dead-letter queue", Severity: finding.Medium,
		Ends: "When the dead-letter queue is empty.",
		Doc: Doc{
			Meaning: "SQS gave up on messages: rotd could not read them, or could not work while they were tried. What they " +
				"tell of has perhaps been judged by nobody.",
			Condition: "The dead-letter queue of a configured queue holds messages (ApproximateNumberOfMessages, read about " +
				"once a minute). Where rotd may not ask (sqs:GetQueueAttributes on that queue) it is not known.",
			Response: "See why (rotd quarantine list); move them back when rotd was at fault (aws sqs " +
				"start-message-move-task), else purge the dead-letter queue.",
		},
	}}
}

// DeadLetters says that messages lie in a queue's dead-letter queue, about so many.
func DeadLetters(queueURL, deadLetterARN string, messages int64, at time.Time) finding.Finding {
	f := own(deadLettersID, finding.Medium, finding.Subject{Type: finding.Queue, ID: queueURL}, "", at)
	f.Title = "Messages lie in the dead-letter queue"
	lie := fmt.Sprintf("About %d messages lie", messages)
	if messages == 1 {
		lie = "A message lies"
	}
	name := deadLetterARN[strings.LastIndexByte(deadLetterARN, ':')+1:]
	f.Description = fmt.Sprintf("%s in %s, the dead-letter queue of %s: received again and again, and never done with. "+
		"rotd could not read them, or could not work while they were tried. What they tell of has perhaps been judged by "+
		"nobody; SQS deletes them when their time is over.", lie, shown(name), shown(queueURL))
	f.Remedy = []string{
		"See whether they are what rotd could not decode; the quarantine has copies and says why:",
		"rotd quarantine list",
		"If rotd was at fault and works again, move them back into the queue:",
		awsCLI("sqs start-message-move-task", f.Region, "source-arn", deadLetterARN),
		"rotd status",
	}
	return f
}
