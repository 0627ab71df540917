//go:build race

package engine

import "time"

// within is how long a test waits for what must come: under the race detector a loaded machine is slow, not wrong.
const within = time.Minute
