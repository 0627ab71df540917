package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// teller prints the story and counts what came out as told.
type teller struct {
	out             io.Writer
	started         time.Time
	checked, failed int
	chapters        int
}

// style codes, used on a terminal only.
const (
	styleBold  = "\x1b[1m"
	styleDim   = "\x1b[2m"
	styleRed   = "\x1b[31m"
	styleGreen = "\x1b[32m"
	styleOff   = "\x1b[0m"
)

// styled wraps text in a style where people look at a terminal.
func (t *teller) styled(style, text string) string {
	file, ok := t.out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || !term.IsTerminal(int(file.Fd())) {
		return text
	}
	return style + text + styleOff
}

// chapter begins a part of the story.
func (t *teller) chapter(title string) {
	t.chapters++
	fmt.Fprintf(t.out, "\n%s\n", t.styled(styleBold, fmt.Sprintf("%d. %s", t.chapters, title)))
}

// say tells a sentence.
func (t *teller) say(format string, args ...any) {
	fmt.Fprintf(t.out, "   "+format+"\n", args...)
}

// quote shows something as it was, a message or a command's output.
func (t *teller) quote(title, text string) {
	fmt.Fprintf(t.out, "   %s\n", t.styled(styleDim, "┌─ "+title))
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		for _, part := range fold(strings.TrimRight(line, "\n"), quoteWidth) {
			fmt.Fprintf(t.out, "   %s %s\n", t.styled(styleDim, "│"), part)
		}
	}
	fmt.Fprintf(t.out, "   %s\n", t.styled(styleDim, "└─"))
}

// quoteWidth is how wide a quoted line may be before it goes on in the next, indented.
const quoteWidth = 100

// fold breaks a line at blanks so that each part fits.
func fold(line string, width int) []string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))] + "  "
	var parts []string
	for len(line) > width {
		at := strings.LastIndexByte(line[:width], ' ')
		if at <= len(indent) {
			break
		}
		parts = append(parts, line[:at])
		line = indent + line[at+1:]
	}
	return append(parts, line)
}

// check tells whether something came out as told.
func (t *teller) check(ok bool, format string, args ...any) {
	t.checked++
	mark := t.styled(styleGreen, "✓")
	if !ok {
		t.failed++
		mark = t.styled(styleRed, "✗ NOT")
	}
	fmt.Fprintf(t.out, "   %s %s\n", mark, fmt.Sprintf(format, args...))
}

// end closes the story.
func (t *teller) end() {
	fmt.Fprintf(t.out, "\n%s\n", t.styled(styleBold, fmt.Sprintf(
		"All %d expectations came out as told, in %.0f seconds.", t.checked, time.Since(t.started).Seconds())))
}

// log shows the end of the daemon's log after something went wrong.
func (t *teller) log(tail string) {
	if tail != "" {
		t.quote("the end of rotd's log", tail)
	}
}

// keeping says how to look around.
func (t *teller) keeping(w *demoWorld, d *demoDaemon) {
	fmt.Fprintf(t.out, "\nrotd and its simulated AWS go on until Ctrl-C. In a second terminal:\n\n"+
		"  export ROTD_SOCKET=%s\n  export AWS_ENDPOINT_URL=%s AWS_REGION=%[3]s AWS_DEFAULT_REGION=%[3]s\n"+
		"  export AWS_ACCESS_KEY_ID=%[4]s AWS_SECRET_ACCESS_KEY=%[5]s\n\n"+
		"  %[6]s status\n  %[6]s findings list\n  %[6]s keys list\n"+
		"  %[6]s rotate alias/pay-cards --reason 'trying it' --dry-run\n  %[6]s sweep drift\n\n"+
		"bob, who may approve in the incident's story: AWS_ACCESS_KEY_ID=%[8]s AWS_SECRET_ACCESS_KEY=%[9]s\n\n"+
		"The configuration is %[7]s. What rotd tells from now on is shown here.\n",
		w.socket, w.sim.URL(), demoRegion, w.alice.AccessKeyID, w.alice.SecretAccessKey, d.binary(), w.config,
		w.bob.AccessKeyID, w.bob.SecretAccessKey)
}
