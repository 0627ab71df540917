package detection

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/baseline"
	"rotd/internal/counting"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

var update = flag.Bool("update", false, "write golden files and docs/detections.md anew")

const (
	payARN    = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	otherARN  = "arn:aws:kms:eu-west-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"
	adminARN  = "arn:aws:iam::111122223333:role/admin"
	letARN    = "arn:aws:iam::111122223333:role/pay-api"
	aliasARN  = "arn:aws:kms:eu-west-1:111122223333:alias/payments"
	ownPolicy = `{"Statement":[{"Sid":"own","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},` +
		`"Action":"kms:*","Resource":"*"}]}`
	publicPolicy = `{"Statement":[{"Sid":"all","Effect":"Allow","Principal":"*","Action":"kms:Decrypt",` +
		`"Resource":"*"}]}`
)

// noon is when the tests' events happen.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// object is a JSON object written down.
type object = map[string]any

// record is a CloudTrail record of a call by the admin role on the payments key; what is given comes in its place.
func record(name string, given ...object) object {
	r := object{
		"eventVersion": "1.11", "eventID": "e-" + name, "eventTime": noon.Format(time.RFC3339),
		"eventSource": "kms.amazonaws.com", "eventName": name, "eventType": "AwsApiCall", "awsRegion": "eu-west-1",
		"recipientAccountId": "111122223333", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.31",
		"userIdentity":      assumed("admin"),
		"requestParameters": object{"keyId": payARN},
		"resources":         []object{{"ARN": payARN, "accountId": "111122223333", "type": "AWS::KMS::Key"}},
	}
	for _, g := range given {
		maps.Copy(r, g)
	}
	return r
}

func assumed(role string) object {
	return object{
		"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/" + role + "/session",
		"accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE",
		"sessionContext": object{"sessionIssuer": object{
			"type": "Role", "arn": "arn:aws:iam::111122223333:role/" + role, "accountId": "111122223333",
		}},
	}
}

func by(role string) object           { return object{"userIdentity": assumed(role)} }
func asking(parameters object) object { return object{"requestParameters": parameters} }
func failing(code string) object      { return object{"errorCode": code} }
func at(after time.Duration) object   { return object{"eventTime": noon.Add(after).Format(time.RFC3339)} }
func id(id string) object             { return object{"eventID": id} }

// byKMS makes a record one of what KMS does by itself.
func byKMS() object {
	return object{
		"eventType": "AwsServiceEvent", "requestParameters": nil, "sourceIPAddress": "AWS Internal",
		"userAgent": "AWS Internal", "userIdentity": object{"accountId": "111122223333", "invokedBy": "AWS Internal"},
	}
}

func decode(t testing.TB, r object) *events.Event {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	ev, _, err := events.NewDecoder(nil).DecodeRecord(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return &ev
}

// world is what is known around the events of a test.
type world struct {
	keys     map[string]*inventory.Key
	policies policy.Set
	uses     map[string]time.Time
	trusted  []string
	own      bool
	late     bool
	memory   map[string]remembered
	learnt   map[string]*baseline.Key // by ARN
	callers  map[baseline.ID]*baseline.Principal
	regions  []string // looked after; none: not known
	itself   *Itself
}

type remembered struct {
	value   string
	counted counting.Series
	expires time.Time
}

// newWorld knows the payments key, its policy of 90 days, and another key.
func newWorld() *world {
	return &world{
		keys:   map[string]*inventory.Key{payARN: payKey(), otherARN: otherKey()},
		uses:   make(map[string]time.Time),
		memory: make(map[string]remembered),
		learnt: make(map[string]*baseline.Key), callers: make(map[baseline.ID]*baseline.Principal),
		policies: policy.Set{{
			Name: "payments", Match: policy.Match{Aliases: []string{"alias/pay*"}}, Mode: policy.Observe,
			Rotation: policy.Rotation{MaxAge: 90 * 24 * time.Hour, Automatic: 90 * 24 * time.Hour, Method: policy.Auto},
			Allow:    []string{"arn:aws:iam::111122223333:role/pay-*"},
		}},
	}
}

func payKey() *inventory.Key {
	return &inventory.Key{
		ARN: payARN, ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Partition: "aws", Account: "111122223333",
		Region: "eu-west-1", State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT",
		Usage: "ENCRYPT_DECRYPT", Created: noon.AddDate(0, 0, -40), Aliases: []string{"alias/payments"},
		Policy:   ownPolicy,
		Rotation: &inventory.Rotation{Enabled: true, PeriodDays: 90, HistoryAt: noon.Add(-time.Hour)},
		ReadAt:   noon.Add(-time.Hour), FullAt: noon.Add(-time.Hour),
	}
}

func otherKey() *inventory.Key {
	k := payKey()
	k.ARN, k.ID, k.Aliases = otherARN, "99999999-12ab-34cd-56ef-1234567890ab", nil
	return k
}

func (w *world) context() *Context {
	c := &Context{
		Known: w, Memory: w, Own: w.own, Late: w.late, Policies: w.policies, Itself: w.itself,
		Trusted: func(account string) bool { return account == "111122223333" || slices.Contains(w.trusted, account) },
	}
	if w.regions != nil {
		c.Region = func(region string) bool { return slices.Contains(w.regions, region) }
	}
	return c
}

// observes learns from an event as the engine does, and answers what was known before it.
func (w *world) observes(ev *events.Event) *baseline.Observed {
	use, of := Learning(ev)
	key := w.Key(ev.Key, ev.RecipientAccountID, ev.AWSRegion)
	if of == Nobody || of == OfKey && key == nil || w.late {
		return nil
	}
	if w.callers[use.Principal] == nil {
		w.callers[use.Principal] = new(baseline.Principal)
	}
	var o baseline.Observed
	if of == OfKey {
		if w.learnt[key.ARN] == nil {
			w.learnt[key.ARN] = new(baseline.Key)
		}
		w.learnt[key.ARN].Observe(&use, &o)
	}
	w.callers[use.Principal].Observe(&use, &o)
	return &o
}

// learns has the world learn from records before those of the test.
func (w *world) learns(t testing.TB, records ...object) {
	t.Helper()
	for _, r := range records {
		w.observes(decode(t, r))
	}
}

func (w *world) Key(ref events.KeyRef, account, region string) *inventory.Key {
	if ref.ARN != "" {
		return w.keys[ref.ARN]
	}
	if k := w.AliasTarget(ref.Name, account, region); k != nil {
		return k
	}
	return w.keys["arn:aws:kms:"+region+":"+account+":key/"+ref.Name]
}

func (w *world) AliasTarget(alias, account, region string) *inventory.Key {
	for _, k := range w.keys {
		if k.Account == account && k.Region == region && slices.Contains(k.Aliases, alias) {
			return k
		}
	}
	return nil
}

func (w *world) Policy(key *inventory.Key) *policy.Policy { return w.policies.For(key) }
func (w *world) LastUse(arn string) time.Time             { return w.uses[arn] }

func (w *world) Count(series, id string, at time.Time, window time.Duration) int {
	m := w.memory[series]
	hash := sha256.Sum256([]byte(id))
	m.counted, _ = m.counted.With(counting.Entry{At: at.Unix(), ID: [8]byte(hash[:8])}, window)
	m.counted = m.counted.Newest()
	w.memory[series] = m
	return m.counted.Fullest(at, window)
}

func (w *world) Note(name, value string, at time.Time, keep time.Duration) {
	w.memory[name] = remembered{value: value, expires: at.Add(keep)}
}

func (w *world) Noted(name string, at time.Time) string {
	if m := w.memory[name]; m.expires.After(at) {
		return m.value
	}
	return ""
}

// ruleTest is events judged by one rule and what it finds in all of them together, each as `SEVERITY title`, with
// `expected` before the title of what is expected.
type ruleTest struct {
	name   string
	world  func(w *world)
	learnt func(t testing.TB, w *world) // what the world has learnt
	events []object
	want   []string
	says   []string // the last finding's description, policy note or remedy have these
}

func testRule(t *testing.T, rule Rule, tests []ruleTest) {
	t.Helper()
	judge := newJudge([]Rule{rule}, nil, Settings{Learning: DefaultLearning})
	golden, ran := true, 0
	var hits []byte // the last record of each case that something is found in, a line each: FuzzRules begins with them
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ran++
			w := newWorld()
			if test.world != nil {
				test.world(w)
			}
			if test.learnt != nil {
				test.learnt(t, w)
			}
			var got []string
			var last finding.Finding
			for _, r := range test.events {
				ev, c := decode(t, r), w.context()
				c.Observed = w.observes(ev)
				found, panics := judge.Event(c, ev)
				for _, p := range panics {
					t.Fatalf("%v\n%s", p, p.Stack)
				}
				for _, f := range found {
					got = append(got, told(&f))
					last = f
					checkFinding(t, &f)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Fatalf("found (-want +got):\n%s", diff)
			}
			text := last.Description + "\n" + last.Why + "\n" + strings.Join(last.Remedy, "\n")
			for _, s := range test.says {
				if !strings.Contains(text, s) {
					t.Errorf("%q is not in:\n%s", s, text)
				}
			}
			if len(got) == 0 {
				return
			}
			hits = append(append(hits, mustJSON(t, test.events[len(test.events)-1])...), '\n')
			if golden {
				golden = false
				checkGolden(t, &last)
			}
		})
	}
	if ran == len(tests) { // not under -run of some
		checkFile(t, filepath.Join("testdata", "records", t.Name()+".jsonl"), string(hits))
	}
}

func told(f *finding.Finding) string {
	s := f.Severity.String() + " "
	if f.Expected {
		s += "expected "
	}
	return s + f.Title
}

// rotdCommand matches the commands that remedies may name.
var rotdCommand = regexp.MustCompile(`^(status|resume|state check|config (validate|explain \S+)|` +
	`(findings|quarantine|detections) list|` +
	`(findings|keys|actions|detections) show \S+|keys show \S+ --history|keys usage \S+|` +
	`contain \S+ (--dry-run|--disable --reason '[a-z ]+'|--undo \S+ --reason '[a-z ]+')|` +
	`replace \S+ --reason '[a-z_0-9 ]+'|` +
	`sweep \S+|rotate \S+ (--automatic \d+d )?--reason '[a-z ]+')$`)

// checkFinding holds a finding against what every finding must be.
func checkFinding(t *testing.T, f *finding.Finding) {
	t.Helper()
	switch {
	case f.RuleID == "" || f.Title == "" || f.Description == "" || f.Fingerprint == "" || f.Subject.ID == "":
		t.Errorf("incomplete: %+v", f)
	case len(f.Remedy) == 0 || len(f.Remedy) > 8:
		t.Errorf("%d lines of remedy, want 1 to 8", len(f.Remedy))
	case len(f.Description) > maxDescription:
		t.Errorf("a description of %d bytes", len(f.Description))
	case f.Mitre == nil || f.Count != 1:
		t.Errorf("mitre %v, count %d", f.Mitre, f.Count)
	}
	for _, line := range f.Remedy {
		if command, is := strings.CutPrefix(line, "rotd "); is && !rotdCommand.MatchString(command) {
			t.Errorf("remedy %q is no command that rotd has", line)
		}
		if len(line) > 300 || strings.Contains(line, "\n") || strings.Contains(line, "UNKNOWN") {
			t.Errorf("remedy %q is too long, or no line, or names nothing", line)
		}
	}
}

// checkGolden holds the whole finding against its golden file.
func checkGolden(t *testing.T, f *finding.Finding) {
	t.Helper()
	got, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, filepath.Join("testdata", "findings", f.RuleID+".json"), string(got)+"\n")
}

func checkFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; run with -update when it is meant):\n%s", path, diff)
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// carefulWorld is one in which every rule has something to look for.
func carefulWorld() *world {
	w := newWorld()
	w.regions = []string{"eu-west-1"}
	w.uses[payARN] = noon.Add(-time.Hour)
	p := &w.policies[0]
	p.Networks, p.VPCEs = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, []string{"vpce-0abc"}
	p.UnusedAfter = 30 * 24 * time.Hour
	w.itself = &Itself{
		Principals: []string{"arn:aws:iam::111122223333:role/service/rotd", "arn:aws:iam::444455556666:role/rotd-member"},
		Queues:     []string{queueURL, queueURL + "-dead"},
		Topics:     []string{"arn:aws:sns:eu-west-1:111122223333:oncall"},
		Sources:    []string{"arn:aws:events:eu-west-1:111122223333:rule/rotd-*", "arn:aws:s3:::trail-logs"},
		Since:      noon.Add(-24 * time.Hour),
	}
	return w
}

// careful makes a test's world one in which every rule has something to look for, and changes it further.
func careful(change ...func(w *world)) func(w *world) {
	return func(w *world) {
		*w = *carefulWorld()
		for _, c := range change {
			c(w)
		}
	}
}

// user is an IAM user's identity; mfa is what the record says of MFA, nothing when empty.
func user(mfa string) object {
	id := object{
		"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/jane", "accountId": "111122223333",
		"accessKeyId": "AKIAEXAMPLE", "userName": "jane",
	}
	if mfa != "" {
		id["sessionContext"] = object{"attributes": object{"mfaAuthenticated": mfa}, "sessionIssuer": object{}}
	}
	return object{"userIdentity": id}
}

// through makes a record one of a call that an AWS service makes on behalf of the caller.
func through(service string, identity object) object {
	id := maps.Clone(identity["userIdentity"].(object))
	id["invokedBy"] = service
	return object{"userIdentity": id, "sourceIPAddress": service, "userAgent": service}
}

// byConfig is what AWS Config calls by its service-linked role.
func byConfig() object {
	id := assumed("aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig")
	id["invokedBy"] = "config.amazonaws.com"
	return object{"userIdentity": id, "sourceIPAddress": "config.amazonaws.com", "userAgent": "config.amazonaws.com"}
}

// byBackup is what a service calls as itself.
func byBackup() object {
	return object{
		"userIdentity":    object{"type": "AWSService", "invokedBy": "backup.amazonaws.com"},
		"sourceIPAddress": "backup.amazonaws.com", "userAgent": "backup.amazonaws.com",
	}
}

// byAccount is a caller of another account as the key's owner is told of it.
func byAccount(account string) object {
	return object{"userIdentity": object{"type": "AWSAccount", "principalId": "AROAEXAMPLE:x", "accountId": account}}
}

// on makes a record one about another key.
func on(arn string) object {
	return object{
		"requestParameters": object{"keyId": arn},
		"resources":         []object{{"ARN": arn, "accountId": arnPart(arn, arnAccount), "type": "AWS::KMS::Key"}},
	}
}

func from(ip string) object { return object{"sourceIPAddress": ip} }

// times is a record n times, each another call, so long after another.
func times(n int, every time.Duration, name string, given ...object) (all []object) {
	for i := range n {
		r := record(name, given...)
		r["eventID"], r["eventTime"] = fmt.Sprintf("e-%s-%d", name, i), noon.Add(time.Duration(i)*every).Format(time.RFC3339)
		all = append(all, r)
	}
	return all
}

func severities(t *testing.T, ruleID, label string) map[string]finding.Severity {
	t.Helper()
	s, err := finding.ParseSeverity(label)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]finding.Severity{ruleID: s}
}
