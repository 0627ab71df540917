package detection

import "time"

// Numbers that rules compare with, and where they come from. Windows are of event time.

// disorder is how late an event may come after later ones and still be counted with them: CloudTrail delivers within
// minutes, and a queue hands its messages out in any order.
const disorder = 15 * time.Minute

// Destruction of keys and grants.
const (
	// One key is put out of use for a reason, two may be a pair; three within minutes are no maintenance that anybody
	// watches. The numbers are the catalogue's.
	massKeys   = 3
	massWindow = 10 * time.Minute
	// AWS services make a grant or two for each volume, instance or database, and do not count. What is left are people
	// and pipelines, whose grants are few: fifty within an hour are a script. It follows no baseline yet.
	burstGrants = 50
	burstWindow = time.Hour
)
