package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rotd/internal/admin"
	"rotd/internal/manifest"
	"rotd/internal/reencrypt"
)

// reencryption is how a way through a manifest ended.
type reencryption struct {
	Job    string `json:"job"`
	Out    string `json:"out,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
	manifest.Tally
}

// printReencryptPlan shows what is to be moved, and what it takes.
func (c *cli) printReencryptPlan(p *admin.ReencryptPlan, s manifest.Survey, o *reencryptOptions) {
	what := "Move " + plural(int(s.Blobs), "ciphertext", "ciphertexts") + " to " + p.To.Name()
	if o.request.DryRun {
		what = "Ask KMS whether it would move " + plural(int(s.Blobs), "ciphertext", "ciphertexts") + " to " + p.To.Name()
	}
	for _, line := range wrap(what, c.columns()) {
		fmt.Fprintln(c.out, c.styled(bold, line))
	}
	fmt.Fprintln(c.out)
	c.field("to", p.To.ARN+", "+keyState(admin.Key{Key: p.To}))
	if p.From != nil {
		c.field("from", p.From.ARN+", "+keyState(admin.Key{Key: *p.From}))
	} else {
		c.field("from", "whichever key each is under; --from has KMS insist on one")
	}
	bad := ""
	if n := s.Lines - s.Blobs; n > 0 {
		bad = fmt.Sprintf(", %d of them bad: they are listed among the results", n)
	}
	c.field("manifest", plural(int(s.Lines), "line", "lines")+bad)
	c.field("takes", fmt.Sprintf("%s at least, at %.0f a second (limits.quota_share, limits.reencrypt_per_second)",
		durationText(time.Duration(float64(s.Blobs)/max(p.Rate, 1)*float64(time.Second))), p.Rate))
	c.field("costs", plural(int(s.Blobs), "request", "requests")+" to KMS, at KMS's price for requests")
	if o.request.DryRun {
		c.field("changes", "nothing: KMS only says whether it would")
	} else {
		c.field("changes", "nothing in AWS: the old ciphertexts stay, and the old key opens them as before")
	}
	c.field("results", orElse(o.out, "only counted; --out keeps them"))
	for _, w := range p.Warnings {
		c.field("WARNING", w)
	}
	c.printMoveRequest(p, o)
}

// printMoveRequest shows why ciphertext is moved, and what was passed for it.
func (c *cli) printMoveRequest(p *admin.ReencryptPlan, o *reencryptOptions) {
	if passed := p.Decision.Overridden; len(passed) > 0 {
		c.field("guardrails", "--emergency passes "+strings.Join(passed, ", ")+"; this is audited")
	}
	c.field("reason", o.request.Reason)
	c.field("ticket", o.request.Ticket)
	c.field("incident", o.request.Incident)
}

func durationText(d time.Duration) string {
	if d < time.Second {
		return "a second"
	}
	return d.Round(time.Second).String()
}

// reencrypted prints how it ended.
func (c *cli) reencrypted(r *reencryption) error {
	var failed error
	if r.Failed > 0 {
		where := ""
		if r.Out != "" {
			where = ": " + r.Out + " has the reason of each"
		}
		failed = exit(admin.ExitUnfinished, "%d of %d lines were not moved%s", r.Failed, r.Lines, where)
		if r.DryRun {
			failed = exit(admin.ExitUnfinished, "%d of %d lines would not be moved%s", r.Failed, r.Lines, where)
		}
	}
	if c.output != "table" {
		return errors.Join(one(c, listing[*reencryption]{schema: "rotd.reencryptions/1", kind: "reencryption"}, r), failed)
	}
	fmt.Fprintln(c.out)
	moved := plural(int(r.Moved), "ciphertext is", "ciphertexts are") + " under the new key now: " + r.Out
	switch {
	case r.DryRun:
		moved = "KMS would move " + plural(int(r.Moved), "ciphertext", "ciphertexts") + "; nothing was moved."
	case r.Moved == 0:
		moved = "Nothing was moved."
	}
	done := c.styled(green, "Done.")
	switch {
	case failed != nil && r.Moved == 0:
		done = ""
	case failed != nil:
		done = c.styled(yellow, "Done in part.")
	}
	c.paragraph("", strings.TrimSpace(done+" "+moved))
	for i := range r.First {
		f := &r.First[i]
		c.paragraph("  ", fmt.Sprintf("line %d%s: %s: %s", f.Line, named(f.ID), f.Failure.Code, f.Failure.Message))
	}
	if more := r.Failed - int64(len(r.First)); more > 0 {
		c.paragraph("  ", fmt.Sprintf("and %d more", more))
	}
	if r.Failed > 0 && !r.DryRun {
		c.paragraph("", "When what stands in their way is mended, move these lines again in a manifest of their own, with "+
			"another --out.")
	}
	if r.Failed == 0 && !r.DryRun {
		c.paragraph("", "Put them in the place of the old ones, which stay decryptable for as long as the old key is there. "+
			"`rotd keys usage` shows when nobody uses that any more.")
	}
	return failed
}

func named(id string) string {
	if id == "" {
		return ""
	}
	return " (" + id + ")"
}

// progressBar shows how far a long way is, on a terminal alone.
type progressBar struct {
	*progress
	total, first int64
	last         time.Time
}

func newProgressBar(c *cli, total int64) *progressBar {
	return &progressBar{progress: newProgress(c), total: total, first: -1}
}

const (
	barWidth = 20
	barEvery = 200 * time.Millisecond
)

func (b *progressBar) show(done int64, waiting string) {
	if b.first < 0 {
		b.first = done
	}
	if !b.c.terminal.err || time.Since(b.last) < barEvery && waiting == "" {
		return
	}
	b.last = time.Now()
	if waiting != "" {
		b.progress.show(fmt.Sprintf("%d of %d, waiting: %s", done, b.total, waiting))
		return
	}
	full := int(barWidth * done / max(b.total, 1))
	rate := float64(done-b.first) / max(time.Since(b.began).Seconds(), 0.001)
	left := ""
	if rate >= 1 {
		left = ", " + durationText(time.Duration(float64(b.total-done)/rate*float64(time.Second))) + " left"
	}
	b.progress.show(fmt.Sprintf("[%s%s] %d of %d, %.0f a second%s", strings.Repeat("#", full),
		strings.Repeat(".", barWidth-full), done, b.total, rate, left))
}

// jobListing is how jobs are shown.
func jobListing(now time.Time) listing[reencrypt.Job] {
	type j = reencrypt.Job
	return listing[j]{
		schema: admin.SchemaJobs, kind: "job", none: "Nothing was ever re-encrypted here.",
		columns: []column[j]{
			{title: "STATE", name: "state", value: func(x j) string { return string(x.State) }},
			{
				title: "CREATED", name: "created", value: func(x j) string { return ago(now, x.Created) },
				raw: func(x j) string { return x.Created.UTC().Format(time.RFC3339) },
			},
			{title: "WHAT", name: "kind", value: func(x j) string { return moverText(&x) }, raw: func(x j) string {
				return string(x.Kind)
			}},
			{title: "MOVED", name: "moved", right: true, value: func(x j) string { return fmt.Sprint(x.Moved) }},
			{title: "FAILED", name: "failed", right: true, value: func(x j) string { return fmt.Sprint(x.Failed) }},
			{title: "TO", name: "to", flex: true, value: func(x j) string { return x.To }},
			{title: "ID", name: "id", below: true, value: func(x j) string { return x.ID }},
			{name: "from", value: func(x j) string { return x.From }},
			{name: "location", value: func(x j) string { return x.Location }},
			{name: "seen", value: func(x j) string { return fmt.Sprint(x.Seen) }},
			{name: "bytes", value: func(x j) string { return fmt.Sprint(x.Bytes) }},
			{name: "dry_run", value: func(x j) string { return fmt.Sprint(x.DryRun) }},
			{name: "requester", value: func(x j) string { return x.Requester }},
			{name: "reason", value: func(x j) string { return x.Reason }},
			{name: "outcome", value: func(x j) string { return x.Outcome }},
		},
	}
}

// moverText says what a job moves in a few words.
func moverText(j *reencrypt.Job) string {
	what := "blobs"
	if j.Kind == reencrypt.Objects {
		what = j.Location
	}
	if j.DryRun {
		what += " (dry run)"
	}
	return what
}

// printMoves prints what was moved from a key and to it.
func (c *cli) printMoves(now time.Time, k *admin.KeyDetail) {
	if len(k.Moves) == 0 {
		return
	}
	c.heading("Re-encrypted")
	for i := range k.Moves {
		m := &k.Moves[i]
		way, other := "to", m.To
		if m.To == k.ARN && m.From != k.ARN {
			way, other = "from", m.From
		}
		text := fmt.Sprintf("%s and %s (%s), last %s", plural(int(m.Blobs), "blob", "blobs"),
			plural(int(m.Objects), "object", "objects"), bytesText(m.Bytes), both(now, m.Last))
		if m.Failed > 0 {
			text += fmt.Sprintf("; %s failed", plural(int(m.Failed), "attempt", "attempts"))
		}
		c.field(way, other+": "+text)
	}
}
