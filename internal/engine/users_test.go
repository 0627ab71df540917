package engine

import (
	"strconv"
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

// users adds rules of a user's to a world, over DisableKey.
func users(drafts ...userrules.Draft) func(*world) {
	return func(w *world) {
		w.Helper()
		language, err := userrules.NewLanguage()
		w.check(err)
		s := detection.Settings{Learning: detection.DefaultLearning}
		for _, d := range drafts {
			d.Title, d.Events = d.ID, []detection.Wanted{{Source: kmsSource, Names: []string{"DisableKey"}}}
			rule, problems := language.Compile(&d)
			if len(problems) > 0 {
				w.Fatalf("%+v", problems)
			}
			s.Users = append(s.Users, rule)
		}
		w.settings.Judge = detection.NewJudge(s)
	}
}

func TestAUsersRuleIsJudgedRememberedAndTold(t *testing.T) {
	w := newWorld(t, silent, users(
		userrules.Draft{
			ID: "twice-by-one", Active: true, Severity: finding.Critical,
			When:    `key.state == "Enabled" && policy.name == "payments" && count("10m", principal) >= 2`,
			Message: "{{principal}} disabled {{key.aliases}}.",
		},
		userrules.Draft{ID: "staged", When: `count("10m") >= 2`, Message: "m"},
		userrules.Draft{ID: "unable", Active: true, When: `event.requestParameters.keyId == 1 || ` +
			`event.requestParameters.keyId < 3`, Message: "m"},
	))
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	w.settle(w.aRecord("DisableKey", arn).bridged())
	if w.found("twice-by-one") != nil {
		t.Error("found after one")
	}
	w.stop()
	w.start() // what was counted survives
	w.settle(w.aRecord("DisableKey", arn).bridged())

	f := w.awaitFound("twice-by-one", finding.Open)
	if f.Severity != finding.Critical || f.KeyARN != arn || f.Policy != "payments" ||
		!strings.HasSuffix(f.Description, "disabled alias/pay-cards.") {
		t.Errorf("got %+v", f)
	}
	w.awaitTold("twice-by-one")
	if n := len(w.actions()); n != 0 {
		t.Errorf("%d actions were started", n)
	}
	if w.found("staged") != nil || w.counter("rotd_staged_rule_matches_total", "staged") != 1 {
		t.Error("the staged rule was told, or not counted")
	}
	if f := w.awaitFound("users-rule-failed", finding.Open); !strings.HasSuffix(f.Title, ": unable") {
		t.Errorf("got %+v", f)
	}
	if n := w.counter("rotd_users_rule_failures_total", "unable"); n != 1 {
		t.Errorf("%d failures are counted since the start", n)
	}
}

func TestAUsersRuleThatRemembersTooMuchForgetsItsOwnAlone(t *testing.T) {
	w := newWorld(t, silent, users(
		userrules.Draft{ID: "greedy", Active: true, When: `first_seen(event.requestID, "30d") && false`, Message: "m"},
	))
	const most = 20_000
	w.update(func(tx *state.Tx) error {
		memory := tx.Memory()
		memory.Note("short", "kept", time.Now(), time.Minute)
		room := memory.Room("greedy", most)
		for i := range most {
			room.Note(strconv.Itoa(i), "x", time.Now(), time.Hour)
		}
		return memory.Err()
	})
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	w.settle(w.aRecord("DisableKey", arn).bridged())

	if f := w.awaitFound("users-rule-failed", finding.Open); !strings.HasPrefix(f.Description,
		"greedy wanted to remember more than 20000 things at once.") {
		t.Errorf("got %+v", f)
	}
}

func TestAUsersRuleIsSuppressedAsAnyOther(t *testing.T) {
	w := newWorld(t, silent, users(userrules.Draft{ID: "mine", Active: true, When: "true", Message: "m"}))
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	w.suppress(suppression.Suppression{Rules: []string{"mine"}, Principals: []string{w.engineer.ARN}})
	w.settle(w.aRecord("DisableKey", arn).bridged())
	f := w.found("mine")
	if f == nil || !f.Hidden || f.Suppressed.By != "quiet" {
		t.Fatalf("got %+v", f)
	}

	w.suppress()
	made, err := w.engine.Suppress(suppression.Suppression{
		Finding: f.ID, Reason: "planned", Expires: time.Now().Add(day),
	}, "jane")
	w.check(err)
	w.settle(w.aRecord("DisableKey", arn).bridged())
	if f := w.found("mine"); !f.Hidden || f.Suppressed.By != made.Name || w.pages("mine") != 0 {
		t.Errorf("got %+v", f)
	}
}
