package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/config"
	"rotd/internal/replay"
	"rotd/internal/state"
)

// learn teaches the state at path what is usual, from what replay reads.
func (c *cli) learn(ctx context.Context, o replay.Options, path string) (err error) {
	db, err := c.stateToTeach(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	o.Now = c.now()
	end := c.watched(ctx, &o)
	lessons, err := replay.ReadLessons(ctx, o)
	end()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lessons.Close()) }()
	c.printProblems(&lessons.Read)
	if lessons.Unread > 0 {
		return exit(admin.ExitUnfinished, "nothing was taught: what is missing could not be taught afterwards; see above")
	}
	taught, err := lessons.Teach(ctx, db, c.taughtBy(&o))
	if ctx.Err() != nil {
		return exit(admin.ExitUnfinished, "broken off: %s is taught up to %s; the same command goes on from there", path,
			stamp(taught.Last))
	}
	if err != nil {
		return err
	}
	if err := c.printTaught(path, &taught); err != nil {
		return err
	}
	if lessons.Failed > 0 {
		return exit(admin.ExitUnfinished, "not everything could be taught; see above")
	}
	return nil
}

// stateToTeach opens a state that no daemon holds, or begins one.
func (c *cli) stateToTeach(path string) (*state.DB, error) {
	o := state.Options{Path: path, Now: c.now()}
	switch known, err := state.Inspect(path); { // opening would set a damaged one aside
	case err == nil:
		o.Shard = known.Shard
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case c.config == "":
		return nil, exit(admin.ExitUsage, "there is no state %s, and whose a new one would be only a configuration says: "+
			"give -c", path)
	default:
		cfg, err := config.Load(c.config, knownIDs())
		if err != nil {
			return nil, err
		}
		o.Shard = cfg.Shard
	}
	return state.Open(o)
}

// taughtBy is what the audit log says of it.
func (c *cli) taughtBy(o *replay.Options) audit.Entry {
	detail := map[string]string{"paths": strings.Join(o.Paths, ", ")}
	for name, at := range map[string]time.Time{"since": o.Since, "until": o.Until} {
		if !at.IsZero() {
			detail[name] = at.UTC().Format(time.RFC3339)
		}
	}
	who := admin.Peer{UID: uint32(os.Getuid())}.Requester() //nolint:gosec // the system's user ids fit
	return audit.Entry{Time: c.now().UTC(), Actor: who, Event: audit.ArchiveTaught, Detail: detail}
}

func (c *cli) printTaught(path string, t *replay.Taught) error {
	if c.output != "table" {
		return one(c, listing[*replay.Taught]{schema: "rotd.teaching/1", kind: "taught"}, t)
	}
	fmt.Fprintf(c.out, "%s is taught what is usual, from %s of %s.\n", clean(path),
		plural(t.Records, "record", "records"), plural(t.Files, "file", "files"))
	c.field("learnt", fmt.Sprintf("%s of %s by %s", plural(t.Learnt, "call", "calls"), plural(t.Keys, "key", "keys"),
		plural(t.Principals, "principal", "principals")))
	if t.Learnt > 0 {
		days := int(t.Last.Sub(t.First).Hours()/24) + 1
		c.field("from", fmt.Sprintf("%s to %s, %s", stamp(t.First), stamp(t.Last), plural(days, "day", "days")))
	}
	for _, passed := range []struct {
		n   int
		why string
	}{
		{t.Repeated, "repetitions of another record"},
		{t.Before, "no later than what was taught before"},
		{t.Future, "of a time that has not come"},
		{t.Strangers, "with keys that the inventory does not know"},
	} {
		if passed.n > 0 {
			c.field("passed over", fmt.Sprintf("%d, %s", passed.n, passed.why))
		}
	}
	if t.Learnt == 0 {
		return nil
	}
	fmt.Fprintln(c.out)
	c.paragraph("", "What somebody did in that time who should not have is usual from now on, too: --until ends before "+
		"it.")
	return nil
}
