package detection

import (
	"time"

	"rotd/internal/baseline"
)

// Numbers that rules compare with, and where they come from. Windows are of event time. Those that configuration may
// change are parameters; rules name them by their place.

// disorder is how late an event may come after later ones and still be counted with them: CloudTrail delivers within
// minutes, and a queue hands its messages out in any order.
const disorder = 15 * time.Minute

// counted is how many of a kind memory counts up to: it keeps 64.
const counted = 60

// first is the place of a rule's only parameter.
const first = 0

// A job that does something each working day is one that somebody was told of on three of them, within the first week.
const (
	habitDays = 3
	habitSpan = 28 * 24 * time.Hour
)

// One key is put out of use for a reason, two may be a pair; three within minutes are no maintenance that anybody
// watches. The numbers are the catalogue's.
func massParams() []Param {
	return []Param{{"keys", "keys", 3, 2, counted, "this many keys put out of use within 10 minutes are told of"}}
}

const (
	massWindow = 10 * time.Minute
	// newlyMade is how young a key is whose maker may take it away: an environment for a test lives for hours.
	newlyMade = 24 * time.Hour
)

// AWS services make a grant or two for each volume, instance or database, and do not count. What is left are people and
// pipelines, whose grants are few: fifty within an hour are a script.
func grantParams() []Param {
	return []Param{{"grants", "grants", 50, 2, counted, "this many grants within an hour are told of"}}
}

const burstWindow = time.Hour

// Five refusals in five minutes: a person who tries out what is allowed makes them, a person who mistypes does not.
func deniedParams() []Param {
	return []Param{{"refusals", "calls", 5, 2, counted, "this many refused calls within 5 minutes are told of"}}
}

const (
	deniedWindow = 5 * time.Minute
	// deniedFollow is for how long after them a success still belongs to them: who has found a way in uses it soon.
	deniedFollow = time.Hour
)

// Forty different questions about keys in ten minutes: the console's pages of a few keys ask fewer, a tool that takes
// stock of an account asks more.
func readingParams() []Param {
	return []Param{{
		"questions", "questions", 40, 5, counted, "this many different questions about keys within 10 minutes are told of",
	}}
}

const readingWindow = 10 * time.Minute

// A key used fifty times within an hour of its creation by its creator: services that are set up use theirs a few
// times, whoever encrypts what others stored uses it for each object.
func newKeyParams() []Param {
	return []Param{{"calls", "calls", 50, 2, counted, "this many calls within an hour of the key's creation are told of"}}
}

const newKeyWindow = time.Hour

// idleLeast is the shortest idle time a policy can ask for: what was used since then is not looked up.
const idleLeast = 24 * time.Hour

// DefaultLearning is how long a key's use is learnt before rules compare with it: two of every day of the week, so that
// a weekly job is usual.
const DefaultLearning = 14 * 24 * time.Hour

// firstDay is for how long a principal is new to a key: what it reads in that time is what it came for.
const firstDay = 24 * time.Hour

// strangerFor is for how long a principal is one that nobody knows: who makes a role to steal with uses it soon.
const strangerFor = 7 * 24 * time.Hour

// Parameters of principal-first-seen. A principal that reads fewer different things within an hour may be trying out
// whether a key works. An application that starts reads less than ten secrets or parameters; objects are read by the
// hundred by whoever lists a bucket. From three new principals within four weeks on another is nothing unusual, and ten
// on a key share it: another one is no stranger there.
const (
	strangerSecrets = iota
	strangerObjects
	strangerContexts
	restless
	sharedByMany
)

func strangerParams() []Param {
	return []Param{
		strangerSecrets: {
			"secrets", "secrets, parameters or volumes", 10, 2, 500,
			"a stranger that decrypts this many within an hour is MEDIUM",
		},
		strangerObjects: {
			"objects", "S3 objects or log files", 100, 2, 1000, "a stranger that decrypts this many within an hour is MEDIUM",
		},
		strangerContexts: {
			"contexts", "encryption contexts, or calls without one", 5, 1, counted,
			"a stranger that decrypts this many within an hour is MEDIUM",
		},
		restless: {"newcomers", "principals", 3, 1, 16, "on a key that got this many within four weeks nobody is new"},
		sharedByMany: {
			"shared", "principals", 10, 1, 500, "on a key that this many use nobody is a stranger",
		},
	}
}

// several is how many things of a class make use of a key.
func (c *Context) several(class baseline.Class) int {
	switch class {
	case baseline.Secrets, baseline.Parameters, baseline.Volumes:
		return c.param(strangerSecrets)
	case baseline.Objects, baseline.Logs:
		return c.param(strangerObjects)
	case baseline.NoContext, baseline.Services, baseline.Own:
	}
	return c.param(strangerContexts)
}

// settledNetworks is up to how many networks a principal calls from that moves seldom. People, and roles that many
// people or hosts share, call from more. Two rules go by it.
const settledNetworks = 8

// Hundred calls with an encryption context make one without it strange.
func bareParams() []Param {
	return []Param{{
		"calls", "calls", 100, 10, 1_000_000, "after this many, all with an encryption context, one without it is told of",
	}}
}

// instanceKnown is for how long the network of an EC2 instance is remembered that calls no more.
const instanceKnown = 14 * 24 * time.Hour

// Parameters of decrypt-spike. First, how many different things of a class a principal reads within an hour before
// anybody compares. In a recorded attack (2023-07-10, invictus-ir's aws_dataset) it was 20 secrets and 42 parameters;
// an application that starts reads less than ten of either; objects are read by the hundred, by people and nightly
// jobs. On a day a person reads some secrets now and then; twice what nobody looks at within an hour is more than that.
// Then what is far above the usual. Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993, call 3.5 spreads
// an outlier of one sample; a fleet has thousands of samples a day. At the end of a month jobs that hardly vary have
// twice as much to do. A nightly job that did not run for a week has eight times as much. A pipeline that deploys
// another service for the first time may read some times the most it ever has.
const (
	spikeSecrets = iota
	spikeParameters
	spikeVolumes
	spikeObjects
	spikeContexts
	spikeDay
	spikeTimes
	spikeSpreads
	spikeGrowth
	spikeBacklog
	spikeRelease
)

// least is from how many different things of a class on hours are remembered: what is usual of fewer nobody knows.
func least(class baseline.Class) int { return baseline.Small(class) + 1 }

func spikeParams() []Param {
	const floor = "fewer within an hour are never told of"
	return []Param{
		spikeSecrets:    {"secrets", "secrets", 15, least(baseline.Secrets), 500, floor},
		spikeParameters: {"parameters", "parameters", 25, least(baseline.Parameters), 500, floor},
		spikeVolumes:    {"volumes", "volumes", 25, least(baseline.Volumes), 500, floor},
		spikeObjects:    {"objects", "S3 objects", 1500, least(baseline.Objects), 2500, floor},
		spikeContexts:   {"contexts", "other encryption contexts", 100, least(baseline.Own), 2500, floor},
		spikeDay: {
			"day", "times the secrets and parameters", 2, 1, 100, "fewer within a day are never told of",
		},
		spikeTimes:   {"times", "times the median", 3, 1, 100, "more than this is far above what is usual"},
		spikeSpreads: {"spreads", "median absolute deviations", 6, 1, 100, "further above the median than this is far"},
		spikeGrowth: {
			"growth", "times the most ever", 2, 1, 100, "more than this is far above what is not usual at all",
		},
		spikeBacklog: {
			"backlog", "times the median", 8, 1, 100, "up to this a job that reads in bulk around this time of the day is LOW",
		},
		spikeRelease: {
			"release", "times the most ever", 4, 1, 100, "up to this a role that reads in bulk now and then is LOW",
		},
	}
}

const (
	// spikeSeldom is up to how many days say nothing of what is usual: then it is the most ever that counts, with
	// whichever key. With up to spikeFew days it counts, too: a pipeline that is used at any time has no usual one.
	spikeSeldom = 1
	spikeFew    = 6
)

// spikeFloor is how many different things of a class are compared at all; 0: no number of them is a spike.
func (c *Context) spikeFloor(class baseline.Class) int {
	switch class {
	case baseline.Secrets:
		return c.param(spikeSecrets)
	case baseline.Parameters:
		return c.param(spikeParameters)
	case baseline.Volumes:
		return c.param(spikeVolumes)
	case baseline.Objects:
		return c.param(spikeObjects)
	case baseline.Services, baseline.Own:
		return c.param(spikeContexts)
	case baseline.NoContext, baseline.Logs: // tools read all of them
	}
	return 0
}

// farAbove is what a count has to exceed to be far above what is usual.
func (c *Context) farAbove(usual baseline.Robust) int {
	const madToSigma = 1.4826 // of a normal distribution
	spread := max(float64(usual.Spread), float64(usual.Median)/10)
	spreads := float64(c.param(spikeSpreads))
	return max(int(float64(usual.Median)+spreads*madToSigma*spread), c.param(spikeTimes)*usual.Median)
}
