package laws

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// broken is every broken law of the module in fsys.
func broken(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	packages, err := load(fsys, house)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	for _, p := range packages {
		importLaws(p, house, &r)
		clockLaw(p, &r)
		globalLaws(p, &r)
		destructionLaw(p, &r)
	}
	return r.lines
}

func TestTheModuleKeepsItsLaws(t *testing.T) {
	for _, line := range broken(t, os.DirFS("../..")) {
		t.Error(line)
	}
}

func TestBrokenLawsAreNamed(t *testing.T) {
	tests := []struct {
		name string
		file string
		code string
		want []string
	}{
		{
			"a package below is imported", "internal/detection/rule.go",
			`import "rotd/internal/finding"`, nil,
		},
		{
			"a package above is imported", "internal/awskms/client.go",
			`import "rotd/internal/engine"`,
			[]string{"internal/awskms/client.go:2: internal/awskms imports internal/engine: imports point downwards, " +
				"and internal/engine (rank 4) is not below internal/awskms (rank 3)"},
		},
		{
			"a sibling is imported", "internal/notify/sns.go",
			`import "rotd/internal/awskms"`,
			[]string{"internal/notify/sns.go:2: internal/notify imports internal/awskms: imports point downwards, " +
				"and internal/awskms (rank 3) is not below internal/notify (rank 3)"},
		},
		{
			"a package imports a part of itself", "internal/notify/render.go",
			`import "rotd/internal/notify/text"`, nil,
		},
		{
			"a plain type knows somebody", "internal/finding/finding.go",
			`import "rotd/internal/inventory"`,
			[]string{"internal/finding/finding.go:2: internal/finding imports internal/inventory: " +
				"internal/finding stands alone: it imports no other package of rotd"},
		},
		{
			"the queue knows CloudTrail", "internal/events/queue/consumer.go",
			`import "rotd/internal/events"`,
			[]string{"internal/events/queue/consumer.go:2: internal/events/queue imports internal/events: " +
				"internal/events/queue stands alone: it imports no other package of rotd"},
		},
		{
			"state knows more than the types", "internal/state/db.go",
			`import "rotd/internal/detection"`,
			[]string{"internal/state/db.go:2: internal/state imports internal/detection: internal/state stands alone: " +
				"of rotd it imports only internal/finding, internal/inventory, internal/audit, internal/policy, " +
				"internal/remediation, internal/history, internal/usage, internal/baseline, " +
				"internal/incident, internal/reencrypt, internal/counting, internal/suppression"},
		},
		{
			"somebody but cmd imports app", "internal/admin/server.go",
			`import "rotd/internal/app"`,
			[]string{"internal/admin/server.go:2: internal/admin imports internal/app: imports point downwards, " +
				"and internal/app (rank 6) is not below internal/admin (rank 5)"},
		},
		{
			"a package is new", "internal/colour/colour.go",
			``,
			[]string{"internal/colour/colour.go:1: internal/colour has no row in the house: " +
				"choose its layer in layers_test.go"},
		},
		{
			"the daemon imports the simulator", "cmd/rotd/run.go",
			`import "rotd/internal/awssim"`,
			[]string{"cmd/rotd/run.go:2: cmd/rotd imports the simulator: what runs in production never does, " +
				"only cmd/rotd/demo*.go"},
		},
		{
			"production schedules a key's deletion", "internal/awskms/kill.go",
			"func f(api interface{ ScheduleKeyDeletion() }) { api.ScheduleKeyDeletion() }",
			[]string{"internal/awskms/kill.go:2: internal/awskms names KMS's ScheduleKeyDeletion: rotd destroys nothing and " +
				"changes no key policy"},
		},
		{
			"production makes the input of a key policy", "internal/awskms/open.go",
			"import \"github.com/aws/aws-sdk-go-v2/service/kms\"\nvar _ = kms.PutKeyPolicyInput{}",
			[]string{"internal/awskms/open.go:3: internal/awskms names KMS's PutKeyPolicyInput: rotd destroys nothing and " +
				"changes no key policy"},
		},
		{
			"the demo imports the simulator", "cmd/rotd/demo.go",
			`import "rotd/internal/awssim"`, nil,
		},
		{
			"the benchmark imports the simulator", "test/bench/main.go",
			`import "rotd/internal/awssim"`, nil,
		},
		{
			"a service has its package", "internal/awskms/client.go",
			`import "github.com/aws/aws-sdk-go-v2/service/kms/types"`, nil,
		},
		{
			"a service is used by another package", "internal/engine/sweep.go",
			`import "github.com/aws/aws-sdk-go-v2/service/kms"`,
			[]string{"internal/engine/sweep.go:2: internal/engine talks to kms: one AWS service, one package that " +
				"talks to it, and that is internal/awskms"},
		},
		{
			"a service has no package", "internal/app/build.go",
			`import "github.com/aws/aws-sdk-go-v2/service/lambda"`,
			[]string{"internal/app/build.go:2: internal/app talks to lambda: one AWS service, one package that " +
				"talks to it, and that is none yet (layers_test.go)"},
		},
		{
			"credentials are looked up on the side", "internal/notify/sns.go",
			`import "github.com/aws/aws-sdk-go-v2/config"`,
			[]string{"internal/notify/sns.go:2: internal/notify reads the SDK's configuration: only internal/app and " +
				"cmd/rotd do, everybody else is given clients"},
		},
		{
			"a pure package reads files", "internal/keypolicy/parse.go",
			`import "os/user"`,
			[]string{"internal/keypolicy/parse.go:2: internal/keypolicy imports os/user: it is pure, its answers " +
				"depend on its arguments alone"},
		},
		{
			"a pure package parses addresses", "internal/detection/network.go",
			`import "net/netip"`, nil,
		},
		{
			"a pure package asks the clock under another name", "internal/remediation/plan.go",
			"import clock \"time\"\nvar _ = clock.Second\nfunc f() any { return clock.Now }",
			[]string{"internal/remediation/plan.go:4: internal/remediation uses time.Now: it is pure, callers tell it " +
				"the time"},
		},
		{
			"another package asks the clock", "internal/engine/worker.go",
			"import \"time\"\nfunc f() time.Time { return time.Now() }", nil,
		},
		{
			"an init function", "internal/web/pages.go",
			"func init() {}",
			[]string{"internal/web/pages.go:2: internal/web has an init function: what a program does starts in main"},
		},
		{
			"values that stay are no state", "internal/web/pages.go",
			"import (\"errors\"; \"regexp\"; \"sync\"; _ \"embed\")\nvar errGone = errors.New(\"gone\")\n" +
				"var word = regexp.MustCompile(`\\w`)\nvar table = map[string]int{\"a\": 1}\nvar _ error = &failure{}\n" +
				"//go:embed page.html\nvar page string\nvar buffers sync.Pool\nvar more = sync.Pool{}\n" +
				"func f() { table := map[string]int{}; table[\"b\"] = 2; page := \"\"; _ = &page }", nil,
		},
		{
			"variables that can only be state", "internal/web/pages.go",
			"import \"sync\"\nvar count int\nvar seen = map[string]bool{}\nvar mu = sync.Mutex{}\nvar now = func() {}\n" +
				"var cache = make(map[int]int)\nvar server = &struct{}{}",
			[]string{
				"internal/web/pages.go:3: package-level count has no value: it can only be there to be changed",
				"internal/web/pages.go:4: package-level seen is an empty map: state belongs to a struct that somebody owns",
				"internal/web/pages.go:5: package-level mu is a sync.Mutex: state belongs to a struct that somebody owns",
				"internal/web/pages.go:6: package-level now is a function literal (declare a func): " +
					"state belongs to a struct that somebody owns",
				"internal/web/pages.go:7: package-level cache is made empty: state belongs to a struct that somebody owns",
				"internal/web/pages.go:8: package-level server is a pointer: state belongs to a struct that somebody owns",
			},
		},
		{
			"a table is changed", "internal/web/pages.go",
			"var table = map[string]int{\"a\": 1}\nfunc f() { table[\"b\"] = 2; delete(table, \"a\"); _ = &table }",
			[]string{
				"internal/web/pages.go:3: internal/web changes package-level table, or lends it out to be changed",
				"internal/web/pages.go:3: internal/web changes package-level table, or lends it out to be changed",
				"internal/web/pages.go:3: internal/web changes package-level table, or lends it out to be changed",
			},
		},
		{
			"another package's table is changed", "internal/web/pages.go",
			"import \"rotd/internal/finding\"\nfunc f() { finding.Titles[\"x\"] = \"y\" }",
			[]string{"internal/web/pages.go:3: internal/web changes rotd/internal/finding.Titles: package-level " +
				"variables keep their value"},
		},
		{
			"the linker sets the version", "cmd/rotd/main.go",
			"var version, commit, date string", nil,
		},
		{
			"tests do as they need", "internal/keypolicy/parse_test.go",
			"import (\"os\"; \"rotd/internal/awssim\")\nvar count int\nfunc init() {}", nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := "package p\n" + test.code + "\n"
			got := broken(t, fstest.MapFS{test.file: {Data: []byte(source)}})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("broken laws (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNestedModulesHaveTheirOwnLaws(t *testing.T) {
	got := broken(t, fstest.MapFS{
		"test/contract/go.mod":  {Data: []byte("module rotd/test/contract\n")},
		"test/contract/main.go": {Data: []byte("package main\nfunc init() {}\n")},
		"testdata/bad.go":       {Data: []byte("not Go")},
	})
	if len(got) > 0 {
		t.Errorf("broken laws: %v", got)
	}
}
