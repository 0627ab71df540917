package engine

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/notify"
	"rotd/internal/state"
	"rotd/internal/suppression"
)

func TestStoriesAreToldByRulesThatThereAre(t *testing.T) {
	for _, s := range incident.Stories() {
		for _, id := range s.Rules() {
			if !slices.Contains(detection.RuleIDs(), id) {
				t.Errorf("%s: no rule is called %s", s.Name, id)
			}
		}
	}
}

// watch is an engine on a state of its own and on synctest's clock, without AWS: findings go in, messages come out.
type watch struct {
	*testing.T
	path string
	*published
	*Engine
	stop func()
}

const (
	keyA  = "arn:aws:kms:eu-west-1:111122223333:key/a"
	keyB  = "arn:aws:kms:eu-west-1:111122223333:key/b"
	keyC  = "arn:aws:kms:eu-west-1:111122223333:key/c"
	mole  = "arn:aws:iam::111122223333:user/mole"
	nanny = "arn:aws:iam::111122223333:user/nanny"
)

// watching runs a test with a watch.
func watching(t *testing.T, test func(w *watch)) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &watch{T: t, path: dir + "/rotd.db", published: newPublished()}
		w.start()
		test(w)
		w.stop()
	})
}

// start begins a life of the daemon.
func (w *watch) start() {
	w.Helper()
	db, err := state.Open(state.Options{Path: w.path, Shard: "default", Now: time.Now()})
	if err != nil {
		w.Fatal(err)
	}
	w.Engine = New(Options{
		DB: db, Publisher: w.published, Logger: zap.NewNop(), Metrics: NewMetrics(prometheus.NewRegistry()),
		Own: NewOwnKeys(db), Partition: "aws",
		Settings: &Settings{
			Judge:     detection.NewJudge(detection.Settings{}),
			Topics:    []notify.Topic{{ARN: office, Format: notify.FormatText}},
			GroupWait: 10 * time.Second, IncidentWait: 10 * time.Minute,
		},
	})
	ctx, cancel := context.WithCancel(w.Context())
	stopped := make(chan error)
	go func() { stopped <- w.runOutbox(ctx) }()
	w.stop = func() {
		cancel()
		if err := errors.Join(<-stopped, db.Close()); err != nil {
			w.Error(err)
		}
	}
}

// sees has a rule find something about a key now, and lets so much time pass.
func (w *watch) sees(rule string, severity finding.Severity, key, who string, pass time.Duration) *finding.Finding {
	w.Helper()
	f := w.finding(rule, severity, key, who)
	if err := w.note(time.Now().UTC(), func(n *notebook) error { return n.found(f) }); err != nil {
		w.Fatal(err)
	}
	time.Sleep(pass)
	return w.known(f.Fingerprint)
}

// reads has a check find something about a key now, and a minute pass.
func (w *watch) reads(check string, severity finding.Severity, key string) {
	w.Helper()
	f := w.finding(check, severity, key, "")
	f.EventID, f.EventTime = "", nil
	if err := w.note(time.Now().UTC(), func(n *notebook) error { return n.found(f) }); err != nil {
		w.Fatal(err)
	}
	time.Sleep(time.Minute)
}

// finding is what a rule finds now.
func (w *watch) finding(rule string, severity finding.Severity, key, who string) finding.Finding {
	now, subject := time.Now().UTC(), finding.Subject{Type: finding.Key, ID: key}
	return finding.Finding{
		RuleID: rule, Severity: severity, Title: rule, Description: rule, Remedy: []string{"Do something."}, KeyARN: key,
		Account: account, Region: region, Subject: subject, Fingerprint: finding.Fingerprint(rule, subject, who, ""),
		PrincipalARN: who, EventID: uuid(), EventTime: &now, FirstSeen: now, LastSeen: now,
	}
}

func (w *watch) known(fingerprint string) (f *finding.Finding) {
	w.Helper()
	if err := w.db.View(func(tx *state.Tx) (err error) {
		f, err = tx.FindingByFingerprint(fingerprint)
		return err
	}); err != nil || f == nil {
		w.Fatalf("%s: %+v, %v", fingerprint, f, err)
	}
	return f
}

// ends resolves a finding.
func (w *watch) ends(f *finding.Finding) {
	w.Helper()
	if err := w.note(time.Now().UTC(), func(n *notebook) error {
		return n.resolveByFingerprint(f.Fingerprint, "undone", false)
	}); err != nil {
		w.Fatal(err)
	}
}

// incidents are those in the state, newest first.
func (w *watch) incidents() (all []incident.Incident) {
	w.Helper()
	if err := w.db.View(func(tx *state.Tx) (err error) {
		all, _, err = tx.Incidents("", 100, nil)
		return err
	}); err != nil {
		w.Fatal(err)
	}
	return all
}

// tells expects the messages told since it was last asked: their kinds, and how many findings are new in them.
func (w *watch) tells(when string, want ...string) {
	w.Helper()
	synctest.Wait()
	var got []string
	for _, m := range w.of(office) {
		said := m.Attributes["kind"] + " " + m.Attributes["severity"]
		if news := strings.Count(m.Body, "\n  * "); news > 0 {
			said += strings.Repeat(" new", news)
		}
		got = append(got, said)
	}
	w.forget(office)
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestWhatHappensInAnIncidentIsToldOnce(t *testing.T) {
	watching(t, func(w *watch) {
		first := w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		w.tells("the first finding is told at once", "finding-opened HIGH")
		second := w.sees("key-disabled", finding.High, keyB, mole, time.Minute)
		w.sees("key-replicated", finding.High, keyA, nanny, time.Minute)
		w.sees("key-tags-changed", finding.Low, keyB, mole, time.Minute)
		w.reads("key-pending-deletion", finding.High, keyA) // what came of it, as a sweep reads it
		w.tells("what joins it waits")
		w.reads("key-unused", finding.Medium, keyA)
		w.tells("how else the key is does not join it", "finding-opened MEDIUM")
		time.Sleep(6 * time.Minute)
		w.tells("and is told together", "incident-grew HIGH new new new new")
		w.sees("trail-blinded", finding.Critical, "", mole, 11*time.Second)
		w.tells("what makes it graver is told at once", "incident-raised CRITICAL new")
		w.ends(second)
		w.ends(first)
		time.Sleep(11 * time.Second)
		w.tells("what was told by itself ends by itself", "finding-resolved HIGH")
		time.Sleep(10 * time.Minute)
		w.tells("the rest is over in the incident", "incident-grew CRITICAL new")
		time.Sleep(time.Hour)
		w.tells("nothing is told again")

		i := w.incidents()[0]
		if len(w.incidents()) != 1 || first.IncidentID != "" || w.known(first.Fingerprint).IncidentID != i.ID ||
			second.IncidentID != i.ID || i.Automatic.Findings() != 6 || i.Opened.By != incident.ByRotd {
			t.Errorf("%+v of %+v", i, i.Automatic)
		}
	})
}

// Somebody begins with something CRITICAL that is soon explained, to do the rest in its incident's silence.
func TestADecoyDoesNotSilenceWhatFollows(t *testing.T) {
	watching(t, func(w *watch) {
		decoy := w.sees("key-policy-made-public", finding.Critical, keyA, mole, time.Minute)
		w.sees("alias-retargeted", finding.Medium, keyB, mole, 11*time.Minute)
		w.tells("the decoy", "finding-opened CRITICAL", "incident-grew CRITICAL new")
		w.ends(decoy)
		w.sees("key-policy-made-public", finding.Critical, keyB, mole, 11*time.Second)
		w.tells("the same again, in one message with the first's end", "incident-raised CRITICAL new")
		w.sees("key-policy-made-public", finding.Critical, keyC, mole, 11*time.Second)
		w.tells("one more, while it is open, waits")
		w.sees("key-deletion-scheduled", finding.Critical, keyC, mole, 11*time.Second)
		w.tells("another CRITICAL thing", "incident-raised CRITICAL new new")
		w.reads("key-pending-deletion", finding.Critical, keyC)
		w.tells("what it came to waits")
	})
}

func TestWhatIsSuppressedHasNoPartInAnIncident(t *testing.T) {
	watching(t, func(w *watch) {
		hide := func(f *finding.Finding) {
			t.Helper()
			if err := w.note(time.Now().UTC(), func(n *notebook) error {
				return n.hideOpen(&suppression.Suppression{Name: "known", Finding: f.ID})
			}); err != nil {
				t.Fatal(err)
			}
		}
		hide(w.sees("key-policy-made-public", finding.Critical, keyA, mole, time.Minute))
		w.sees("key-disabled", finding.High, keyB, mole, time.Minute)
		w.tells("it begins none", "finding-opened CRITICAL", "finding-opened HIGH")
		second := w.sees("key-disabled", finding.High, keyC, mole, 11*time.Minute)
		w.tells("what is not suppressed does", "incident-grew HIGH new")
		hide(second)
		hide(w.known(w.finding("key-disabled", finding.High, keyB, mole).Fingerprint))
		w.sees("key-replicated", finding.High, keyB, mole, time.Minute)
		w.tells("nor does it silence what follows", "incident-raised HIGH new")
	})
}

func TestWhatASuppressionHidesIsOverInItsIncident(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-disabled", finding.Medium, keyA, mole, time.Minute)
		w.sees("key-replicated", finding.Medium, keyA, mole, time.Minute)
		w.reads("key-pending-deletion", finding.High, keyA)
		w.tells("what is graver pages", "finding-opened MEDIUM", "incident-raised HIGH new new")
		now := time.Now().UTC()
		if err := w.note(now, func(n *notebook) error {
			return n.tx.PutSuppression(&suppression.Kept{Name: "sup_1", Made: &suppression.Suppression{
				Name: "sup_1", Rules: []string{"key-pending-deletion"}, Keys: []string{keyA}, Expires: now.Add(30 * day),
				Created: now,
			}})
		}); err != nil {
			t.Fatal(err)
		}
		w.reads("key-pending-deletion", finding.High, keyA)
		w.tells("what is hidden is not told")
		w.sees("alias-retargeted", finding.High, keyA, mole, time.Minute)
		w.tells("as grave a thing pages again", "incident-raised HIGH new")

		hidden := w.finding("key-pending-deletion", finding.High, keyA, "")
		w.ends(w.known(hidden.Fingerprint))
		time.Sleep(time.Hour)
		w.tells("nor is its end told")
	})
}

func TestWhatIsHiddenKeepsNoIncidentOpen(t *testing.T) {
	watching(t, func(w *watch) {
		first := w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		second := w.sees("key-disabled", finding.High, keyB, mole, 11*time.Minute)
		if err := w.note(time.Now().UTC(), func(n *notebook) error {
			return n.hideOpen(&suppression.Suppression{Name: "known", Finding: second.ID})
		}); err != nil {
			t.Fatal(err)
		}
		w.ends(first)
		time.Sleep(25 * time.Hour)
		if err := w.closeOver(time.Now().UTC()); err != nil {
			t.Fatal(err)
		}
		if i := w.incidents()[0]; i.Closed == nil {
			t.Errorf("it is open: %+v", i)
		}
		w.tells("until then", "finding-opened HIGH", "incident-grew HIGH new", "finding-resolved HIGH")
		w.ends(second)
		time.Sleep(time.Hour)
		w.tells("the end of what is hidden")
	})
}

func TestWhatWasToldByItselfBeforeItJoinedEndsByItself(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-tags-changed", finding.Low, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyB, mole, 11*time.Minute)
		w.tells("an incident", "finding-opened LOW", "finding-opened HIGH", "incident-grew HIGH new")
		joined := w.sees("key-tags-changed", finding.Medium, keyA, mole, 11*time.Minute)
		w.tells("that it joins", "incident-grew HIGH new")
		w.ends(joined)
		time.Sleep(time.Hour)
		w.tells("its end", "finding-resolved MEDIUM")
	})
}

func TestWhatHasNothingInCommonIsNoIncident(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyB, nanny, time.Minute)
		w.sees("message-undecodable", finding.High, keyB, nanny, 61*time.Minute) // what is about rotd has no part in one
		w.sees("key-replicated", finding.High, keyA, mole, time.Minute)
		w.sees("key-tags-changed", finding.Low, keyA, mole, time.Minute)
		w.reads("rotation-disabled", finding.High, keyA)
		w.reads("key-unused", finding.High, keyA)
		w.tells("each by itself", "finding-opened HIGH", "finding-opened HIGH", "finding-opened HIGH",
			"finding-opened HIGH", "finding-opened LOW", "finding-opened HIGH", "finding-opened HIGH")
		if all := w.incidents(); len(all) != 0 {
			t.Errorf("%+v", all)
		}
	})
}

func TestAnIncidentLastsWhileItsFindingsAreRepeated(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("dead-key-used", finding.High, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyA, mole, 50*time.Minute)
		w.sees("dead-key-used", finding.High, keyA, mole, 50*time.Minute)
		w.sees("key-disabled", finding.High, keyB, mole, 20*time.Minute)
		w.tells("all of it", "finding-opened HIGH", "incident-grew HIGH new", "incident-grew HIGH new")
	})
}

func TestAnIncidentSurvivesARestart(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyB, mole, time.Minute)
		w.stop()
		w.tells("before", "finding-opened HIGH")
		time.Sleep(20 * time.Minute)
		w.start()
		time.Sleep(11 * time.Second)
		w.tells("what was due meanwhile", "incident-grew HIGH new")
		w.sees("key-disabled", finding.High, keyC, mole, 11*time.Minute)
		w.tells("it goes on", "incident-grew HIGH new")
	})
}

// A crash between the commit and the message, and one between the message and its mark, lose nothing and page for
// nothing new: the message comes with the alert_id that it had.
func TestAnIncidentsAlertKeepsItsIDThroughACrash(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-replicated", finding.Medium, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyA, mole, time.Second)
		image, err := os.ReadFile(w.path)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		id := func() string {
			synctest.Wait()
			messages := w.of(office)
			return messages[len(messages)-1].Attributes["alert_id"]
		}
		told := id()
		w.tells("as it is", "finding-opened MEDIUM", "incident-raised HIGH new")
		w.stop()
		if err := os.WriteFile(w.path, image, 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		time.Sleep(time.Minute)
		if again := id(); again != told {
			t.Errorf("alert ids %s and %s", told, again)
		}
		w.tells("after the crash", "incident-raised HIGH new")
	})
}

func TestAnIncidentIsClosedWhenItIsOver(t *testing.T) {
	watching(t, func(w *watch) {
		first := w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		second := w.sees("key-disabled", finding.High, keyB, mole, 25*time.Hour)
		closes := func() *incident.Mark {
			if err := w.closeOver(time.Now().UTC()); err != nil {
				t.Fatal(err)
			}
			return w.incidents()[0].Closed
		}
		w.tells("by then", "finding-opened HIGH", "incident-grew HIGH new")
		if c := closes(); c != nil {
			t.Errorf("closed while its findings are open: %+v", c)
		}
		w.ends(first)
		w.ends(second)
		if c := closes(); c == nil || c.By != incident.ByRotd {
			t.Errorf("not closed: %+v", c)
		}
		time.Sleep(time.Hour)
		w.tells("the end", "incident-grew HIGH new", "finding-resolved HIGH")
		if err := w.db.View(func(tx *state.Tx) error {
			entries, _, err := tx.AuditEntries("", 10, func(e *audit.Entry) bool { return e.Incident != "" })
			var told []string
			for _, e := range entries {
				told = append(told, string(e.Event)+" by "+e.Actor)
			}
			if diff := cmp.Diff([]string{"incident.closed by rotd", "incident.opened by rotd"}, told); diff != "" {
				t.Errorf("audit log (-want +got):\n%s", diff)
			}
			followed, errFollowed := tx.Followed()
			if len(followed) != 0 {
				t.Errorf("still followed: %+v", followed)
			}
			return errors.Join(err, errFollowed)
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestAPersonClosesAnIncidentOfRotds(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		second := w.sees("key-disabled", finding.High, keyB, mole, time.Minute)
		if _, err := w.CloseIncident(w.incidents()[0].ID, "uid:1000 (ann)", "a drill"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.tells("what is new is told with it", "finding-opened HIGH", "incident-grew HIGH new")
		w.ends(second)
		w.sees("key-disabled", finding.High, keyC, mole, time.Minute)
		w.tells("then things are told by themselves again", "finding-opened HIGH", "finding-resolved HIGH")
	})
}

func TestWithoutRoomForAnIncidentAllIsToldByItself(t *testing.T) {
	watching(t, func(w *watch) {
		if err := w.db.Update(func(tx *state.Tx) error {
			return tx.SetFollowed(make([]state.Followed, state.MaxFollowed))
		}); err != nil {
			t.Fatal(err)
		}
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyB, mole, time.Minute)
		w.tells("both", "finding-opened HIGH", "finding-opened HIGH")
	})
}

// What a check found stays open for months, and its incident with it.
func TestAnOldIncidentGivesWayToANewOne(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyB, mole, 11*time.Minute)
		w.fill(time.Time{})
		w.sees("key-disabled", finding.High, keyC, nanny, time.Minute)
		w.sees("alias-retargeted", finding.High, keyC, nanny, 30*time.Hour)
		w.tells("without an old one", "finding-opened HIGH", "incident-grew HIGH new", "finding-opened HIGH",
			"finding-opened HIGH")
		w.sees("key-replicated", finding.High, keyC, nanny, time.Minute)
		w.sees("grant-delegates", finding.High, keyC, nanny, 11*time.Minute)
		w.tells("in its place", "finding-opened HIGH", "incident-grew HIGH new")
		if all := w.incidents(); len(all) != 2 || all[0].Closed != nil || all[1].Closed == nil {
			t.Errorf("%+v", all)
		}
	})
}

func TestAnOldIncidentWithSomethingLeftToTellGivesNoWay(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		w.sees("key-disabled", finding.High, keyB, mole, 30*time.Hour)
		w.fill(time.Now().Add(day))
		w.sees("key-disabled", finding.High, keyC, nanny, time.Minute)
		w.sees("alias-retargeted", finding.High, keyC, nanny, time.Minute)
		if all := w.incidents(); len(all) != 1 || all[0].Closed != nil {
			t.Errorf("%+v", all)
		}
	})
}

// fill leaves no room for another incident; what there is has something to tell when it is due, if ever.
func (w *watch) fill(due time.Time) {
	w.Helper()
	if err := w.db.Update(func(tx *state.Tx) error {
		followed, err := tx.Followed()
		for i := range followed {
			followed[i].Due = due
		}
		others := make([]state.Followed, state.MaxFollowed-len(followed))
		return errors.Join(err, tx.SetFollowed(append(followed, others...)))
	}); err != nil {
		w.Fatal(err)
	}
}

func TestAnIncidentThatCannotBeReadIsFollowedNoMore(t *testing.T) {
	watching(t, func(w *watch) {
		w.sees("key-disabled", finding.High, keyA, mole, time.Minute)
		f := w.sees("key-disabled", finding.High, keyB, mole, time.Minute)
		w.stop()
		spoil(t, w.path, "incidents", f.IncidentID)
		w.start()
		w.sees("key-disabled", finding.High, keyC, mole, 20*time.Minute)
		w.tells("what comes is told by itself", "finding-opened HIGH", "finding-opened HIGH", "finding-opened HIGH")
		if err := w.closeOver(time.Now().UTC()); err != nil {
			t.Fatal(err)
		}
		if err := w.db.View(func(tx *state.Tx) error {
			followed, err := tx.Followed()
			if len(followed) != 0 {
				t.Errorf("still followed: %+v", followed)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}
