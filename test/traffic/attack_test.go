package traffic_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/events"
	"rotd/test/traffic"
)

func TestEachAttackIsPlayedAsItsStorySays(t *testing.T) {
	w := attacked()
	aliases := map[string]string{}
	for _, k := range w.Inventory() {
		aliases[k.ARN] = k.Aliases[0]
	}
	lines := map[string]*listing{}
	for _, script := range traffic.Scripts() {
		lines[script.Name] = newListing(script, aliases)
	}
	for r := range w.Records() {
		if r.Attack != "" {
			lines[r.Attack].add(t, r)
		}
	}
	for name, l := range lines {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".txt")
			got := l.text()
			if *update {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is another (see the difference with -update):\n%s", path, got)
			}
		})
	}
}

func TestAttacksLeaveTheOrdinaryRecordsAsTheyAre(t *testing.T) {
	ordinary := func(w traffic.World) [sha256.Size]byte {
		hash := sha256.New()
		for r := range w.Records() {
			if r.Attack == "" {
				hash.Write(r.JSON)
			}
		}
		return [sha256.Size]byte(hash.Sum(nil))
	}
	if ordinary(small()) != ordinary(attacked()) {
		t.Error("with attacks the ordinary records are others")
	}
}

// listing is an attack's records for people: one line each, the many alike left out in between.
type listing struct {
	script  traffic.Script
	aliases map[string]string // by ARN
	rows    []row
	seen    map[string]bool
}

type row struct {
	at                     time.Time
	call, who, where, what string
	kind                   string // what rows alike have in common
}

func newListing(script traffic.Script, aliases map[string]string) *listing {
	return &listing{script: script, aliases: aliases, seen: map[string]bool{}}
}

func (l *listing) add(t *testing.T, r traffic.Record) {
	t.Helper()
	e, _, err := events.NewDecoder(nil).DecodeRecord(r.JSON)
	if err != nil {
		t.Fatal(err)
	}
	if l.seen[e.EventID] {
		return
	}
	l.seen[e.EventID] = true
	who := e.UserIdentity.PrincipalARN()
	who = who[strings.LastIndexByte(who, '/')+1:]
	if session := e.UserIdentity.SessionName(); session != "" {
		who += " as " + session
	}
	what := []string{l.keyName(&e)}
	context := e.EncryptionContext()
	for _, name := range slices.Sorted(maps.Keys(context)) {
		what = append(what, name+"="+context[name][strings.LastIndexByte(context[name], ':')+1:])
	}
	what = append(what, e.ErrorCode, details(&e))
	l.rows = append(l.rows, row{
		r.Time, e.EventName, who, e.SourceIPAddress,
		strings.Join(slices.DeleteFunc(what, func(s string) bool { return s == "" }), " "),
		e.EventName + who + e.SourceIPAddress + e.ErrorCode,
	})
}

func (l *listing) keyName(e *events.Event) string {
	arn := e.Key.ARN
	if name := l.aliases[arn]; name != "" {
		return name
	}
	return arn
}

// details is what else of a request tells the story.
func details(e *events.Event) string {
	if e.Failed() {
		return ""
	}
	switch e.EventName {
	case "PutKeyPolicy":
		text := e.PolicyText()
		return text[strings.LastIndex(text, `{"Sid"`):]
	case "CreateGrant":
		return "to " + e.RequestString("granteePrincipal") + " " + strings.Join(e.RequestStrings("operations"), " ")
	case "ScheduleKeyDeletion":
		days, _ := e.PendingWindowInDays()
		return fmt.Sprintf("in %d days", days)
	case "UpdateAlias":
		return e.Alias + " to " + e.RequestString("targetKeyId")
	case "ReplicateKey":
		return "to " + e.RequestString("replicaRegion")
	case "PutEventSelectors", "DeleteImportedKeyMaterial":
		return string(e.RequestParameters)
	case "CopyObject":
		return e.RequestString("key") + " under " + e.RequestString("x-amz-server-side-encryption-aws-kms-key-id")
	}
	return ""
}

// shown is how many of a row of calls alike are written out.
const shown = 4

func (l *listing) text() []byte {
	slices.SortStableFunc(l.rows, func(a, b row) int { return a.at.Compare(b.at) })
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n\nmust be found by: %s\nmay be found by:  %s\n\n", l.script.Name, l.script.Story,
		strings.Join(l.script.Must, ", "), strings.Join(l.script.May, ", "))
	alike := map[string]int{}
	skipped, actor := 0, ""
	for _, r := range l.rows {
		if alike[r.kind]++; alike[r.kind] > shown {
			skipped++
			continue
		}
		more(&b, &skipped)
		if now := "by " + r.who + " from " + r.where; now != actor {
			fmt.Fprintln(&b, now)
			actor = now
		}
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("  %s  %s  %s", r.at.Format("Mon 15:04:05"), r.call, r.what), " "))
	}
	more(&b, &skipped)
	if n := len(l.rows); n > 0 {
		fmt.Fprintf(&b, "\n%d records, the last at %s\n", n, l.rows[n-1].at.Format("Mon 15:04:05"))
	}
	return b.Bytes()
}

func more(b *bytes.Buffer, skipped *int) {
	if *skipped > 0 {
		fmt.Fprintf(b, "  … %d more like these\n", *skipped)
	}
	*skipped = 0
}
