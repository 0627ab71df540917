package iam

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "../../docs/permissions.md"

// everything asks for every statement.
func everything() *Needs {
	some := []string{"arn:aws:x:::a/b"}
	return &Needs{
		Partition: "aws", Queues: some, Topics: some, Assumes: some, Lists: true, Reports: some, Snapshots: some, Audit: some,
		Logs: some, LogKeys: some, Objects: some, SnapshotKey: "*", PrunesSnapshots: true,
		Rotates: true, Restores: true, Replaces: true, Contains: true, Reencrypts: true, Imports: true,
	}
}

var (
	row    = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]*) \\| ([^|]*) \\| ([^|]*) \\|$")
	quoted = regexp.MustCompile("`([^`]+)`")
)

func TestThePageExplainsEveryStatementThatIsPrintedAndNoOther(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	explained, printed := make(map[string][]string), make(map[string][]string)
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		sid, why, without := cells[1], strings.TrimSpace(cells[3]), strings.TrimSpace(cells[4])
		if explained[sid] != nil || why == "" || without == "" {
			t.Errorf("%s: explained twice, or not why, or not what is lost without it", sid)
		}
		for _, action := range quoted.FindAllStringSubmatch(cells[2], -1) {
			explained[sid] = append(explained[sid], action[1])
		}
		slices.Sort(explained[sid])
	}
	for _, role := range []Role{Daemon, Member, Emergency} {
		for _, s := range Policy(role, everything()).Statement {
			printed[s.Sid] = s.Action
		}
	}
	if diff := cmp.Diff(printed, explained); diff != "" {
		t.Errorf("statements (-printed +explained):\n%s", diff)
	}
}

func TestThePageSaysWhatTheRoleForEmergenciesHas(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "Its policy has the statements")
	list, _, _ = strings.Cut(list, ", and what")
	told, printed := make(map[string]bool), make(map[string]bool)
	for _, sid := range quoted.FindAllStringSubmatch(list, -1) {
		told[sid[1]] = true
	}
	for _, s := range Policy(Emergency, &Needs{Partition: "aws"}).Statement {
		printed[s.Sid] = true
	}
	if !maps.Equal(told, printed) {
		t.Errorf("printed %v, told %v", printed, told)
	}
}
