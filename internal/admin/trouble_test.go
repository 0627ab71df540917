package admin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/events/queue"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

func TestStatusSaysWhatIsNotInOrder(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	sound := func() Status {
		return Status{
			Now: noon, Started: ago(time.Hour), Mode: "enforce", Ready: true, Armed: true,
			Queues: []Queue{{
				URL: "https://sqs.us-east-1.amazonaws.com/111122223333/rotd", Ready: true, State: queue.StateReceiving,
				ReadAt: noon, Redrive: true, MaxReceives: 20,
			}},
			Places: []state.Coverage{{Account: "111122223333", Region: "us-east-1", LastComplete: ago(time.Hour)}},
			Keys:   3,
			Jobs:   []Job{{Name: "drift", LastFinished: ago(time.Minute)}},
			Budget: &Budget{Left: 6, Reserve: 5, KeyARN: keyARN},
		}
	}
	tests := []struct {
		name   string
		change func(s *Status)
		want   []Trouble
	}{
		{"all in order", func(*Status) {}, nil},
		{"low findings are no trouble", func(s *Status) { s.Findings = Counts{Low: 3, Informational: 9} }, nil},
		{"findings, the gravest first", func(s *Status) { s.Findings = Counts{Medium: 1, High: 2, Critical: 1} }, []Trouble{
			{true, "1 CRITICAL finding open", "rotd findings list --severity CRITICAL"},
			{true, "2 HIGH findings open", "rotd findings list --severity HIGH"},
			{false, "1 MEDIUM finding open", "rotd findings list --severity MEDIUM"},
		}},
		{"not ready", func(s *Status) { s.NotReady = []string{"the state cannot be written"} }, []Trouble{
			{true, "not ready: the state cannot be written", ""},
		}},
		{"no keys at all", func(s *Status) { s.Keys = 0 }, []Trouble{
			{false, "no account and Region has any key: are the Region and `accounts` those that are meant?", ""},
		}},
		{"a clock that is somewhat off", func(s *Status) { s.ClockAhead = 90 }, []Trouble{{
			false, "this machine's clock is wrong, 1m30s ahead of AWS's: rotd's times, windows and waits are off by as much",
			"timedatectl",
		}}},
		{"a clock that AWS refuses", func(s *Status) { s.ClockAhead = -3600 }, []Trouble{{
			true, "this machine's clock is wrong, 1h0m0s behind AWS's: rotd's times, windows and waits are off by as much",
			"timedatectl",
		}}},
		{"a queue that is missing", func(s *Status) {
			s.Queues[0] = Queue{
				URL: "q/rotd", State: queue.StateQueueMissing, Reason: "the queue does not exist",
				Since: noon,
			}
		}, []Trouble{{true, "queue rotd: the queue does not exist, since 2026-03-14T12:00:00Z", ""}}},
		{"a queue that is why the daemon is not ready", func(s *Status) {
			s.NotReady = []string{"queue q/rotd: the queue does not exist"}
			s.Queues[0] = Queue{URL: "q/rotd", State: queue.StateQueueMissing, Reason: "the queue does not exist"}
		}, []Trouble{{true, "not ready: queue q/rotd: the queue does not exist", ""}}},
		{"a queue that is just starting", func(s *Status) {
			s.Started, s.Queues[0].Ready, s.Queues[0].State = noon, false, queue.StateStarting
		}, nil},
		{"no redrive policy", func(s *Status) { s.Queues[0].Redrive = false }, []Trouble{
			{false, "queue rotd has no redrive policy: what cannot be read is not moved to a dead-letter queue", ""},
		}},
		{"a dead-letter queue that cannot be asked", func(s *Status) {
			s.Queues[0].DeadLetter, s.Queues[0].DeadLetterError = "arn:aws:sqs:eu-west-1:1:dead", "AccessDenied"
		}, []Trouble{
			{false, "whether messages lie in arn:aws:sqs:eu-west-1:1:dead, where SQS puts what queue rotd gives up on, is not " +
				"known: AccessDenied", ""},
		}},
		{"a hasty redrive policy", func(s *Status) { s.Queues[0].MaxReceives = 3 }, []Trouble{
			{false, "queue rotd moves messages away after 3 receives; 20 outlast an outage", ""},
		}},
		{"what could not be decoded", func(s *Status) { s.Quarantined = 2 }, []Trouble{
			{false, "2 messages or records could not be decoded", "rotd quarantine list"},
		}},
		{"a place that was not swept whole", func(s *Status) {
			s.Places[0].LastError, s.Places[0].Denied = "throttled", 1
			s.Places = append(s.Places, state.Coverage{Account: "1", Region: "eu-west-1", LastError: "access denied"})
		}, []Trouble{
			{true, "the last sweep of 111122223333/us-east-1 was not whole: throttled", "rotd sweep inventory"},
			{true, "1/eu-west-1 was never swept whole: access denied", "rotd sweep inventory"},
			{
				false, "KMS refuses rotd something about 1 key of 111122223333/us-east-1",
				"rotd findings list --rule key-unverifiable",
			},
		}},
		{"keys that were not read", func(s *Status) { s.Places[0].Unread = 4 }, []Trouble{
			{true, "4 keys of 111122223333/us-east-1 could not be read", "rotd sweep inventory"},
		}},
		{"nothing swept for long", func(s *Status) { s.Places = nil }, []Trouble{
			{true, "no account and Region was swept yet", "rotd sweep inventory"},
		}},
		{"a job that failed, one that hangs", func(s *Status) {
			s.Jobs = []Job{{Name: "drift", LastError: "throttled"}, {Name: "retention", RunningSince: ago(3 * time.Hour)}}
		}, []Trouble{
			{false, "the last drift failed: throttled", "rotd sweep drift"},
			{false, "retention has been running since 2026-03-14T09:00:00Z", ""},
		}},
		{"a reload that was refused", func(s *Status) {
			s.ReloadError = "the configuration is invalid:\nrotd.yaml:3:1: unknown key\nrotd.yaml:9:1: another"
		}, []Trouble{
			{
				true, "the configuration was not reloaded, the old one goes on: the configuration is invalid: " +
					"rotd.yaml:3:1: unknown key", "rotd config validate",
			},
		}},
		{"paused", func(s *Status) { s.Paused = &state.Pause{At: noon, By: "uid:1000 (ann)", Reason: "move"} }, []Trouble{
			{false, "paused by uid:1000 (ann) since 2026-03-14T12:00:00Z: move", "rotd resume"},
		}},
		{"what waits for a second person", func(s *Status) { s.Awaiting = 2 }, []Trouble{
			{false, "2 actions await approval", "rotd actions list --state awaiting-approval"},
		}},
		{"the circuit breaker is open", func(s *Status) {
			s.Breaker = &remediation.Breaker{OpenedAt: noon, Failures: []remediation.Failure{
				{ActionID: "act_1"}, {ActionID: "act_2"}, {ActionID: "act_3"},
			}}
		}, []Trouble{
			{
				true, "the circuit breaker has been open since 2026-03-14T12:00:00Z: 3 actions failed in a row, and nothing " +
					"automatic happens before a resume", "rotd actions show act_3",
			},
		}},
		{"what rotd depends on did not tell its key", func(s *Status) {
			s.DependsOn = []state.Dependency{{What: "the queue q", Key: "k"}, {What: "the topic t", Error: "AuthorizationError"}}
		}, []Trouble{
			{
				false, "rotd does not know which key encrypts the topic t, so it cannot keep its hands off it " +
					"(docs/permissions.md): AuthorizationError", "",
			},
		}},
		{"a new state", func(s *Status) { s.Armed = false }, []Trouble{
			{
				false, "the state is new or restored: nothing automatic happens before a complete inventory and a resume",
				"rotd resume",
			},
		}},
		{"a new state that only observes", func(s *Status) { s.Armed, s.Mode = false, "observe" }, nil},
		{"a small budget", func(s *Status) { s.Budget.Left = 5 }, []Trouble{
			{false, keyARN + " has 5 of 25 rotations on demand left", "rotd keys show " + keyARN},
		}},
		{"alerts on their way", func(s *Status) { s.Outbox = Outbox{Waiting: 3, Oldest: ago(time.Minute)} }, nil},
		{"alerts that wait", func(s *Status) { s.Outbox = Outbox{Waiting: 3, Oldest: ago(time.Hour)} }, []Trouble{
			{true, "3 alerts are waiting since 2026-03-14T11:00:00Z", ""},
		}},
		{"alerts that fail", func(s *Status) { s.Outbox = Outbox{Waiting: 1, LastError: "topic not found"} }, []Trouble{
			{true, "1 alert cannot be published: topic not found", ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sound()
			test.change(&s)
			s.Judge()
			if diff := cmp.Diff(test.want, s.Troubles); diff != "" {
				t.Errorf("troubles (-want +got):\n%s", diff)
			}
		})
	}
}
