package engine

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/state"
	"rotd/internal/suppression"
	"rotd/internal/userrules"
)

const ciRole = "arn:aws:iam::" + account + ":role/ci"

// suppress makes rotd.yaml's suppressions these, of rotation-turned-off unless they say otherwise, for a day.
func (w *world) suppress(all ...suppression.Suppression) {
	w.Helper()
	changed := w.settings
	for i := range all {
		s := &all[i]
		if s.Rules == nil {
			s.Rules = []string{"rotation-turned-off"}
		}
		if s.Expires.IsZero() {
			s.Expires = time.Now().Add(day)
		}
		if s.Name == "" {
			s.Name = "quiet"
		}
		s.Author, s.Reason = "jane", "planned"
	}
	changed.Suppressions = all
	w.engine.Reload(&changed)
	w.check(w.engine.noteSuppressions(time.Now()))
}

// bySession is a record of a call that a session of the role ci made.
func (w *world) bySession(name, arn, session, agent string) record {
	return w.aRecord(name, arn).with("userAgent", agent).with("userIdentity", map[string]any{
		"type": "AssumedRole", "arn": "arn:aws:sts::" + account + ":assumed-role/ci/" + session, "accountId": account,
		"accessKeyId": "ASIACI", "principalId": "AROACI:" + session, "sessionContext": map[string]any{
			"sessionIssuer": map[string]any{"type": "Role", "arn": ciRole, "accountId": account, "userName": "ci"},
		},
	})
}

// pages is how often an episode of a rule's finding was told, once everything was.
func (w *world) pages(ruleID string) int {
	w.Helper()
	w.idleOutbox()
	return w.items(ruleID, notifyOpened)
}

func TestASuppressedOccurrenceIsKeptTellsNobodyAndStartsNothing(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.suppress(suppression.Suppression{Principals: []string{w.engineer.ARN}})
	for range 2 {
		w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	}
	f := w.found("rotation-turned-off")
	if f == nil || !f.Hidden || f.Count != 2 || f.Suppressed.Count != 2 || f.Suppressed.By != "quiet" {
		t.Fatalf("got %+v", f)
	}
	if n, a := w.pages("rotation-turned-off"), w.actions(); n != 0 || len(a) != 0 {
		t.Errorf("told %d times, begun: %+v", n, a)
	}
	if got := w.counter("rotd_findings_suppressed_total", "rotation-turned-off"); got != 2 {
		t.Errorf("counted %v times", got)
	}
	all, err := w.engine.Suppressions()
	w.check(err)
	if s := all[0]; s.Hits != 2 || s.LastHit == nil || s.Source != suppression.InRotdYAML || s.Expired {
		t.Errorf("listed as %+v", s)
	}
}

func TestAnAttackersWordsHideNothing(t *testing.T) {
	named := suppression.Suppression{
		Principals: []string{ciRole}, SessionNames: []string{"deploy-*"}, UserAgents: []string{"terraform/1.*"},
	}
	for name, words := range map[string][2]string{
		"what the session's wildcard would match": {"deploy-42", "terraform/1.*"},
		"what the agent's wildcard would match":   {"deploy-*", "terraform/1.9"},
		"wildcards":                               {"*", "*"},
		"a beginning":                             {"deploy-", "terraform/1.*"},
		"more than what is named":                 {"deploy-*x", "terraform/1.*"},
		"what is named in other letters":          {"DEPLOY-*", "terraform/1.*"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, silent)
			arn := w.payments()
			w.suppress(named)
			w.settle(w.bySession("DisableKeyRotation", arn, words[0], words[1]).bridged())
			if f := w.found("rotation-turned-off"); f.Hidden || w.pages("rotation-turned-off") != 1 {
				t.Errorf("told %d times of %+v", w.pages("rotation-turned-off"), f)
			}
		})
	}
	t.Run("but what names them exactly does", func(t *testing.T) {
		w := newWorld(t, silent)
		arn := w.payments()
		w.suppress(named)
		w.settle(w.bySession("DisableKeyRotation", arn, "deploy-*", "terraform/1.*").bridged())
		if f := w.found("rotation-turned-off"); !f.Hidden || w.pages("rotation-turned-off") != 0 {
			t.Errorf("told of %+v", f)
		}
	})
}

func TestAnAddressBehindAnothersEndpointHidesNothing(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.suppress(suppression.Suppression{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	w.settle(w.aRecord("DisableKeyRotation", arn).with("vpcEndpointId", "vpce-0bad").bridged())
	if f := w.found("rotation-turned-off"); f.Hidden || f.VPCEndpoint != "vpce-0bad" {
		t.Errorf("got %+v", f)
	}
}

func TestOneThatIsNotSuppressedPagesBesideThoseThatAre(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.suppress(suppression.Suppression{Keys: []string{arn}, UserAgents: []string{"terraform"}})
	disable := func(agent string) {
		w.settle(w.aRecord("DisableKeyRotation", arn).with("userAgent", agent).bridged())
	}
	disable("terraform")
	if n := w.pages("rotation-turned-off"); n != 0 {
		t.Fatalf("a suppressed one is told %d times", n)
	}
	disable("curl")
	w.awaitTold("rotation-turned-off", notifyOpened)
	disable("terraform")
	disable("curl")
	f := w.found("rotation-turned-off")
	if f.Hidden || f.Episode != 2 || f.Count != 2 || f.Suppressed.Count != 2 || w.pages("rotation-turned-off") != 1 {
		t.Errorf("told %d times of %+v, %+v", w.pages("rotation-turned-off"), f, f.Suppressed)
	}
}

func TestWhatASuppressionHidIsToldWhenItHappensAfterItsEnd(t *testing.T) {
	for name, end := range map[string]func(*world, suppression.Suppression){
		"it expired": func(w *world, s suppression.Suppression) {
			s.Expires = time.Now().Add(-time.Second)
			w.suppress(s)
		},
		"it is gone from rotd.yaml": func(w *world, _ suppression.Suppression) { w.suppress() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, silent)
			arn := w.payments()
			quiet := suppression.Suppression{Keys: []string{arn}}
			w.suppress(quiet)
			w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
			if f := w.found("rotation-turned-off"); !f.Hidden || w.pages("rotation-turned-off") != 0 {
				t.Fatalf("got %+v", f)
			}
			end(w, quiet)
			w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
			if f := w.found("rotation-turned-off"); f.Hidden || f.Episode != 2 || w.pages("rotation-turned-off") != 1 {
				t.Errorf("told %d times of %+v", w.pages("rotation-turned-off"), f)
			}
		})
	}
}

func TestAMovedAliasMovesNoSuppression(t *testing.T) {
	w := newWorld(t, silent)
	arn, theirs := w.payments(), w.key(awssim.KeyOptions{Aliases: []string{"alias/theirs"}})
	w.sweep(Inventory)
	names := w.aliases(arn)
	if len(names) == 0 {
		t.Fatal("the key has no alias")
	}
	alias := strings.TrimSuffix(arn, "key/"+arn[strings.LastIndex(arn, "/")+1:]) + names[0]
	quiet := suppression.Suppression{Keys: []string{alias}}
	w.suppress(quiet)
	w.moveAlias(names[0], theirs)
	w.sweep(Inventory)
	w.suppress(quiet) // a reload, and another look at what the alias names
	w.settle(w.aRecord("DisableKeyRotation", theirs).bridged())
	if f := w.found("rotation-turned-off"); f.Hidden || f.KeyARN != theirs {
		t.Errorf("got %+v", f)
	}
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	for _, f := range w.findings() {
		if f.RuleID == "rotation-turned-off" && f.Hidden != (f.KeyARN == arn) {
			t.Errorf("got %+v", f)
		}
	}
	all, err := w.engine.Suppressions()
	w.check(err)
	if all[0].Targets[alias] != arn || len(all[0].Unresolved) != 0 {
		t.Errorf("listed as %+v", all[0])
	}
}

func TestAnAliasThatNamesNoKeyHidesNothing(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	alias := "arn:aws:kms:" + region + ":" + account + ":alias/nothing"
	w.suppress(suppression.Suppression{Keys: []string{alias}})
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	if f := w.found("rotation-turned-off"); f.Hidden {
		t.Errorf("got %+v", f)
	}
	all, err := w.engine.Suppressions()
	w.check(err)
	if !slices.Equal(all[0].Unresolved, []string{alias}) {
		t.Errorf("listed as %+v", all[0])
	}
}

func TestASuppressedCheckPutsNothingRightUntilTheSuppressionEnds(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.suppress(suppression.Suppression{Rules: []string{"rotation-disabled"}, Keys: []string{arn}})
	w.sweep(Inventory)
	w.sweep(Drift)
	f := w.found("rotation-disabled")
	if f == nil || !f.Hidden || f.Suppressed.Count != 1 || len(w.actions()) != 0 || w.pages("rotation-disabled") != 0 {
		t.Fatalf("begun %v of %+v", w.actions(), f)
	}
	w.suppress()
	w.sweep(Drift)
	w.awaitTold("rotation-disabled", notifyOpened)
	w.await("an action", func() bool { return len(w.actions()) == 1 })
}

// A check keeps quiet about what a rule has told a moment ago, and not about what the rule's finding hid.
func TestAHiddenFindingOfARuleHasToldNobody(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}, RotationPeriod: 365})
	w.sweep(Inventory)
	w.suppress(suppression.Suppression{Rules: []string{"key-policy-made-public"}, Keys: []string{arn}})
	w.putPolicy(arn, letting(account, "*", ""))
	w.awaitFound("key-policy-made-public", finding.Open)
	w.drained()
	w.sweep(Inventory)
	w.awaitTold("key-policy-public", notifyOpened)
	if f := w.found("key-policy-made-public"); !f.Hidden || w.pages("key-policy-made-public") != 0 {
		t.Errorf("got %+v", f)
	}
}

func TestAnExpiredSuppressionIsToldOnceUntilItIsRenewed(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Repeat = time.Minute })
	now := time.Now()
	quiet := suppression.Suppression{Accounts: []string{account}, Expires: now.Add(-time.Hour)}
	w.suppress(quiet)
	w.check(w.engine.noteSuppressions(now.Add(time.Hour)))
	w.check(w.engine.remind(now.Add(time.Hour)))
	if f := w.found("suppression-expired"); f.Status != finding.Open || f.Severity != finding.Low {
		t.Errorf("got %+v", f)
	}
	if n := w.pages("suppression-expired"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if n := w.items("suppression-expired", "finding-reminder"); n != 0 {
		t.Errorf("reminded of %d times", n)
	}
	quiet.Expires = now.Add(day)
	w.suppress(quiet)
	w.awaitFound("suppression-expired", finding.Resolved)
}

func TestASuppressionIsForgottenAMonthAfterItsEnd(t *testing.T) {
	w := newWorld(t, silent)
	made := func(expired time.Duration) {
		now := time.Now()
		w.update(func(tx *state.Tx) error {
			return tx.PutSuppression(&suppression.Kept{Name: "sup_1", Made: &suppression.Suppression{
				Name: "sup_1", Rules: []string{"key-disabled"}, Accounts: []string{account}, Created: now.Add(-40 * day),
				Expires: now.Add(-expired),
			}})
		})
		w.check(w.engine.noteSuppressions(now))
	}
	made(29 * day)
	w.awaitTold("suppression-expired", notifyOpened)
	made(31 * day)
	f := w.found("suppression-expired")
	if f.Status != finding.Resolved || f.ResolvedBy != "the suppression was forgotten, 30 days after its end" {
		t.Errorf("got %+v", f)
	}
	if all, err := w.engine.Suppressions(); len(all) != 0 || err != nil {
		t.Errorf("got %+v, %v", all, err)
	}
	w.check(w.engine.NoteRedrive(w.queue, false))
	w.awaitTold("queue-without-redrive", notifyOpened) // and so whatever came before
	if n := w.items("suppression-expired", notifyResolved); n != 0 {
		t.Errorf("the end was told %d times, and nobody brought it about", n)
	}
}

// What a transaction that fails has changed hides nothing: the next change gets the same revision.
func TestASuppressionThatWasNotKeptHidesNothing(t *testing.T) {
	w := newWorld(t, silent)
	f := finding.Finding{RuleID: "key-disabled", Account: account, EventID: "e", LastSeen: time.Now()}
	put := func(n *notebook, name, account string) {
		s := suppression.Suppression{
			Name: name, Rules: []string{"key-disabled"}, Accounts: []string{account}, Expires: n.now.Add(day), Created: n.now,
		}
		w.check(n.tx.PutSuppression(&suppression.Kept{Name: name, Made: &s}))
	}
	broken := errors.New("the disk is full")
	if err := w.engine.note(time.Now(), func(n *notebook) error {
		put(n, "sup_1", account)
		if by, err := n.suppressedBy(&f); by != "sup_1" || err != nil {
			t.Errorf("in its own transaction: %q, %v", by, err)
		}
		return broken
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	w.check(w.engine.note(time.Now(), func(n *notebook) error { put(n, "sup_2", "999988887777"); return nil }))
	w.check(w.engine.note(time.Now(), func(n *notebook) error {
		if by, err := n.suppressedBy(&f); by != "" || err != nil {
			t.Errorf("hidden by %q, %v", by, err)
		}
		return nil
	}))
}

func TestAPersonSuppressesOneFindingThroughItsEpisodes(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	w.awaitTold("rotation-turned-off", notifyOpened)
	before := w.found("rotation-turned-off")
	s, err := w.engine.Suppress(suppression.Suppression{
		Finding: before.ID, Reason: "CHG-7", Expires: time.Now().Add(day),
	}, "uid:1000 (ann)")
	w.check(err)
	if f := w.found("rotation-turned-off"); !f.Hidden || f.Suppressed.By != s.Name {
		t.Errorf("the finding itself is %+v", f)
	}
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	other := w.aRecord("DisableKeyRotation", arn)
	other["userIdentity"].(map[string]any)["arn"] = "arn:aws:iam::" + account + ":user/mallory"
	if n := w.pages("rotation-turned-off"); n != 1 {
		t.Errorf("told %d times", n)
	}
	w.settle(other.bridged())
	if n := w.pages("rotation-turned-off"); n != 2 {
		t.Errorf("after somebody else did it told %d times", n)
	}
	ended, err := w.engine.EndSuppression(s.Name, "uid:1001 (joe)", "done")
	w.check(err)
	if ended.Name != s.Name || ended.Author != "uid:1000 (ann)" {
		t.Errorf("ended %+v", ended)
	}
	if _, err := w.engine.EndSuppression(s.Name, "uid:1001 (joe)", "done"); !errors.Is(err, ErrUnknownSuppression) {
		t.Errorf("ended twice: %v", err)
	}
	var events []string
	for _, line := range w.logged("suppression", "reason") {
		if strings.Contains(line, " suppression.") {
			events = append(events, line)
		}
	}
	if want := []string{
		"uid:1000 (ann) suppression.began " + s.Name + " CHG-7", "uid:1001 (joe) suppression.ended " + s.Name + " done",
	}; !slices.Equal(events, want) {
		t.Errorf("audited %v", events)
	}
}

func TestASuppressionMadeOutlivesARestart(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	_, err := w.engine.Suppress(suppression.Suppression{
		Rules: []string{"rotation-turned-off"}, Keys: []string{"alias/pay-cards"}, Reason: "CHG-7",
		Expires: time.Now().Add(day),
	}, "ann")
	w.check(err)
	w.stop()
	w.start()
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	if f := w.found("rotation-turned-off"); !f.Hidden {
		t.Errorf("got %+v", f)
	}
}

func TestWhatNoPersonMaySuppress(t *testing.T) {
	w := newWorld(t, silent)
	w.suppress(suppression.Suppression{Accounts: []string{account}})
	expires := time.Now().Add(day)
	for name, tc := range map[string]struct {
		s    suppression.Suppression
		want string
	}{
		"without a reason": {
			suppression.Suppression{Rules: []string{"denied-burst"}, Accounts: []string{account}, Expires: expires},
			"a reason is required",
		},
		"a rule everywhere": {
			suppression.Suppression{Rules: []string{"denied-burst"}, Reason: "x", Expires: expires},
			"rules: are hidden wherever they find something",
		},
		"what is about rotd": {
			suppression.Suppression{
				Rules: []string{"rotd-role-misused", "intake-silent"}, Accounts: []string{account}, Reason: "x", Expires: expires,
			}, "rules[0]: rotd-role-misused cannot be suppressed",
		},
		"for ever": {
			suppression.Suppression{
				Rules: []string{"denied-burst"}, Accounts: []string{account}, Reason: "x", Expires: expires.Add(366 * day),
			}, "expires: is more than a year ahead",
		},
		"until yesterday": {
			suppression.Suppression{Rules: []string{"denied-burst"}, Accounts: []string{account}, Reason: "x"},
			"expires: is past",
		},
		"an unknown finding": {suppression.Suppression{Finding: "fnd_1", Reason: "x", Expires: expires}, "unknown finding"},
		"an unknown alias": {
			suppression.Suppression{
				Rules: []string{"denied-burst"}, Keys: []string{"alias/none"}, Reason: "x", Expires: expires,
			}, "unknown key",
		},
		"by a fingerprint that no finding gave": {
			suppression.Suppression{Rules: []string{"denied-burst"}, Fingerprint: "v1:x", Reason: "x", Expires: expires},
			"rules: are hidden wherever they find something",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := w.engine.Suppress(tc.s, "ann"); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
	if _, err := w.engine.EndSuppression("quiet", "ann", "x"); !errors.Is(err, ErrSuppressionInFile) {
		t.Errorf("rotd.yaml's was ended: %v", err)
	}
}

func TestNoSuppressionInTheStateHidesWhatIsAboutRotd(t *testing.T) {
	w := newWorld(t, silent)
	w.update(func(tx *state.Tx) error {
		return tx.PutSuppression(&suppression.Kept{Name: "sup_1", Made: &suppression.Suppression{
			Name: "sup_1", Rules: []string{"queue-without-redrive"}, Accounts: []string{account},
			Expires: time.Now().Add(day), Created: time.Now(),
		}})
	})
	w.check(w.engine.NoteRedrive("https://sqs.eu-west-1.amazonaws.com/"+account+"/q", false))
	w.awaitTold("queue-without-redrive", notifyOpened)
}

func TestThereIsAnEndToSuppressions(t *testing.T) {
	w := newWorld(t, silent)
	w.update(func(tx *state.Tx) error {
		for i := range suppression.MaxMade {
			name := w.engine.newID(suppression.Prefix, time.Now())
			if err := tx.PutSuppression(&suppression.Kept{Name: name, Made: &suppression.Suppression{
				Name: name, Created: time.Now(), Expires: time.Now().Add(-time.Duration(i%2) * 31 * day),
			}}); err != nil {
				return err
			}
		}
		return nil
	})
	one := suppression.Suppression{
		Rules: []string{"denied-burst"}, Accounts: []string{account}, Reason: "x", Expires: time.Now().Add(day),
	}
	if _, err := w.engine.Suppress(one, "ann"); !errors.Is(err, ErrTooMuch) {
		t.Errorf("got %v", err)
	}
	w.check(w.engine.note(time.Now(), (*notebook).keepSuppressions)) // forgets those that expired a month ago
	if _, err := w.engine.Suppress(one, "ann"); err != nil {
		t.Error(err)
	}
}

func TestATrialSaysWhatWouldHaveBeenHidden(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	for range 3 {
		w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	}
	old := *w.found("rotation-turned-off")
	old.ID, old.Fingerprint, old.LastSeen = "fnd_0", "v1:old", time.Now().Add(-31*day)
	w.update(func(tx *state.Tx) error { return tx.PutFinding(&old) })
	trial, err := w.engine.TrySuppressions(t.Context(), []suppression.Suppression{
		{Name: "others", Rules: []string{"rotation-turned-off"}, Principals: []string{ciRole}},
		{Name: "mine", Rules: []string{"rotation-turned-off", "key-unused"}, Keys: []string{"alias/pay-cards"}},
		{
			Name: "nothing", Rules: []string{"rotation-turned-off"},
			Keys: []string{"arn:aws:kms:" + region + ":" + account + ":alias/none"},
		},
	})
	w.check(err)
	if out := trial.LeftOut; len(out) != 1 || out[0].By != "nothing" || !strings.Contains(out[0].Why, "alias/none") {
		t.Errorf("left out is %+v", out)
	}
	if trial.Hidden != 1 || trial.Times != 3 || len(trial.Rows) != 1 || trial.Rows[0].By != "mine" ||
		trial.Rows[0].Rule != "rotation-turned-off" || trial.Examined != len(w.findings())-1 {
		t.Errorf("got %+v of %d findings", trial, len(w.findings()))
	}
	if w.pages("rotation-turned-off") != 1 {
		t.Error("a trial changed something")
	}
	if err := detection.MaySuppress("rotation-turned-off", nil); err != nil {
		t.Error(err)
	}
}

func TestATrialOfAFileTriesWhatIsThere(t *testing.T) {
	w := newWorld(t, silent, users(userrules.Draft{ID: "mine", Active: true, When: "true", Message: "m"}))
	none := "arn:aws:kms:" + region + ":" + account + ":alias/none"
	arn := w.payments()
	w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
	trial, err := w.engine.TrySuppressions(t.Context(), []suppression.Suppression{
		{
			Name: "both", Rules: []string{"rotation-turned-off", "theirs", "mine"}, Keys: []string{none, "alias/pay-cards"},
		},
		{Name: "theirs", Rules: []string{"theirs"}, Keys: []string{arn}},
	})
	w.check(err)
	var left []string
	for _, l := range trial.LeftOut {
		name, _, _ := strings.Cut(l.Why, ":")
		left = append(left, l.By+" "+name)
	}
	want := []string{
		`both the daemon has no rule "theirs"`, `both unknown key "arn`, `theirs the daemon has no rule "theirs"`,
	}
	if trial.Hidden != 1 || !slices.Equal(left, want) {
		t.Errorf("hides %d, left out is %q", trial.Hidden, left)
	}
}

func TestNoTrialTakesWhatCannotBeMade(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	none := "arn:aws:kms:" + region + ":" + account + ":alias/none"
	for name, tc := range map[string]struct {
		s    suppression.Suppression
		want error
	}{
		"a rule that nobody may suppress": {
			suppression.Suppression{Rules: []string{"trail-blinded"}, Keys: []string{arn}}, ErrBadSuppression,
		},
		"a file's of such a rule beside an unknown alias": {
			suppression.Suppression{Name: "quiet", Rules: []string{"trail-blinded"}, Keys: []string{none}}, ErrBadSuppression,
		},
		"a rule that is not there": {
			suppression.Suppression{Rules: []string{"theirs"}, Keys: []string{arn}}, ErrBadSuppression,
		},
		"more than a year": {
			suppression.Suppression{
				Rules: []string{"denied-burst"}, Keys: []string{arn}, Expires: time.Now().Add(400 * day),
			}, ErrBadSuppression,
		},
		"a person's of an unknown alias": {
			suppression.Suppression{Rules: []string{"denied-burst"}, Keys: []string{"alias/none", arn}}, ErrUnknownKey,
		},
	} {
		t.Run(name, func(t *testing.T) {
			trial, err := w.engine.TrySuppressions(t.Context(), []suppression.Suppression{tc.s})
			if !errors.Is(err, tc.want) {
				t.Errorf("got %+v, %v", trial, err)
			}
		})
	}
}
