package laws

// layer is one row of the house: a package and where it stands.
type layer struct {
	path  string   // below the module; the row covers sub-packages that have none of their own
	rank  int      // imports go to lower ranks only
	pure  bool     // the same answer for the same arguments: see impure
	alone bool     // imports no other package of the module but those in also
	also  []string // with alone: the exceptions
}

// house is the one place that says which package may import which. A package without a row is a violation: choosing
// its row is a decision that should be made, not happen.
var house = []layer{
	// Numbers in bytes, which not even a type of its own comes from.
	{path: "internal/compact", rank: -1, pure: true, alone: true},

	// Plain types and their rules. They know nobody, so that everybody may know them.
	{path: "internal/finding", rank: 0, pure: true, alone: true},
	{path: "internal/inventory", rank: 0, pure: true, alone: true},
	{path: "internal/audit", rank: 0, pure: true, alone: true},
	{path: "internal/incident", rank: 1, pure: true, alone: true, also: []string{
		"internal/finding", "internal/audit", "internal/usage",
	}},
	{path: "internal/suggest", rank: 0, pure: true, alone: true},
	{path: "internal/yamltree", rank: 0, pure: true, alone: true},
	{path: "internal/span", rank: 0, pure: true, alone: true},
	{path: "internal/pattern", rank: 0, pure: true, alone: true},
	{path: "internal/counting", rank: 0, pure: true, alone: true},
	{path: "internal/usage", rank: 0, pure: true, alone: true, also: []string{"internal/compact"}},
	{path: "internal/baseline", rank: 0, pure: true, alone: true, also: []string{"internal/compact"}},
	{path: "internal/iam", rank: 0, pure: true, alone: true},
	{path: "internal/reencrypt", rank: 0, pure: true, alone: true},

	// Judgement without effects: tested with tables and fuzzed, because nothing else reaches in.
	{path: "internal/policy", rank: 1, pure: true},
	{path: "internal/events", rank: 1, pure: true},
	{path: "internal/keypolicy", rank: 1, pure: true},
	{path: "internal/suppression", rank: 2, pure: true},
	{path: "internal/remediation", rank: 2, pure: true},
	{path: "internal/history", rank: 2, pure: true},
	{path: "internal/impact", rank: 2, pure: true},
	{path: "internal/detection", rank: 3, pure: true},
	{path: "internal/userrules", rank: 4, pure: true},
	{path: "internal/eventbridge", rank: 4, pure: true},
	{path: "internal/sigma", rank: 5, pure: true},
	{path: "internal/cost", rank: 3, pure: true},
	{path: "internal/report", rank: 4, pure: true},

	// The world outside, each part known to one package, which knows none of the others. State knows the types only;
	// the queue hands over bodies and knows no CloudTrail.
	{path: "internal/state", rank: 3, alone: true, also: []string{
		"internal/finding", "internal/inventory", "internal/audit", "internal/policy", "internal/remediation",
		"internal/history", "internal/usage", "internal/baseline", "internal/incident", "internal/reencrypt",
		"internal/counting", "internal/suppression",
	}},
	{path: "internal/events/queue", rank: 3, alone: true},
	{path: "internal/awss3", rank: 2, alone: true, also: []string{"internal/pattern"}},
	{path: "internal/events/trail", rank: 3},
	{path: "internal/awstrail", rank: 4, alone: true, also: []string{"internal/events/trail"}},
	{path: "internal/material", rank: 2, alone: true},
	{path: "internal/awskms", rank: 3},
	{path: "internal/awsorg", rank: 3, alone: true},
	{path: "internal/awssts", rank: 3, alone: true, also: []string{"internal/pattern"}},
	{path: "internal/notify", rank: 3},
	{path: "internal/scheduler", rank: 3, alone: true},

	// The only place where side effects are put in order.
	{path: "internal/engine", rank: 4},

	{path: "internal/manifest", rank: 1, alone: true, also: []string{"internal/reencrypt"}},
	{path: "internal/replay", rank: 5},
	{path: "internal/config", rank: 5},
	{path: "internal/admin", rank: 5},
	{path: "internal/web", rank: 5},

	// Everything together, and the commands around it. Nobody imports app but cmd.
	{path: "internal/app", rank: 6},
	{path: "cmd/rotd", rank: 7},

	// An AWS of its own: what it shared with rotd it could not contradict.
	{path: "internal/awssim", rank: 0, alone: true},

	// What detections are measured with: it knows no rule, so that none can be written into it.
	{path: "test/traffic", rank: 1, pure: true, alone: true, also: []string{"internal/inventory"}},

	// Programs that test rotd from outside.
	{path: "test", rank: 8},
	{path: "internal/laws", rank: 8},
	{path: "deploy", rank: 8},
}

// services says which package talks to which AWS service, so that its limits, error classes and permissions are dealt
// with once. A service without a row may be used nowhere. The simulator, tests and the demo are excepted: they are the
// other side.
var services = map[string][]string{
	"cloudtrail":    {"internal/awstrail"},
	"kms":           {"internal/awskms"},
	"organizations": {"internal/awsorg"},
	"s3":            {"internal/awss3"},
	"sns":           {"internal/notify"},
	"sqs":           {"internal/events/queue"},
	"sts":           {"internal/awskms", "internal/awssts"}, // rotd's own roles; people's identities
}

// Where the SDK's own chain of credentials, Regions and endpoints is read.
var chainReaders = []string{"internal/app", "cmd/rotd"}

// impure are the imports that a pure package does without, by prefix.
var impure = []string{
	"net/http", "os", "syscall", "log", "math/rand", "crypto/rand", "golang.org/x/sys",
	"github.com/aws/", "go.etcd.io/bbolt", "go.uber.org/zap", "github.com/prometheus/", "github.com/coreos/",
}

// clock are the functions of package time that a pure package does without: it is told the time.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// demoFiles are the production files that may import the simulator.
const (
	simulator = "internal/awssim"
	demoFiles = "cmd/rotd/demo*.go"
)
