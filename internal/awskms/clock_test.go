package awskms

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
)

// TestAClockThatIsOffIsToldOfByAWSsAnswers asks a simulated AWS whose clock is off, in both directions.
func TestAClockThatIsOffIsToldOfByAWSsAnswers(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, 0, 2 * time.Minute, time.Hour} {
		sim := awssim.New(awssim.Options{Clock: awssim.NewScaledClock(time.Now().Add(-off), 1), JudgesTime: true})
		if err := sim.Start(); err != nil {
			t.Fatal(err)
		}
		transport := HTTPClient()
		t.Cleanup(func() {
			transport.GetTransport().CloseIdleConnections()
			sim.Close()
		})
		var told []time.Duration
		clock := &Clock{Changed: func(ahead time.Duration) { told = append(told, ahead) }}
		cfg := sim.As(sim.NewAccessKey(account, "rotd"), region)
		cfg.HTTPClient = transport
		client := kms.NewFromConfig(clock.Watch(cfg))
		for range 2 {
			if _, err := client.ListKeys(t.Context(), nil); err != nil {
				t.Errorf("%v off: %v", off, err)
			}
		}
		if got := clock.Ahead(); (got - off).Abs() > 5*time.Second {
			t.Errorf("%v off: found %v", off, got)
		}
		if wrong := off != 0; len(told) > 1 || wrong != (len(told) == 1) {
			t.Errorf("%v off: told %v", off, told)
		}
	}
}

func TestAClockAtTheBoundDoesNotFlutter(t *testing.T) {
	var told []time.Duration
	clock := &Clock{Changed: func(ahead time.Duration) { told = append(told, ahead) }}
	for _, seconds := range []int{59, -59, 60, 59, 61, 31, 29, 59, -60, -31, 0} {
		clock.note(time.Duration(seconds) * time.Second)
	}
	if want := []time.Duration{time.Minute, 0, -time.Minute, 0}; !slices.Equal(told, want) || clock.Ahead() != 0 {
		t.Errorf("told %v, want %v; now %v", told, want, clock.Ahead())
	}
}
