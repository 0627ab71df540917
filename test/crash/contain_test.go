package crash

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/internal/remediation"
	"rotd/test/crash/world"
)

// A person contains keys in each round: of a stolen one everything is done that can be, and then taken back; a doomed
// one is saved from its deletion.

func spareAlias(round string) string { return "alias/spare-stolen" + round }

// holdable are the keys of a round that a person contains.
func holdable(healthy awssim.KeyOptions, round string) map[string]awssim.KeyOptions {
	stolen, doomed := healthy, healthy
	stolen.Aliases = []string{spareAlias(round)}
	doomed.DeletionDate = healthy.NextRotation
	return map[string]awssim.KeyOptions{"stolen" + round: stolen, "doomed" + round: doomed}
}

// grant lets somebody use a stolen key.
func (s *story) grant(t *testing.T, round string) {
	t.Helper()
	_, err := kms.NewFromConfig(s.w.Sim.As(s.w.App, world.Region)).CreateGrant(t.Context(), &kms.CreateGrantInput{
		KeyId: aws.String(s.w.Keys["stolen"+round]), GranteePrincipal: aws.String(s.w.App.SessionIssuerARN),
		Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// personContains does all of a round.
func (s *story) personContains(ctx context.Context, round string) error {
	contained, err := s.personAsks(ctx, "stolen"+round, remediation.Measures, admin.ContainRequest{
		RevokeAll: true, RetireAliases: []string{spareAlias(round)}, Disable: true,
	})
	if err != nil {
		return err
	}
	takeBack := admin.ContainRequest{Undo: contained}
	if _, err := s.personAsks(ctx, "stolen"+round, remediation.Release, takeBack); err != nil {
		return err
	}
	_, err = s.personAsks(ctx, "doomed"+round, remediation.Measures, admin.ContainRequest{CancelDeletion: true})
	return err
}

// personAsks asks for a containment as often as it takes, and waits until it is done: whether the request arrived is
// looked up before it is made again.
func (s *story) personAsks(ctx context.Context, name string, method remediation.Method, r admin.ContainRequest) (
	id string, err error,
) {
	r.Key, r.Reason = "alias/pay-"+name, "INC-2"
	var last error
	err = s.until(ctx, string(method)+" of "+name, func() bool {
		detail, err := s.w.Client.Key(ctx, r.Key)
		if err != nil {
			if ctx.Err() == nil {
				last = err
			}
			return false
		}
		i := slices.IndexFunc(detail.Actions, func(a remediation.Action) bool { return a.Method == method })
		if i >= 0 {
			id = detail.Actions[i].ID
			return detail.Actions[i].State == remediation.Succeeded
		}
		if _, err := s.w.Client.Contain(ctx, r); ctx.Err() == nil {
			last = err
		}
		return false
	})
	if err != nil {
		err = errors.Join(err, last)
	}
	return id, err
}

// containedAlerts is what has to be told of a round's containments.
func containedAlerts(round string) []string {
	return []string{
		"action-succeeded measures alias/pay-stolen" + round,
		"finding-opened contained-key-deadline alias/pay-stolen" + round,
		"finding-opened key-disabled alias/pay-stolen" + round, // rotd's own doing
		"action-succeeded release alias/pay-stolen" + round,
		"finding-resolved contained-key-deadline alias/pay-stolen" + round,
		"action-succeeded measures alias/pay-doomed" + round,
		"finding-opened key-deletion-cancelled alias/pay-stolen" + round,
		broughtBack + round,
	}
}

// broughtBack is told twice: of the cancelled deletion, and of the key that was then enabled.
const broughtBack = "finding-opened key-deletion-cancelled alias/pay-doomed"

// possibleOfContained reports whether readings may have ended a finding of contained keys, in time to be told.
func possibleOfContained(kind, rule, alias string) bool {
	return kind == "finding-resolved" &&
		(rule == "key-disabled" && strings.HasPrefix(alias, "alias/pay-stolen") ||
			rule == "key-pending-deletion" && strings.HasPrefix(alias, "alias/pay-doomed"))
}

// wantedContained are the changing calls that a person asked for, by the key's name without its number.
func wantedContained(name string) []string {
	switch name {
	case "stolen":
		return []string{"DeleteAlias", "RevokeGrant", "DisableKey", "EnableKey", "CreateAlias"}
	case "doomed":
		return []string{"CancelKeyDeletion", "EnableKey"}
	}
	return nil
}

// judgeContained: each call was made, its effect is there, and nothing was done more often than lost answers explain.
func (s *story) judgeContained(t *testing.T) {
	t.Helper()
	_, kills := s.lives.counts()
	for name, arn := range s.w.Keys {
		kind := strings.TrimRight(name, "0123456789")
		for _, operation := range wantedContained(kind) {
			calls := s.calls(operation, arn)
			if n := effects(calls); n < 1 || n > 1+kills {
				t.Errorf("%s of %s had %d effects, with %d kills: %+v", operation, name, n, kills, calls)
			}
		}
		if kind != "stolen" && kind != "doomed" {
			continue
		}
		key, _ := s.w.Sim.KMS().Key(arn)
		if key.State != types.KeyStateEnabled {
			t.Errorf("%s is %s in the end", name, key.State)
		}
		if round := strings.TrimPrefix(name, kind); kind == "stolen" && !slices.Contains(key.Aliases, spareAlias(round)) {
			t.Errorf("%s has aliases %q in the end", name, key.Aliases)
		}
	}
}

// asked reports whether a person asked for a changing call in the story.
func (s *story) asked(r awssim.Request) bool {
	for name, arn := range s.w.Keys {
		if arn == r.Resource && slices.Contains(wantedContained(strings.TrimRight(name, "0123456789")), r.Operation) {
			return true
		}
	}
	return false
}
