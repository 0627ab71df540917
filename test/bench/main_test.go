package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// TestMain lets the test binary play the roles that the program plays, which starts itself for them.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestASmallRunMeasuresEverything(t *testing.T) {
	o := options{
		Messages: 500, Rounds: 1, Pollers: 4, Events: 3, Apart: time.Millisecond, Rest: 10 * time.Millisecond,
		Keys: 300, Share: 0.5,
	}
	r, err := measure(t.Context(), o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rounds) != o.Rounds || len(r.Alerts) != o.Events || r.Idle.Anon == 0 || len(r.Targets) != 9 {
		t.Errorf("something was not measured: %+v", r)
	}
	for _, round := range r.Rounds {
		for name, run := range map[string]run{"raw": round.Raw, "bare": round.Bare, "rotd": round.Rotd} {
			if run.Messages != o.Messages || run.Took.Most <= 0 || run.Took.All < run.Took.Most || run.Memory.Anon == 0 {
				t.Errorf("%s: %+v", name, run)
			}
		}
	}
	if s := r.Sweep; s == nil || s.First.Calls["GetKeyRotationStatus"] < o.Keys || s.Changed != 3 ||
		s.Second.Calls["GetKeyPolicy"] < 3 || s.Second.total() >= s.First.total()/2 ||
		s.StateBytes == 0 || s.Memory.Anon == 0 {
		t.Errorf("the sweeps: %+v", r.Sweep)
	}
	text, err := r.json()
	if err != nil || !jsontext.Value(text).IsValid() {
		t.Errorf("the report as JSON: %s, %v", text, err)
	}
	page, err := r.markdown()
	if err != nil || strings.Contains(string(page), "%!") || strings.Contains(string(page), "<no value>") {
		t.Errorf("the report as Markdown: %s, %v", page, err)
	}
}

func TestASmallRunMeasuresALife(t *testing.T) {
	o := options{
		Only: onlyLife, Messages: 500, Rounds: 1, Pollers: 4, Events: 3, Apart: time.Millisecond, Keys: 1000,
		Restore: 4 << 20,
	}
	r, err := measure(t.Context(), o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	l := r.Life
	if l == nil || len(l.Empty) != 1 || len(l.Full) != 1 || len(l.Stops) != 1 || l.Lost != 0 ||
		l.FullBytes < 1<<20 || l.RestoreBytes < o.Restore || l.Restored <= 0 || len(r.Targets) != 5 {
		t.Errorf("%+v, %+v", l, r.Targets)
	}
	page, err := r.markdown()
	if err != nil || strings.Contains(string(page), "%!") || strings.Contains(string(page), "<no value>") {
		t.Errorf("the report as Markdown: %s, %v", page, err)
	}
}

func TestEventsAreEventBridgesAndDiffer(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	bodies, err := decrypts(3, 100, "arn:aws:kms:us-east-1:111122223333:key/7d3c1c52-0e5b-4a57-8f0a-3f9b0c1d2e3f", now)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, body := range bodies {
		var e struct {
			Source string `json:"source"`
			Detail struct {
				EventID   string    `json:"eventID"`
				EventTime time.Time `json:"eventTime"`
			} `json:"detail"`
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		if age := now.Sub(e.Detail.EventTime); e.Source != "aws.kms" || age < 0 || age > eventsSpan {
			t.Errorf("event %+v", e)
		}
		if len(body) < 2300 || len(body) > 2700 || strings.Contains(body, "$") {
			t.Errorf("a body of %d bytes: %s", len(body), body)
		}
		ids[e.Detail.EventID] = true
	}
	if len(ids) != len(bodies) {
		t.Errorf("%d events have %d eventIDs", len(bodies), len(ids))
	}
}

func TestArguments(t *testing.T) {
	whole := options{
		Messages: 60_000, Rounds: 5, Pollers: 32, Events: 200, Apart: 50 * time.Millisecond, Rest: 5 * time.Second,
		Keys: 100_000, Share: 0.95, Blobs: 100_000, Rate: 1000, Restore: 1 << 30,
	}
	o, err := parse(nil)
	if diff := cmp.Diff(whole, o, cmp.AllowUnexported(options{})); diff != "" || err != nil {
		t.Errorf("without arguments: %v (-want +got)\n%s", err, diff)
	}
	again, err := parse(strings.Fields(o.Arguments()))
	if diff := cmp.Diff(o, again, cmp.AllowUnexported(options{})); diff != "" || err != nil {
		t.Errorf("with the arguments that a report names: %v (-want +got)\n%s", err, diff)
	}
	if o, err := parse([]string{"-quick"}); err != nil || o.Messages != 5000 || o.Rounds != 1 {
		t.Errorf("-quick: %+v, %v", o, err)
	}
	if _, err := parse([]string{"-pollers", "65"}); err == nil {
		t.Error("65 pollers are more than a queue may have")
	}
}
