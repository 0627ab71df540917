package detection

import (
	"time"

	"rotd/internal/baseline"
)

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

// Suspicious use.
const (
	// Five refusals in five minutes: a person who tries out what is allowed makes them, a person who mistypes does not.
	deniedMany   = 5
	deniedWindow = 5 * time.Minute
	// deniedFollow is for how long after them a success still belongs to them: who has found a way in uses it soon.
	deniedFollow = time.Hour

	// Forty different questions about keys in ten minutes: the console's pages of a few keys ask fewer, a tool that
	// takes stock of an account asks more.
	readingMany   = 40
	readingWindow = 10 * time.Minute

	// A key used fifty times within an hour of its creation by its creator: services that are set up use theirs a few
	// times, whoever encrypts what others stored uses it for each object. Memory keeps 64 of a kind.
	newKeyMany   = 50
	newKeyWindow = time.Hour

	// idleLeast is the shortest idle time a policy can ask for: what was used since then is not looked up.
	idleLeast = 24 * time.Hour
)

// DefaultLearning is how long a key's use is learnt before rules compare with it: two of every day of the week, so that
// a weekly job is usual.
const DefaultLearning = 14 * 24 * time.Hour

const (
	// firstDay is for how long a principal is new to a key: what it reads in that time is what it came for.
	firstDay = 24 * time.Hour
	// restless is from how many new principals of a key within four weeks on another is nothing unusual.
	restless = 3
	// sharedByMany is from how many principals on a key is one that applications share: another one is no stranger there.
	sharedByMany = 10
	// settledNetworks is up to how many networks a principal calls from that moves seldom. People, and roles that many
	// people or hosts share, call from more.
	settledNetworks = 8
	// withContextAtLeast is how many calls with an encryption context make one without it strange.
	withContextAtLeast = 100
	// instanceKnown is for how long the network of an EC2 instance is remembered that calls no more.
	instanceKnown = 14 * 24 * time.Hour
)

// spikeFloor is how many different things of a class a principal reads within an hour before anybody compares; 0: no
// number of them is a spike. In a recorded attack (2023-07-10, invictus-ir's aws_dataset) it was 20 secrets and 42
// parameters; an application that starts reads less than ten of either.
func spikeFloor(class baseline.Class) int {
	switch class {
	case baseline.Secrets:
		return 15
	case baseline.Parameters:
		return 25
	case baseline.Volumes:
		return 25
	case baseline.Services, baseline.Own:
		return 100
	case baseline.Objects: // people read them by the hundred, and nightly jobs
		return 1500
	case baseline.NoContext, baseline.Logs: // tools read all of them
	}
	return 0
}

const (
	// spikeSpreads is how many spreads above the median is far: Iglewicz and Hoaglin, "How to Detect and Handle Outliers",
	// 1993, call 3.5 an outlier of one sample; a fleet has thousands of samples a day.
	spikeSpreads = 6
	// spikeTimes is how many times the median is far, whatever the spread: at the end of a month jobs that hardly vary
	// have twice as much to do.
	spikeTimes = 3
	// spikeSeldom is up to how many days say nothing of what is usual; then it has to be more than
	// spikeGrowth times what the principal has ever read within an hour, with whichever key. With up to spikeFew of them
	// it has to be more than that once: a pipeline that is used at any time has no usual one.
	spikeSeldom = 1
	spikeFew    = 6
	spikeGrowth = 2
	// spikeBacklog is how many times the usual a nightly job reads that did not run for a week.
	spikeBacklog = 8
	// spikeRelease is how many times the most ever a pipeline reads that deploys another service for the first time.
	spikeRelease = 4
)

// several is how many different things of a class within an hour are more than trying out whether a key works, for a
// principal on its first day with the key. An application that starts reads less than ten secrets or parameters;
// objects are read by the hundred by whoever lists a bucket.
func several(class baseline.Class) int {
	switch class {
	case baseline.Secrets, baseline.Parameters, baseline.Volumes:
		return 10
	case baseline.Objects:
		return 100
	case baseline.NoContext, baseline.Logs, baseline.Services, baseline.Own:
	}
	return 5
}

// farAbove is what a count has to exceed to be far above what is usual.
func farAbove(usual baseline.Robust) int {
	const madToSigma = 1.4826 // of a normal distribution
	spread := max(float64(usual.Spread), float64(usual.Median)/10)
	return max(int(float64(usual.Median)+spikeSpreads*madToSigma*spread), spikeTimes*usual.Median)
}
