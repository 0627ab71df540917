package queue

import (
	"testing"
	"time"
)

func TestBackoffDoublesFrom200msTo10s(t *testing.T) {
	var got []time.Duration
	for n := 1; n <= 8; n++ {
		got = append(got, backoffCeiling(n))
	}
	ms := time.Millisecond
	diff(t, "ceilings", got, []time.Duration{
		200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10_000 * ms, 10_000 * ms,
	})
	for range 1000 {
		if d := fullJitter(time.Second); d < 0 || d > time.Second {
			t.Fatalf("jitter is %v", d)
		}
	}
}

func TestVisibilityIsWholeSecondsRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]int32{
		-time.Second: 0, 0: 0, 1: 1, time.Second: 1, 1500 * time.Millisecond: 2, 13 * time.Hour: 43200,
	} {
		diff(t, d.String(), wholeSeconds(d), want)
	}
}

func TestRedrivePolicyIsRead(t *testing.T) {
	for _, tc := range []struct {
		name, policy string
		want         Redrive
		err          string
	}{
		{"no policy", "", Redrive{}, ""},
		{"a count as a number", `{"deadLetterTargetArn":"arn:x","maxReceiveCount":20}`, Redrive{true, 20, "arn:x"}, ""},
		{"a count as a string", `{"deadLetterTargetArn":"arn:x","maxReceiveCount":"5"}`, Redrive{true, 5, "arn:x"}, ""},
		{
			"a count that is none", `{"deadLetterTargetArn":"arn:x","maxReceiveCount":"x"}`,
			Redrive{},
			`reading the redrive policy: maxReceiveCount is "x"`,
		},
		{"no JSON", `{`, Redrive{}, "reading the redrive policy: jsontext: unexpected EOF after offset 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := parseAttributes(map[string]string{
				"RedrivePolicy": tc.policy, "VisibilityTimeout": "30",
				"ApproximateNumberOfMessages": "7", "ApproximateNumberOfMessagesNotVisible": "2",
			})
			diff(t, "attributes", a, Attributes{
				Error: tc.err, Redrive: tc.want, Visible: 7, InFlight: 2, VisibilityTimeout: 30 * time.Second,
			})
		})
	}
}
