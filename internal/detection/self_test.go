package detection

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/suppression"
)

const queueURL = "https://sqs.eu-west-1.amazonaws.com/111122223333/rotd"

// missing is a number of changes that no event told of.
func missing(n int) *Missing {
	all := []Missed{
		{Key: "alias/pay\n", ARN: payARN, What: "rotation turned off"},
		{ARN: payARN, What: "key policy"},
		{Key: "alias/pay", ARN: payARN, What: "tags"},
	}
	for len(all) < n {
		all = append(all, all[len(all)%3])
	}
	return &Missing{Account: "111122223333", Region: "eu-west-1", Changes: all[:n]}
}

func unjudged(m *Missing, n int) *Missing {
	m.Unjudged = n
	return m
}

func quiet(m *Missing, heard time.Time) *Missing {
	m.Quiet, m.Heard = true, heard
	return m
}

// canary is a place to which no canary came back since.
func canary(back time.Time) *Canary {
	return &Canary{
		Account: "111122223333", Region: "eu-west-1", First: noon.Add(-30 * time.Hour), Sent: noon.Add(-time.Hour),
		Back: back, Allowed: time.Hour,
	}
}

// selfFindings is one of each finding rotd has about itself.
func selfFindings() []finding.Finding {
	action := &remediation.Action{
		ID: "act_1", Method: remediation.NewMaterial, KeyARN: payARN, Alias: "alias/payments", Account: "111122223333",
		Region: "eu-west-1", Attempts: 1, Outcome: "KMS did not show new material within 10m.", Policy: "payments",
	}
	return []finding.Finding{
		RulePanicked("default", "key-disabled", "boom\nHIGH", noon),
		Undecodable(queueURL, "syntax", "unexpected }", true, noon),
		IntakeSilent("default", noon.Add(-2*time.Hour), time.Hour, noon),
		SweepIncomplete("111122223333", "eu-west-1", "inventory", 10, 2, []string{"AccessDenied: x", "timeout"}, noon),
		SweepIncomplete("111122223333", "eu-west-1", "inventory", 0, 0, []string{refusedList}, noon),
		ExceptionExpired("default", &policy.Exception{
			Name: "readers", Keys: []string{"alias/pay-reader-*"}, Checks: []string{"rotation-overdue"}, Author: "jane",
			Approver: "joe", Reason: "no update \"yet\"\nHIGH", Expires: noon,
		}, noon),
		SuppressionExpired("default", &suppression.Suppression{
			Name: "scanner", Rules: []string{"denied-burst"}, Principals: []string{"arn:aws:iam::111122223333:role/scan-*"},
			Author: "jane", Reason: "the yearly \"scan\"\nHIGH", Expires: noon,
		}, noon),
		SuppressionExpired("default", &suppression.Suppression{
			Name: "sup_1", Rules: []string{"key-unused"}, Keys: []string{payARN}, Author: "uid:1000 (ann)", Reason: "kept",
			Created: noon.Add(-24 * time.Hour), Expires: noon,
		}, noon),
		JobFailed("default", "snapshot", errors.New("put s3://backups/rotd/default-20261101T000000Z.db: AccessDenied\nHIGH"),
			noon),
		SweepFoundMissed(missing(7), noon),
		SweepFoundMissed(missing(1), noon),
		SweepFoundMissed(unjudged(missing(2), 9), noon),
		SweepFoundMissed(unjudged(missing(0), 1), noon),
		SweepFoundMissed(quiet(missing(1), noon.Add(-3*time.Hour)), noon),
		PlaceSilent(quiet(missing(2), noon.Add(-30*time.Hour)), noon),
		PlaceSilent(quiet(missing(1), time.Time{}), noon),
		CanaryLost(canary(noon.Add(-3*time.Hour)), noon),
		CanaryLost(canary(time.Time{}), noon),
		AccountsUnlisted("default", noon.Add(-30*time.Hour), errors.New("AccessDeniedException: not yours"), noon),
		RotationFailed("default", action, noon),
		ContainmentFailed("default", containing(), noon),
		ContainedDeadline(disabledFor(time.Hour), noon),
		ContainedDeadline(disabledFor(5*24*time.Hour), noon),
		ContainedDeadline(disabledFor(8*24*time.Hour), noon),
		AlertUndeliverable("default", "arn:aws-cn:sns:cn-north-1:111122223333:oncall", "NotFound: no such topic", noon),
		QueueWithoutRedrive(queueURL, noon),
		DeadLetters(queueURL, "arn:aws:sqs:eu-west-1:111122223333:rotd-dead", 1, noon),
		DeadLetters(queueURL, "arn:aws:sqs:eu-west-1:111122223333:rotd-dead", 12, noon),
		StateRecovered("default", "/var/lib/rotd/rotd.db.damaged", "invalid page", noon),
		StateTampered("default", "/var/lib/rotd/rotd.db", "it was deleted, or moved away", noon),
		StateRestored("default", "s3://backups/rotd.db", "/var/lib/rotd/rotd.db.replaced", noon.Add(-time.Hour), noon),
		StateRebuilt("default", "/var/lib/rotd/rotd.db", "/var/lib/rotd/rotd.db.damaged",
			[]string{"findings: what was on 2 pages", "jobs: all"}, noon.Add(-time.Hour), noon),
		StateRecordUnreadable("default", `decode "arn:aws:kms:x": unexpected EOF`, noon),
		OutboxOverflow("default", 12, noon),
		BreakerOpen("default", &remediation.Breaker{OpenedAt: noon, Failures: []remediation.Failure{
			{ActionID: "act_1", KeyARN: payARN, Outcome: "KMS refuses rotd the call.\nHIGH"},
			{ActionID: "act_2", KeyARN: payARN},
		}}, noon),
	}
}

// containing is a containment that KMS refused at its second call.
func containing() *remediation.Action {
	done := noon
	return &remediation.Action{
		ID: "act_2", Verb: remediation.Contain, Method: remediation.Measures, KeyARN: payARN, Alias: "alias/payments",
		Account: "111122223333", Region: "eu-west-1", Attempts: 1, Rejected: 1, At: 1, Policy: "payments",
		Calls: []remediation.Call{
			{Operation: remediation.DeleteAlias, KeyARN: payARN, Alias: "alias/payments", Done: &done},
			{Operation: remediation.DisableKey, KeyARN: payARN, KeyState: "Enabled"},
		},
		Outcome: "KMS refuses rotd the call. Done: alias/payments retired. Not done: the key disabled.",
	}
}

// disabledFor is the deadline of a key that was disabled so long ago.
func disabledFor(ago time.Duration) *remediation.Deadline {
	since := noon.Add(-ago)
	return &remediation.Deadline{
		KeyARN: payARN, Alias: "alias/payments", Account: "111122223333", Region: "eu-west-1", ActionID: "act_2",
		Since: since,
		Losses: []remediation.Loss{
			{
				Who: "Amazon RDS", What: "only a restore brings it back", Evidence: "1 database (db-1)",
				At: since.Add(7 * 24 * time.Hour), Recovers: "start each database again",
			},
			{Who: "Amazon SNS", What: "messages that their publisher does not keep are lost"},
		},
	}
}

func TestAContainmentThatDoesWhatFailedMakesItGood(t *testing.T) {
	failed := ContainmentFailed("default", containing(), noon)
	again := containing()
	again.ID, again.Calls = "act_3", again.Calls[1:]
	other := containing()
	other.Calls = other.Calls[:1]
	if !slices.Contains(ContainmentDone(again), failed.Fingerprint) {
		t.Error("the same measure, done later, does not end the failure")
	}
	if slices.Contains(ContainmentDone(other), failed.Fingerprint) {
		t.Error("another measure ends the failure")
	}
}

func TestADeadlineIsToldAgainAndMoreUrgently(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		after  time.Duration
		want   finding.Severity
		points int
	}{
		{0, finding.Low, 0},
		{day - time.Second, finding.Low, 0},
		{day, finding.Medium, 1},
		{3 * day, finding.High, 2},
		{5 * day, finding.High, 3},
		{6 * day, finding.Critical, 4},
		{30 * day, finding.Critical, 4},
	} {
		f := ContainedDeadline(disabledFor(test.after), noon)
		if f.Severity != test.want || len(f.Points) != test.points {
			t.Errorf("after %v: %s with points %q, want %s with %d", test.after, f.Severity, f.Points, test.want, test.points)
		}
	}
}

func TestFindingsAboutRotdItself(t *testing.T) {
	known := make(map[string]bool)
	for _, e := range Catalogue() {
		known[e.ID] = e.Kind == KindSelf
	}
	for _, f := range selfFindings() {
		checkFinding(t, &f)
		if !known[f.RuleID] {
			t.Errorf("%s is not in the catalogue", f.RuleID)
		}
		if f.EventID != "" || f.EventTime != nil || !f.FirstSeen.Equal(noon) || !f.LastSeen.Equal(noon) {
			t.Errorf("%s: times and event %+v", f.RuleID, f)
		}
	}
	got, err := json.MarshalIndent(selfFindings(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, filepath.Join("testdata", "findings", "self.json"), string(got)+"\n")
}

func TestUndecodableIsOnePerQueueAndReason(t *testing.T) {
	of := func(source, reason, detail string, kept bool) string {
		return Undecodable(source, reason, detail, kept, noon).Fingerprint
	}
	one := of("s3://trail/AWSLogs/a.json.gz", "syntax", "x", true)
	if one != of("s3://trail/AWSLogs/b.json.gz", "syntax", "y", false) {
		t.Error("two objects of a bucket make two findings")
	}
	if one == of("s3://trail/AWSLogs/a.json.gz", "too-deep", "x", true) || one == of(queueURL, "syntax", "x",
		true) {
		t.Error("another reason or queue is another finding")
	}
	f := Undecodable("s3://trail/a", "syntax", "x", false, noon)
	if f.Severity != finding.High || f.Subject.ID != "s3://trail" || !strings.Contains(f.Description, "only its hash") {
		t.Errorf("%+v", f)
	}
}

// refusedList is how the SDK and rotd's client report a refusal.
const refusedList = "KMS ListKeys: operation error KMS: ListKeys, https response error StatusCode: 400, RequestID: " +
	"11111111-2222-3333-4444-555555555555, api error AccessDeniedException: User: " +
	"arn:aws:sts::111122223333:assumed-role/rotd-with-a-long-name-for-one-of-many-workloads/i-0123456789abcdef0 is not " +
	"authorized to perform: kms:ListKeys because no identity-based policy allows the kms:ListKeys action"

func TestASweepThatReadsNothingIsGraverThanOneThatReadsAPart(t *testing.T) {
	const (
		part  = "MEDIUM The inventory sweep could not read everything"
		blind = "HIGH rotd is blind: the inventory sweep could read no key"
	)
	tests := []struct {
		name           string
		listed, failed int
		reasons        []string
		want           string
		says           []string
	}{
		{
			"the listing is refused", 0, 0, []string{refusedList}, blind, []string{
				"rotd cannot see the keys of account 111122223333 in eu-west-1: not one could be read.",
				"AWS refuses rotd kms:ListKeys.",
				`allows the kms:ListKeys action".`,
				"Let rotd's role call kms:ListKeys: in IAM",
			},
		},
		{
			"the Region is not enabled", 0, 0,
			[]string{"operation error KMS: ListKeys, api error UnrecognizedClientException: The security token is invalid."},
			blind,
			[]string{"See that the Region is enabled in the account"},
		},
		{
			"the Region's STS is not enabled", 0, 0,
			[]string{"operation error STS: AssumeRole, api error InvalidClientTokenId: The security token is invalid."},
			blind,
			[]string{"See that the Region is enabled in the account"},
		},
		{
			"AWS does not answer", 0, 0,
			[]string{"operation error KMS: ListKeys, request canceled"},
			blind,
			[]string{`The errors say: "operation error KMS: ListKeys, request canceled".`},
		},
		{
			"what is refused is no action", 0, 0,
			[]string{"not authorized to perform: kms:$(reboot) because"},
			blind,
			[]string{"not one could be read. Until they can be read", "Throttling passes"},
		},
		{"no key can be read", 3, 3, []string{"reading key x: timeout"}, blind, []string{"Throttling passes"}},
		{"some keys cannot be read", 10, 2, []string{"operation error KMS: DescribeKey, AccessDenied"}, part, []string{
			"2 of 10 keys of account 111122223333 in eu-west-1 could not be read.", "AWS refuses rotd kms:DescribeKey.",
		}},
		{"the listing breaks off", 1000, 0, []string{"timeout"}, part, []string{"ended early, after 1000 keys"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := SweepIncomplete("111122223333", "eu-west-1", "inventory", test.listed, test.failed, test.reasons, noon)
			if diff := cmp.Diff(test.want, told(&f)); diff != "" {
				t.Error(diff)
			}
			text := f.Description + "\n" + strings.Join(f.Remedy, "\n")
			for _, said := range test.says {
				if !strings.Contains(text, said) {
					t.Errorf("it does not say %q:\n%s", said, text)
				}
			}
			for _, not := range []string{"RequestID", `\u2026`, "kms:ListKeys…"} {
				if strings.Contains(text, not) {
					t.Errorf("it says %q:\n%s", not, text)
				}
			}
		})
	}
}

func TestRotationFailedTellsWhetherKMSWasAsked(t *testing.T) {
	tests := []struct {
		name               string
		attempts, rejected int
		want               string
	}{
		{"the call was made", 1, 0, "HIGH A rotation rotd asked for is not shown by KMS"},
		{"one of two calls was made", 2, 1, "HIGH A rotation rotd asked for is not shown by KMS"},
		{"KMS rejected the call", 1, 1, "MEDIUM A rotation could not be made"},
		{"nothing was called", 0, 0, "MEDIUM A rotation could not be made"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := RotationFailed("default", &remediation.Action{
				ID: "act_1", KeyARN: payARN, Attempts: test.attempts, Rejected: test.rejected, Outcome: "No.",
			}, noon)
			if diff := cmp.Diff(test.want, told(&f)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFailedReplacementTellsWhatStandsHalfDone(t *testing.T) {
	const made = "arn:aws:kms:eu-west-1:111122223333:key/99999999-0000-4000-8000-000000000000"
	alias := func(name string, done bool) remediation.Call {
		c := remediation.Call{Operation: remediation.UpdateAlias, Alias: name, KeyARN: made}
		if done {
			c.Done = &noon
		}
		return c
	}
	created := remediation.Call{Operation: remediation.CreateKey, Done: &noon}
	tests := []struct {
		name   string
		action remediation.Action
		title  string
		says   []string
		remedy string // the last
	}{
		{
			"nothing was made",
			remediation.Action{
				Method: remediation.NewKey, Calls: []remediation.Call{{Operation: remediation.CreateKey}},
				Attempts: 1, Rejected: 1,
			},
			"MEDIUM A key could not be replaced: CreateKey failed",
			[]string{"at call 1 of 1", "Nothing was changed."},
			"rotd replace " + payARN + " --reason 'goes on with act_1'",
		},
		{
			"a key may have been made",
			remediation.Action{
				Method: remediation.NewKey, Calls: []remediation.Call{{Operation: remediation.CreateKey}}, Attempts: 1,
			},
			"HIGH A key could not be replaced: CreateKey failed",
			[]string{"Whether the new key was made is not known; going on looks for it"},
			"rotd replace " + payARN + " --reason 'goes on with act_1'",
		},
		{
			"one of three aliases was moved, one may have been",
			remediation.Action{
				Method: remediation.NewKey, NewKeyARN: made, At: 2, Attempts: 1, Calls: []remediation.Call{
					created, alias("alias/a", true), alias("alias/b", false), alias("alias/c", false),
				},
			},
			"HIGH A key is replaced in part: UpdateAlias failed",
			[]string{
				"at call 3 of 4", "no second one is made. Callers of alias/a use the new key. Callers of alias/c use the " +
					"old one. Both keys stay enabled.",
			},
			"rotd undo-alias act_1 --reason 'callers fail'",
		},
		{
			"all aliases were moved, and the old key was not tagged",
			remediation.Action{
				Method: remediation.NewKey, NewKeyARN: made, At: 2, Attempts: 1, Rejected: 1, Calls: []remediation.Call{
					created, alias("alias/a", true), {Operation: remediation.TagResource, KeyARN: payARN},
				},
			},
			"HIGH A key is replaced in part: TagResource failed",
			[]string{"no second one is made. Callers of alias/a use the new key. Both keys stay enabled."},
			"rotd undo-alias act_1 --reason 'callers fail'",
		},
		{
			"no alias was moved back",
			remediation.Action{
				Method: remediation.MoveBack, NewKeyARN: made, Attempts: 1, Rejected: 1, LastError: "AccessDenied: no",
				Calls: []remediation.Call{alias("alias/b", false), alias("alias/a", false)},
			},
			"MEDIUM A key's aliases could not be moved back: UpdateAlias failed",
			[]string{
				"at call 1 of 2", "no second one is made. Callers of alias/b, alias/a use the new key. Both keys stay enabled.",
				`KMS last said: "AccessDenied: no".`,
			},
			"rotd undo-alias " + payARN + " --reason 'goes on with act_1'",
		},
		{
			"one of two aliases was moved back",
			remediation.Action{
				Method: remediation.MoveBack, NewKeyARN: made, At: 1, Attempts: 1, Rejected: 1, Calls: []remediation.Call{
					alias("alias/b", true), alias("alias/a", false),
				},
			},
			"HIGH A key's aliases are moved back in part: UpdateAlias failed",
			[]string{"Callers of alias/b use the old one. Callers of alias/a use the new key."},
			"rotd undo-alias " + payARN + " --reason 'goes on with act_1'",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := test.action
			a.ID, a.Verb, a.KeyARN, a.State, a.Outcome = "act_1", remediation.Replace, payARN, remediation.Failed, "No."
			f := RotationFailed("default", &a, noon)
			if diff := cmp.Diff(test.title, told(&f)); diff != "" {
				t.Error(diff)
			}
			for _, text := range test.says {
				if !strings.Contains(f.Description, text) {
					t.Errorf("does not say %q: %s", text, f.Description)
				}
			}
			if last := f.Remedy[len(f.Remedy)-1]; last != test.remedy {
				t.Errorf("the last remedy is %q", last)
			}
			if f.RuleID != "rotation-missed" || !slices.Contains(RotationDone(&a), f.Fingerprint) {
				t.Errorf("%s, ended by %q", f.RuleID, RotationDone(&a))
			}
		})
	}
}

func TestALongOutcomeLeavesRoomForWhatStandsBehindIt(t *testing.T) {
	long := strings.Repeat("x", 2*maxDescription)
	const said = `KMS last said: "AccessDenied: no".`
	failed := func(a *remediation.Action) *remediation.Action {
		a.Outcome, a.LastError = long, "AccessDenied: no"
		return a
	}
	moved := keyContext()
	moved.Moved = &policy.Pending{Policy: "lax", Since: noon, Changed: []string{"alias/a added"}, Laxer: []string{long}}
	judged, _ := newJudge(nil, []Check{keyPolicyAssignmentChanged()}, Settings{}).Key(moved, true)
	lockedOut, _ := newJudge([]Rule{keyPolicyOwnerRemoved()}, nil, Settings{}).Event(newWorld().context(), decode(t,
		record("PutKeyPolicy", on("arn:aws:kms:eu-west-1:"+long+":key/k"), bringing(strangersPolicy))))
	for name, tt := range map[string]struct {
		found finding.Finding
		end   string
	}{
		"a rotation":    {RotationFailed("default", failed(&remediation.Action{ID: "act_1", KeyARN: payARN}), noon), said},
		"a containment": {ContainmentFailed("default", failed(containing()), noon), said},
		"a replacement": {RotationFailed("default", failed(&remediation.Action{
			ID: "act_1", KeyARN: payARN, Verb: remediation.Replace, Method: remediation.NewKey,
			Calls: []remediation.Call{{Operation: remediation.CreateKey}},
		}), noon), said},
		"a key that moved":         {judged[0].Verdict.Finding, "it rotd goes on by what was before."},
		"a key of a false account": {lockedOut[0], "that proves none."},
	} {
		if text := tt.found.Description; len(text) > maxDescription || !strings.HasSuffix(text, tt.end) {
			t.Errorf("%s, in %d bytes: …%s", name, len(text), text[max(0, len(text)-80):])
		}
	}
}

func TestWhatWentThroughEndsTheFailuresOfItsKindOnly(t *testing.T) {
	methods := []remediation.Method{
		remediation.NewMaterial, remediation.ImportedMaterial, remediation.NewKey, remediation.MoveBack,
	}
	for _, test := range []struct {
		verb   remediation.Verb
		method remediation.Method
		ends   []remediation.Method
	}{
		{remediation.Rotate, remediation.NewMaterial, []remediation.Method{remediation.NewMaterial}},
		{remediation.Replace, remediation.NewKey, []remediation.Method{remediation.NewKey, remediation.MoveBack}},
		{remediation.Replace, remediation.MoveBack, []remediation.Method{remediation.NewKey, remediation.MoveBack}},
	} {
		done := &remediation.Action{Verb: test.verb, Method: test.method, KeyARN: payARN}
		var ended []remediation.Method
		for _, method := range methods {
			if slices.Contains(RotationDone(done), rotationFailed(done, method, noon).Fingerprint) {
				ended = append(ended, method)
			}
		}
		if !slices.Equal(ended, test.ends) {
			t.Errorf("%s ends %v, want %v", test.method, ended, test.ends)
		}
	}
}

func TestManyMissedChangesWeighMore(t *testing.T) {
	for _, test := range []struct {
		missing *Missing
		want    finding.Severity
	}{
		{missing(9), finding.Low},
		{missing(10), finding.Medium},
		{unjudged(missing(2), 7), finding.Low},
		{unjudged(missing(2), 8), finding.Medium},
	} {
		if f := SweepFoundMissed(test.missing, noon); f.Severity != test.want {
			t.Errorf("%d changes and %d not judged: %s, want %s", len(test.missing.Changes), test.missing.Unjudged,
				f.Severity, test.want)
		}
	}
}

func TestAnExceptionOfNoCheckWasOneOfAllAboutRotation(t *testing.T) {
	x := &policy.Exception{Name: "readers", Keys: []string{"alias/a"}, Author: "jane", Reason: "none", Expires: noon}
	f := ExceptionExpired("default", x, noon)
	if !strings.Contains(f.Description, "let alias/a off the rotation-* checks") {
		t.Errorf("it says: %s", f.Description)
	}
}

func TestABreakerThatNothingOpenedHasNothingToLookAt(t *testing.T) {
	if f := BreakerOpen("default", &remediation.Breaker{OpenedAt: noon}, noon); len(f.Remedy) > 0 {
		t.Errorf("to be done: %q", f.Remedy)
	}
}

func TestTwoWaysToRecoverAreNamedOnce(t *testing.T) {
	d := disabledFor(time.Hour)
	for _, who := range []string{"Amazon RDS", "Amazon EBS", "Amazon EFS"} {
		d.Losses = append(d.Losses, remediation.Loss{Who: who, Recovers: "start each database again"})
	}
	want := []string{
		"Amazon RDS, once it is enabled: start each database again",
		"Amazon EBS, once it is enabled: start each database again",
	}
	if diff := cmp.Diff(want, containedRemedy(d)[4:]); diff != "" {
		t.Errorf("after how to enable it (-want +got):\n%s", diff)
	}
}

func TestQueuePlace(t *testing.T) {
	for url, want := range map[string][2]string{
		queueURL: {"111122223333", "eu-west-1"},
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/rotd": {"111122223333", "cn-north-1"},
		"http://127.0.0.1:4566/000000000000/rotd":                   {},
		"https://sqs.eu-west-1.amazonaws.com/111122223333":          {},
		"https://sqs.localhost/111122223333/rotd":                   {},
		"s3://bucket": {},
		"":            {},
	} {
		account, region := queuePlace(url)
		if got := [2]string{account, region}; got != want {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
}
