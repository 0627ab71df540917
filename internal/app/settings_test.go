package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/config"
	"rotd/internal/policy"
)

func TestSettingsTrustWhatIsConfigured(t *testing.T) {
	cfg := config.Default()
	cfg.Accounts = []config.Account{{ID: "222233334444"}}
	cfg.TrustedAccounts = []string{"333344445555"}
	s := settings(cfg, "111122223333")
	for id, want := range map[string]bool{
		"111122223333": true, "222233334444": true, "333344445555": true, "444455556666": false, "": false,
	} {
		if got := s.Trusted(id); got != want {
			t.Errorf("account %q is trusted: %t, want %t", id, got, want)
		}
		if got := s.Expected(id); got != want {
			t.Errorf("account %q is expected: %t, want %t", id, got, want)
		}
	}
}

func TestEventsOfEveryAccountAreJudgedWhenNoneIsConfigured(t *testing.T) {
	if s := settings(config.Default(), "111122223333"); s.Expected != nil {
		t.Error("without accounts in the configuration every account is expected")
	}
}

func TestWhatNeedsARestart(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *config.Config)
		want   []string
	}{
		{name: "nothing changed", change: func(*config.Config) {}},
		{name: "policies and mode are taken over", change: func(c *config.Config) { c.Mode = policy.Enforce }},
		{name: "guardrails are taken over", change: func(c *config.Config) { c.Guardrails.Grace = time.Hour }},
		{
			name:   "trusted senders are taken over",
			change: func(c *config.Config) { c.Intake.Queues[0].Senders = []string{"AIDA"} },
		},
		{
			name:   "who may do what is taken over",
			change: func(c *config.Config) { c.Admin.Roles.Act, c.Admin.SharedUIDs = []string{"user:a"}, []int{1} },
		},
		{
			name: "another queue", change: func(c *config.Config) { c.Intake.Queues[0].URL += "-2" },
			want: []string{"intake.queues"},
		},
		{
			name: "another Region", change: func(c *config.Config) { c.Accounts[0].Regions = []string{"eu-west-1"} },
			want: []string{"accounts"},
		},
		{
			name: "shard, state, socket and quota",
			change: func(c *config.Config) {
				c.Shard, c.State.Path, c.Admin.Socket, c.Limits.QuotaShare = "b", "/b", "/s", .5
			},
			want: []string{"shard", "state.path", "admin", "limits"},
		},
	}
	example := func() *config.Config {
		c := config.Default()
		c.Intake.Queues = []config.Queue{{URL: "https://sqs.us-east-1.amazonaws.com/111122223333/rotd", Pollers: 4}}
		c.Accounts = []config.Account{{ID: "111122223333", Regions: []string{"us-east-1"}}}
		return c
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			updated := example()
			test.change(updated)
			if diff := cmp.Diff(test.want, needsRestart(example(), updated)); diff != "" {
				t.Errorf("needs a restart (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheExampleAndTheCatalogueAgree(t *testing.T) {
	if _, err := config.Parse("example.yaml", []byte(config.Example), knownIDs()); err != nil {
		t.Error(err)
	}
}
