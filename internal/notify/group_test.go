package notify

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// alert makes one about a key, created some seconds after three o'clock.
func alert(id, key string, second int, severity finding.Severity) Alert {
	return Alert{
		ID: id, Kind: FindingOpened, Severity: severity,
		Created: at("03:00:00").Add(time.Duration(second) * time.Second),
		Finding: &finding.Finding{RuleID: "rule-" + id, Severity: severity, KeyARN: key, Status: finding.Open},
	}
}

func groupedIDs(groups []Group) [][]string {
	var ids [][]string
	for _, g := range groups {
		var of []string
		for _, a := range g.Alerts {
			of = append(of, a.ID)
		}
		ids = append(ids, of)
	}
	return ids
}

func TestGroupAlerts(t *testing.T) {
	resolved := alert("over", "k1", 0, finding.Critical)
	resolved.Kind = FindingResolved
	action := Alert{ID: "act", Kind: ActionSucceeded, Created: at("03:00:01")}
	action.Action = &remediation.Action{KeyARN: "k1"}
	queue := Alert{ID: "queue", Kind: FindingOpened, Created: at("03:00:00"), Finding: &finding.Finding{
		RuleID: "intake-silent", Subject: finding.Subject{Type: finding.Queue, ID: "https://q"},
	}}
	var many []Alert
	for i := range 12 {
		many = append(many, alert(fmt.Sprintf("m%02d", i), "k1", i, finding.Low))
	}
	tests := []struct {
		name    string
		pending []Alert
		after   int // seconds after three o'clock
		want    [][]string
	}{
		{"nothing waits", nil, 0, nil},
		{
			"what is about one key goes together, gravest first",
			[]Alert{alert("a", "k1", 0, finding.Low), alert("b", "k1", 5, finding.High)},
			10,
			[][]string{{"b", "a"}},
		},
		{
			"other keys go apart, gravest first",
			[]Alert{alert("a", "k1", 0, finding.Low), alert("b", "k2", 0, finding.High)},
			10,
			[][]string{{"b"}, {"a"}},
		},
		{
			"the oldest decides when a group goes",
			[]Alert{alert("a", "k1", 0, finding.Low), alert("b", "k1", 9, finding.High)},
			10,
			[][]string{{"b", "a"}},
		},
		{
			"before that nothing goes",
			[]Alert{alert("a", "k1", 0, finding.Low), alert("b", "k2", 5, finding.High)},
			9, nil,
		},
		{
			"one goes while another waits",
			[]Alert{alert("a", "k1", 0, finding.Low), alert("b", "k2", 5, finding.High)},
			12,
			[][]string{{"a"}},
		},
		{
			"a clock that went back holds nothing up",
			[]Alert{alert("a", "k1", 3600, finding.Low)},
			0,
			[][]string{{"a"}},
		},
		{
			"what is over comes last, however grave it was",
			[]Alert{resolved, alert("a", "k1", 1, finding.Low)},
			10,
			[][]string{{"a", "over"}},
		},
		{
			"an action goes with its key's findings",
			[]Alert{action, alert("a", "k1", 0, finding.Low)},
			20,
			[][]string{{"a", "act"}},
		},
		{
			"what is about no key goes by its subject",
			[]Alert{queue, alert("a", "k1", 0, finding.Low)},
			10,
			[][]string{{"a"}, {"queue"}},
		},
		{
			"a message has at most seven alerts in full", many, 30,
			[][]string{{"m00", "m01", "m02", "m03", "m04", "m05", "m06"}, {"m07", "m08", "m09", "m10", "m11"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := at("03:00:00").Add(time.Duration(tt.after) * time.Second)
			got := groupedIDs(GroupAlerts(tt.pending, now, 10*time.Second))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNextDueIsWhenTheNextGroupGoes(t *testing.T) {
	pending := []Alert{
		alert("a", "k1", 0, finding.Low), alert("b", "k1", 7, finding.Low), alert("c", "k2", 5, finding.Low),
	}
	tests := []struct {
		name  string
		after int
		want  string
	}{
		{"the first to come", 3, "03:00:10"},
		{"the one after what is due already", 12, "03:00:15"},
		{"none when all are due", 30, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := NextDue(pending, at("03:00:00").Add(time.Duration(tt.after)*time.Second), 10*time.Second)
			if tt.want == "" && !got.IsZero() || tt.want != "" && !got.Equal(at(tt.want)) {
				t.Errorf("NextDue = %v, want %q", got, tt.want)
			}
		})
	}
}

func TestAStormIsToldTogether(t *testing.T) {
	tests := []struct {
		keys int
		want []int // alerts in each message
	}{
		{20, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{21, []int{21}},
		{200, []int{200}},
		{450, []int{200, 200, 50}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d keys", tt.keys), func(t *testing.T) {
			groups := GroupAlerts(stormAlerts(tt.keys), at("03:30:00"), 10*time.Second)
			var got []int
			told := map[string]bool{}
			for i, g := range groups {
				got = append(got, len(g.Alerts))
				if g.Storm != (tt.keys > 20) || g.Storm && (g.Part != i+1 || g.Parts != len(tt.want)) {
					t.Errorf("message %d: storm %v, part %d of %d", i, g.Storm, g.Part, g.Parts)
				}
				for _, a := range g.Alerts {
					told[a.ID] = true
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("alerts in each message (-want +got):\n%s", diff)
			}
			if len(told) != tt.keys {
				t.Errorf("%d alerts are told, want %d", len(told), tt.keys)
			}
		})
	}
}

func TestDigestsAreNeverAStorm(t *testing.T) {
	var pending []Alert
	for i := range 30 {
		a := Alert{ID: fmt.Sprint(i), Kind: InventoryDigest, Created: at("03:00:00"), Digest: &Digest{}}
		pending = append(pending, a)
	}
	if got := len(GroupAlerts(pending, at("04:00:00"), 0)); got != 30 {
		t.Errorf("%d messages, want 30", got)
	}
}

func TestRoute(t *testing.T) {
	topics := []Topic{
		{ARN: "all", MinSeverity: finding.Informational},
		{ARN: "team", MinSeverity: finding.Medium},
		{ARN: "oncall", MinSeverity: finding.Critical},
	}
	critical := &finding.Finding{Severity: finding.Critical}
	tests := []struct {
		name  string
		alert Alert
		want  []string
	}{
		{
			"a grave one goes everywhere",
			Alert{Kind: FindingOpened, Severity: finding.Critical, Finding: critical},
			[]string{"all", "team", "oncall"},
		},
		{"a threshold is included", Alert{Kind: Self, Severity: finding.Medium}, []string{"all", "team"}},
		{"a slight one goes where everything does", Alert{Kind: Heartbeat}, []string{"all"}},
		{
			"a resolution goes where the opening went",
			Alert{Kind: FindingResolved, Finding: critical},
			[]string{"all", "team", "oncall"},
		},
		{
			"an action goes where the finding it answers went",
			Alert{Kind: ActionSucceeded, Finding: critical},
			[]string{"all", "team", "oncall"},
		},
		{"a digest goes to every topic", Alert{Kind: InventoryDigest}, []string{"all", "team", "oncall"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, topic := range Route(topics, tt.alert) {
				got = append(got, topic.ARN)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKindsFollowTransitionsAndStates(t *testing.T) {
	transitions := map[finding.Transition]Kind{
		finding.NoTransition: "", finding.Opened: FindingOpened, finding.Closed: FindingResolved,
		finding.Raised(finding.High): FindingRaised,
		finding.More(2):              FindingMore,
	}
	for transition, want := range transitions {
		if got := KindOf(transition); got != want {
			t.Errorf("KindOf(%q) = %q, want %q", transition, got, want)
		}
	}
	states := map[remediation.State]Kind{
		remediation.Planned: "", remediation.Verifying: "", remediation.Succeeded: ActionSucceeded,
		remediation.Failed: ActionFailed, remediation.Cancelled: ActionCancelled, remediation.Expired: ActionExpired,
	}
	for state, want := range states {
		if got := KindOfAction(state); got != want {
			t.Errorf("KindOfAction(%q) = %q, want %q", state, got, want)
		}
	}
}
