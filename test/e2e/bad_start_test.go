package e2e

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/test/crash/world"
)

// badStart makes what a row of the documentation's table "When it will not start" tells of.
type badStart struct {
	before func(t *testing.T, w *world.World)
	during func(t *testing.T, w *world.World, d *world.Daemon) // once it is ready; nil: it is bad from the start
	mend   func(t *testing.T, w *world.World, d *world.Daemon) // nil: it is not mended under the running daemon
	o      world.Options
}

// badStarts are the rows' by what they say there is.
func badStarts() map[string]badStart {
	return map[string]badStart{
		"no configuration file":                        {before: noConfiguration},
		"a configuration file that rotd may not read":  {before: secretConfiguration},
		"a mistake in the configuration":               {before: mistake},
		"a folder of the state that is read-only":      {before: readOnlyState},
		"a folder of the state that rotd may not open": {before: secretState},
		"a full disk":                                            {before: fullDisk},
		"a disk that fills up while rotd runs":                   {before: smallDisk, during: fillDisk, mend: makeRoom},
		"a state of a newer rotd":                                {before: newerState},
		"a second rotd on one state":                             {before: twoOnOneState},
		"a socket that another rotd answers on":                  {before: twoOnOneSocket},
		"a socket that another program listens on":               {before: othersSocket},
		"a file in the socket's place":                           {before: fileAsSocket},
		"no folder for the socket":                               {before: socketNowhere},
		"somebody else on the status address":                    {before: takenAddress},
		"no Region":                                              {before: noRegion},
		"an AWS profile that is not there":                       {before: noProfile},
		"no AWS credentials":                                     {before: noCredentials},
		"credentials of a metadata service that does not answer": {before: silentMetadata},
		"an access key that AWS does not know":                   {before: unknownKey},
		"a Region that does not exist":                           {before: noSuchRegion},
		"a network that swallows what rotd sends":                {before: silentAWS},
		"no state, and no way to its snapshots":                  {before: lostState},
		"a Region without any key":                               {before: emptyRegion},
		"a queue in another Region":                              {before: otherRegion, mend: createQueueThere},
		"a queue that is not there":                              {before: noQueue, mend: createQueue},
		"a queue that is deleted while rotd runs":                {during: deleteQueue, mend: createQueue},
		"a clock that is off":                                    {o: world.Options{ClockAhead: -time.Hour}},
	}
}

// badStartRow is a row of the table: what rotd says has … for what differs.
var badStartRow = regexp.MustCompile("(?m)^\\| (.*) \\| `(.*)` \\| (waits|runs|ends with [0-9]) \\| .* \\|$")

// TestWhatKeepsRotdFromStartingIsDocumentedAndSaid makes what each row of the table tells of, and wants rotd to say and
// do what stands there.
func TestWhatKeepsRotdFromStartingIsDocumentedAndSaid(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## When it will not start\n")
	section, _, _ = strings.Cut(section, "\n## ")
	all := badStarts()
	rows := badStartRow.FindAllStringSubmatch(section, -1)
	if len(rows) != len(all) || strings.Count(section, "\n| ") != len(rows)+1 {
		t.Errorf("%d rows, of which %d can be read; %d are tested", strings.Count(section, "\n| ")-1, len(rows), len(all))
	}
	for _, row := range rows {
		bad, ok := all[row[1]]
		if !ok {
			t.Errorf("nobody tests %q", row[1])
			continue
		}
		says := regexp.MustCompile("(?s)" + strings.ReplaceAll(regexp.QuoteMeta(row[2]), "…", ".*"))
		t.Run(row[1], func(t *testing.T) {
			t.Parallel()
			bad.becomes(t, says, row[3])
		})
	}
}

// becomes wants a daemon to say this, and to wait, to run or to end.
func (bad *badStart) becomes(t *testing.T, says *regexp.Regexp, what string) {
	w := newWorld(t, bad.o, "cards")
	if bad.before != nil {
		bad.before(t, w)
	}
	d := run(t, w)
	if bad.during != nil {
		if err := d.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		bad.during(t, w, d)
	}
	inLog := func() bool { return says.MatchString(d.Log.String()) }
	if status, ends := strings.CutPrefix(what, "ends with "); ends {
		if got, err := d.ExitStatus(patience); err != nil || strconv.Itoa(got) != status || !inLog() {
			t.Errorf("exit status %d (%v), want %s, and a log that says %q", got, err, status, says)
		}
		return
	}
	wantWord(t, w, says, what == "runs")
	if what == "waits" {
		until(t, "the log to say it", inLog)
	}
	if bad.mend != nil {
		bad.mend(t, w, d)
		until(t, "rotd to be ready by itself", func() bool {
			r, err := w.Client.Ready(t.Context())
			return err == nil && r.Ready
		})
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}

// TestTheSocketOfADeadRotdIsTakenOver starts rotd where one was killed.
func TestTheSocketOfADeadRotdIsTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	ready(t, w).Kill()
	if info, err := os.Lstat(w.Client.Socket()); err != nil || info.Mode().Type() != os.ModeSocket {
		t.Fatalf("the dead one left %v (%v)", info, err)
	}
	ready(t, w)
}

// wantWord waits until the daemon says what it waits for; one that does its work says so in its status.
func wantWord(t *testing.T, w *world.World, says *regexp.Regexp, runs bool) {
	t.Helper()
	until(t, "rotd to say "+says.String(), func() bool {
		r, err := w.Client.Ready(t.Context())
		if err != nil || r.Ready != runs {
			return false
		}
		if !runs {
			return says.MatchString(strings.Join(r.Reasons, "\n"))
		}
		s, err := w.Client.Status(t.Context())
		return err == nil && slices.ContainsFunc(s.Troubles, func(trouble admin.Trouble) bool {
			return says.MatchString(trouble.What)
		})
	})
}
