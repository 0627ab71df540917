package report

import (
	"bufio"
	"bytes"
	"fmt"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// jsonWriter writes one object, a key a line. `complete` is its last member: without it the report is not whole.
type jsonWriter struct {
	out  *bufio.Writer
	rows int
}

func newJSON(out *bufio.Writer) *jsonWriter { return &jsonWriter{out: out} }

// marshal writes a value as rotd does everywhere. Characters that a terminal would act upon, or not show, become JSON's
// escapes: aliases and tags are chosen by whoever calls AWS.
func marshal(value any) ([]byte, error) {
	raw, err := json.Marshal(value, jsonv1.OmitEmptyWithLegacySemantics(true), json.Deterministic(true),
		jsontext.AllowInvalidUTF8(true))
	if err != nil || plain(raw) {
		return raw, err
	}
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch {
		case !isHidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes(), nil
}

// plain reports whether JSON is all of characters that show; most is, and looking at bytes is fast. (Those below the
// space are escaped already.)
func plain(raw []byte) bool {
	for _, b := range raw {
		if b >= 0x7f {
			return !bytes.ContainsFunc(raw, isHidden)
		}
	}
	return true
}

func (w *jsonWriter) begin(h *Head) error {
	if _, err := fmt.Fprintf(w.out, "{\"schema\":%q,\n", Schema); err != nil {
		return err
	}
	return w.member("report", h)
}

// member writes `"name":value,` and a line break.
func (w *jsonWriter) member(name string, value any) error {
	raw, err := marshal(value)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = fmt.Fprintf(w.out, "%q:%s,\n", name, raw)
	return err
}

func (w *jsonWriter) summary(b *body) error {
	type named struct {
		ID      string     `json:"id"`
		Name    string     `json:"name"`
		Version string     `json:"version"`
		Scope   string     `json:"scope"`
		Answers []Answered `json:"controls"`
	}
	members := []struct {
		name  string
		value any
	}{{"unverified", b.Unverified}, {"coverage", b.Places}, {"summary", b.Summary}}
	if f := b.Framework; f != nil {
		members = append(members, struct {
			name  string
			value any
		}{"framework", named{f.ID, f.Name, f.Version, f.Scope, b.Controls}})
	}
	for _, m := range members {
		if err := w.member(m.name, m.value); err != nil {
			return err
		}
	}
	if err := w.member("method", methodNotes(b)); err != nil {
		return err
	}
	_, err := w.out.WriteString(`"keys":[`)
	return err
}

func (w *jsonWriter) row(r *Row) error {
	raw, err := marshal(r)
	if err != nil {
		return fmt.Errorf("write key %s: %w", r.ARN, err)
	}
	if w.rows++; w.rows > 1 {
		if err := w.out.WriteByte(','); err != nil {
			return err
		}
	}
	if err := w.out.WriteByte('\n'); err != nil {
		return err
	}
	_, err = w.out.Write(raw)
	return err
}

func (w *jsonWriter) end(e *ending) error {
	_, err := fmt.Fprintf(w.out, "\n],\n\"complete\":{\"keys\":%d,\"counted\":%d}}\n", e.Keys, e.Counted)
	return err
}
