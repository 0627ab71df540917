package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
)

const jobFailedID = "job-failed"

func jobEntries() []Entry {
	return []Entry{{
		ID: jobFailedID, Kind: KindSelf, Title: "A scheduled job fails", Severity: finding.Medium,
		Ends: "When the job succeeds.",
		Doc: Doc{
			Meaning: "What was to be kept outside of rotd is not: a snapshot of the state, the export of the audit log, a " +
				"report.",
			Condition: "A run of such a job failed. One finding for each job, which counts the failed runs.",
			Response:  "The log has the error of each run; rotd status has the newest.",
		},
	}}
}

// JobFailed says that a scheduled job failed, and why; a nil error is for its fingerprint.
func JobFailed(shard, job string, failed error, at time.Time) finding.Finding {
	f := own(jobFailedID, finding.Medium, finding.Subject{Type: finding.Rotd, ID: shard}, job, at)
	f.Title = "A scheduled job fails: " + job
	f.Description = clip(fmt.Sprintf("The job %s failed; it runs again by its schedule. What it keeps outside of rotd "+
		"grows older until then. The error: %s.", shown(job), shown(fmt.Sprint(failed))), maxDescription)
	f.Remedy = []string{"rotd status", "When the cause is mended: rotd sweep " + argument(job)}
	return f
}
