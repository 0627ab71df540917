//go:build !race

package engine

import "time"

// within is how long a test waits for what must come. (A broken guarantee is noticed by waiting in vain.)
const within = 15 * time.Second
