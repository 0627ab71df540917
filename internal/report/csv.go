package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// csvWriter writes a key a line, as RFC 4180 has it.
type csvWriter struct {
	csv       *csv.Writer
	framework *Framework
}

func newCSV(out *bufio.Writer, f *Framework) *csvWriter {
	w := &csvWriter{csv: csv.NewWriter(out), framework: f}
	w.csv.UseCRLF = true
	return w
}

// column is one column of the table of keys.
type column struct {
	name  string
	value func(r *Row) string
}

func columns() []column {
	return []column{
		{"arn", func(r *Row) string { return r.ARN }},
		{"alias", func(r *Row) string { return r.Alias }},
		{"account", func(r *Row) string { return r.Account }},
		{"region", func(r *Row) string { return r.Region }},
		{"state", func(r *Row) string { return r.State }},
		{"spec", func(r *Row) string { return r.Spec }},
		{"usage", func(r *Row) string { return r.Usage }},
		{"origin", func(r *Row) string { return r.Origin }},
		{"manager", func(r *Row) string { return r.Manager }},
		{"multi_region", func(r *Row) string { return r.MultiRegion }},
		{"outcome", func(r *Row) string { return string(r.Outcome) }},
		{"why", func(r *Row) string { return strings.Join(r.Why(), "; ") }},
		{"policy", func(r *Row) string { return r.Policy }},
		{"cryptoperiod_days", func(r *Row) string { return days(r, func(c *Cryptoperiod) int { return c.MaxAgeDays }) }},
		{"automatic_days", func(r *Row) string { return days(r, func(c *Cryptoperiod) int { return c.AutomaticDays }) }},
		{"method", func(r *Row) string { return ofPolicy(r, func(c *Cryptoperiod) string { return c.Method }) }},
		{"rationale", func(r *Row) string { return ofPolicy(r, func(c *Cryptoperiod) string { return c.Rationale }) }},
		{"owner", func(r *Row) string { return r.Owner }},
		{"custodian", func(r *Row) string { return r.Custodian }},
		{"created", func(r *Row) string { return rfc(&r.Created) }},
		{"last_rotated", func(r *Row) string { return rfc(r.LastRotated) }},
		{"last_rotation_type", func(r *Row) string { return r.LastType }},
		{"material_age_days", func(r *Row) string {
			if r.AgeDays == nil {
				return ""
			}
			return strconv.Itoa(*r.AgeDays)
		}},
		{"rotates_with", func(r *Row) string { return r.RotatesWith }},
		{"due", func(r *Row) string { return rfc(r.Due) }},
		{"next_rotation", func(r *Row) string { return rfc(r.Next) }},
		{"automatic_rotation", func(r *Row) string {
			if r.Automatic == nil {
				return ""
			}
			return strconv.FormatBool(*r.Automatic)
		}},
		{"evidence", func(r *Row) string { return r.Evidence.Source }},
		{"evidence_read_at", func(r *Row) string { return rfc(r.Evidence.ReadAt) }},
		{"event_id", func(r *Row) string { return r.Evidence.EventID }},
		{"current_material", func(r *Row) string { return r.Evidence.CurrentMaterial }},
		{"rotations", func(r *Row) string { return strconv.Itoa(r.Evidence.Count) }},
		{"exceptions", exceptionsText},
		{"open_findings", findingsText},
		{"cost_month", func(r *Row) string { return r.Cost.Total().String() }},
		{"last_use", func(r *Row) string { return rfc(&r.LastUse) }},
		{"read_at", func(r *Row) string { return rfc(&r.ReadAt) }},
		{"refused_at", func(r *Row) string { return rfc(&r.RefusedAt) }},
		{"full_at", func(r *Row) string { return rfc(&r.FullAt) }},
		{"denied", func(r *Row) string { return strings.Join(r.Denied, " ") }},
		{"re_encrypted", reEncryptedText},
	}
}

func (w *csvWriter) begin(*Head) error {
	var header []string
	for _, c := range columns() {
		header = append(header, c.name)
	}
	if w.framework != nil {
		for i := range w.framework.Controls {
			header = append(header, w.framework.Name+" "+w.framework.Controls[i].ID)
		}
	}
	return w.write(header)
}

func (w *csvWriter) write(record []string) error {
	return w.csv.Write(record) // into out itself, which is flushed when it is full and at the end
}

func (w *csvWriter) summary(*body) error { return nil }

func (w *csvWriter) row(r *Row) error {
	var record []string
	for _, c := range columns() {
		record = append(record, cell(c.value(r)))
	}
	if w.framework != nil {
		for i := range w.framework.Controls {
			o, _ := w.framework.Controls[i].of(r)
			record = append(record, string(o))
		}
	}
	return w.write(record)
}

func (w *csvWriter) end(*ending) error { return nil }

// cell is one line of text that a spreadsheet takes for no formula.
func cell(s string) string {
	formula := s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0]))
	s = oneLine(s)
	if formula {
		return "'" + s
	}
	return s
}

// oneLine makes one line of text in which every character shows.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || isHidden(r):
			return '?'
		}
		return r
	}, s)
}

// isHidden reports control characters and those that are invisible or direct the writing.
func isHidden(r rune) bool {
	if r < unicode.MaxASCII {
		return r < ' '
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}

func rfc(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func days(r *Row, of func(*Cryptoperiod) int) string {
	if r.Cryptoperiod == nil || of(r.Cryptoperiod) == 0 {
		return ""
	}
	return strconv.Itoa(of(r.Cryptoperiod))
}

func ofPolicy(r *Row, of func(*Cryptoperiod) string) string {
	if r.Cryptoperiod == nil {
		return ""
	}
	return of(r.Cryptoperiod)
}

// exceptionsText names a key's exceptions: what for, who asked, who allowed it, until when.
func exceptionsText(r *Row) string {
	var all []string
	for i := range r.Excepted {
		e := &r.Excepted[i]
		text := e.Name + " (" + strings.Join(e.Checks, ", ") + ") by " + e.Author
		if e.Approver != "" {
			text += ", approved by " + e.Approver
		}
		all = append(all, text+", until "+e.Expires.UTC().Format(time.DateOnly)+": "+e.Reason)
	}
	return strings.Join(all, "; ")
}

func findingsText(r *Row) string {
	var all []string
	for i := range r.Findings {
		all = append(all, r.Findings[i].ID+" "+r.Findings[i].Rule)
	}
	return strings.Join(all, "; ")
}

// reEncryptedText is what was moved from the key to others.
func reEncryptedText(r *Row) string {
	var texts []string
	for _, m := range r.Evidence.ReEncrypted {
		texts = append(texts, fmt.Sprintf("%d blobs and %d objects to %s", m.Blobs, m.Objects, m.To))
	}
	return strings.Join(texts, "; ")
}
