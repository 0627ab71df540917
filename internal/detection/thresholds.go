package detection

import "time"

// Numbers that rules compare with, and where they come from. Windows are of event time.

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
