package main

import (
	"fmt"
	"time"
)

// progress tells on stderr what is going on: on a terminal in one line that is written over, else a line per change.
type progress struct {
	c     *cli
	began time.Time
	last  string
	drawn bool
}

func newProgress(c *cli) *progress { return &progress{c: c, began: time.Now()} }

func (p *progress) show(text string) {
	if p.c.terminal.err {
		elapsed := time.Since(p.began).Round(time.Second)
		fmt.Fprintf(p.c.err, "\r\x1b[K%s", cut(clean(fmt.Sprintf("%s (%s)", text, elapsed)), p.c.columns()-1))
		p.drawn = true
		return
	}
	if text != p.last {
		fmt.Fprintln(p.c.err, clean(text))
		p.last = text
	}
}

// end clears the line.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprint(p.c.err, "\r\x1b[K")
		p.drawn = false
	}
}
