package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

// The policies that print-policy prints, in its three modes, are enough and not too much: under them everything is done
// that rotd can do, no call is refused, and no permission goes without use.

func TestThePrintedPolicyIsEnoughAndNotTooMuch(t *testing.T) {
	t.Parallel()
	w, flags := storing(t)
	w.Policy = printed(t, w, flags...)
	// The answer to an exported object is lost: rotd reads whether it is there.
	w.Sim.Plan(awssim.Fault{
		Service: "s3", Operation: "PutObject", Contains: "archive/", Nth: 1, When: awssim.AfterEffect, DropConnection: true,
	})
	d := ready(t, w)
	untilTold(t, w, "digest")
	restoreRotation(t, w, world.Account)
	doEverything(t, w, world.Account)
	moveObjects(t, w)
	until(t, "a second report", func() bool { return len(w.Sim.EffectsOf("DeleteObject")) > 1 })
	// A machine that is lost fetches its state.
	if err := d.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(w.StatePath); err != nil {
		t.Fatal(err)
	}
	ready(t, w)
	wantAllUsed(t, w, func() []awssim.Permission { return unusedByRotd(w) })
}

func TestThePrintedPolicyOfARoleInAnotherAccountIsEnoughAndNotTooMuch(t *testing.T) {
	t.Parallel()
	w := lending(t)
	w.Policy = printed(t, w, "--verbs", "rotate")
	ready(t, w)
	untilTold(t, w, "digest")
	restoreRotation(t, w, elsewhere)
	doEverything(t, w, elsewhere)
	wantAllUsed(t, w, func() []awssim.Permission {
		return append(w.Sim.Unused(memberRole), of(unusedByRotd(w), "Assume", "ListAccounts")...)
	})
}

func TestThePrintedPolicyForEmergenciesIsEnoughAndNotTooMuch(t *testing.T) {
	t.Parallel()
	w := alarming(t)
	w.Policy = printed(t, w)
	ready(t, w)
	untilTold(t, w, "digest")
	doEverything(t, w, world.Account, "--emergency")
	does(t, w, "rotate", "alias/pay-hsm", "--emergency")
	does(t, w, "rotate", "alias/pay-cards", "--automatic", "180d", "--emergency")
	moveObjects(t, w, "--emergency")
	wantAllUsed(t, w, func() []awssim.Permission {
		return append(w.Sim.Unused(emergencyRole), of(unusedByRotd(w), "Assume")...)
	})
}

func does(t *testing.T, w *world.World, args ...string) {
	t.Helper()
	says(t, w, w.App, admin.ExitDone, "", append(args, "--reason", "INC-1", "--yes")...)
}

// restoreRotation has somebody of an account switch a key's rotation off, which rotd undoes.
func restoreRotation(t *testing.T, w *world.World, account string) {
	t.Helper()
	if _, err := w.Sim.Send(w.Queue, "no event of anybody's"); err != nil {
		t.Fatal(err)
	}
	client := kms.NewFromConfig(w.Sim.As(w.Sim.NewAccessKey(account, "mallory"), world.Region))
	_, err := client.DisableKeyRotation(t.Context(), &kms.DisableKeyRotationInput{KeyId: aws.String(w.Keys["cards"])})
	if err != nil {
		t.Fatal(err)
	}
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
}

// doEverything does what people can do to keys of an account through rotd.
func doEverything(t *testing.T, w *world.World, account string, flags ...string) {
	t.Helper()
	asked := func(args ...string) { t.Helper(); does(t, w, append(args, flags...)...) }
	asked("rotate", "alias/pay-cards")
	asked("replace", "alias/pay-signing")
	asked("contain", "alias/pay-stolen", "--revoke-all", "--retire-alias", "alias/spare", "--disable")
	asked("contain", "alias/pay-stolen", "--undo", containment(t, w))
	asked("contain", "alias/pay-doomed", "--cancel-deletion")
	asked("reencrypt", "--manifest", oneSealed(t, w, account), "--to", "alias/pay-stolen")
}

// moveObjects moves those in both buckets to another key.
func moveObjects(t *testing.T, w *world.World, flags ...string) {
	t.Helper()
	for _, bucket := range []string{"vault", "versions"} {
		does(t, w, append([]string{
			"reencrypt", "--s3", "s3://" + bucket + "/data/", "--from", "alias/pay-cards", "--to", "alias/pay-stolen",
		}, flags...)...)
	}
}

// wantAllUsed waits until no permission is left unused, since what is read in the background comes late, and wants no
// call refused. That an upload in parts is given up with permission is proved where parts are: package awss3.
func wantAllUsed(t *testing.T, w *world.World, unused func() []awssim.Permission) {
	t.Helper()
	inParts := func(p awssim.Permission) bool { return p.Action == "s3:AbortMultipartUpload" }
	defer func() {
		for _, r := range w.Sim.Requests() {
			if strings.Contains(r.PrincipalARN, ":assumed-role/rotd") && strings.HasPrefix(r.ErrorCode, "AccessDenied") {
				t.Errorf("%s of %s was refused", r.Operation, r.Resource)
			}
		}
		if left := slices.DeleteFunc(unused(), inParts); len(left) > 0 {
			t.Errorf("without use: %v", left)
		}
	}()
	until(t, "the use of all permissions", func() bool { return len(slices.DeleteFunc(unused(), inParts)) == 0 })
}

// unusedByRotd are the permissions that none of the daemons of a world used.
func unusedByRotd(w *world.World) (unused []awssim.Permission) {
	seen := make(map[string]bool)
	for _, r := range w.Sim.Requests(w.ByRotd) {
		if seen[r.AccessKeyID] {
			continue
		}
		left := w.Sim.Unused(r.AccessKeyID)
		if len(seen) == 0 {
			unused = left
		}
		seen[r.AccessKeyID] = true
		unused = slices.DeleteFunc(unused, func(p awssim.Permission) bool { return !slices.Contains(left, p) })
	}
	return unused
}

// of are the permissions of some statements.
func of(all []awssim.Permission, sids ...string) (some []awssim.Permission) {
	for _, p := range all {
		if slices.Contains(sids, p.Sid) {
			some = append(some, p)
		}
	}
	return some
}

// containment is the id of the action that contained the stolen key.
func containment(t *testing.T, w *world.World) string {
	t.Helper()
	detail, err := w.Client.Key(t.Context(), "alias/pay-stolen")
	if err != nil || len(detail.Actions) == 0 {
		t.Fatalf("no action: %v", err)
	}
	return detail.Actions[0].ID
}
