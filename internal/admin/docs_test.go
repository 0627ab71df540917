package admin

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/history"
	"rotd/internal/impact"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/internal/suppression"
	"rotd/internal/usage"
)

func documentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryEndpointHasItsSection(t *testing.T) {
	var documented, served []string
	headings := regexp.MustCompile(`(?m)^## ((?:GET|POST) /\S+)$`)
	for _, heading := range headings.FindAllStringSubmatch(documentation(t), -1) {
		documented = append(documented, heading[1])
	}
	for _, r := range NewServer(&fakeBackend{}, nil).routes() {
		served = append(served, r.Method+" "+r.Path)
	}
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("endpoints (-served +documented):\n%s", diff)
	}
}

func TestEveryMemberIsDocumented(t *testing.T) {
	text := documentation(t)
	types := []any{
		Status{},
		Queue{},
		Job{},
		Budget{},
		File{},
		Counts{},
		Outbox{},
		Trouble{},
		state.Coverage{},
		state.Canary{},
		state.Flight{},
		Readiness{},
		finding.Finding{},
		finding.Acknowledgement{},
		Acknowledged{},
		AckRequest{},
		ResolveRequest{},
		approveRequest{},
		remediation.Approval{},
		remediation.Who{},
		KeyDetail{},
		policy.Applied{},
		policy.Assignment{},
		policy.Pending{},
		policy.Explanation{},
		policy.Tried{},
		policy.Miss{},
		policy.Value{},
		policy.Tag{},
		remediation.Action{},
		remediation.Decision{},
		remediation.Eligible{},
		remediation.Able{},
		remediation.Abilities{},
		remediation.Ability{},
		Quarantined{},
		RotateRequest{},
		Planned{},
		ReplaceRequest{},
		UndoAliasRequest{},
		inventory.Lineage{},
		ContainRequest{},
		KeyUsage{},
		ReencryptRequest{},
		ReencryptPlan{},
		BlobsAnswer{},
		blobsRequest{},
		cancelRequest{},
		reencrypt.Blob{},
		reencrypt.Moved{},
		reencrypt.Outcome{},
		reencrypt.Failure{},
		reencrypt.Job{},
		reencrypt.Counts{},
		reencrypt.Item{},
		reencrypt.Move{},
		usage.Usage{},
		usage.Point{},
		usage.Principal{},
		usage.Service{},
		usage.Context{},
		usage.ByAlias{},
		usage.Item{},
		usage.Brief{},
		impact.Assessment{},
		impact.Window{},
		impact.Principal{},
		impact.Network{},
		impact.ServiceUse{},
		impact.Account{},
		impact.Grant{},
		impact.Open{},
		impact.Measure{},
		impact.Break{},
		impact.Contents{},
		impact.Coverage{},
		impact.Group{},
		impact.Held{},
		inventory.LastUsage{},
		SweepResult{},
		sweepRequest{},
		pauseRequest{},
		resumeRequest{},
		Paused{},
		BackupRequest{},
		Backup{},
		StateCheck{},
		state.Description{},
		state.Commits{},
		state.Restoration{},
		state.Usage{},
		Page[int]{},
		history.Line{},
		history.Evidence{},
		history.Move{},
		history.Past{},
		history.Doubt{},
		audit.Entry{},
		incident.Incident{},
		incident.Note{},
		incident.Mark{},
		incident.Line{},
		IncidentRequest{},
		suppression.Suppression{},
		suppression.Standing{},
		suppression.Trial{},
		suppression.Would{},
		finding.Suppressed{},
		SuppressRequest{},
		tryRequest{},
		endRequest{},
		noteRequest{},
		closeRequest{},
		Dossier{},
		audit.Head{},
		Error{},
	}
	internal := []string{"over_since", "undone", "reads", "first_read"} // kept for rotd itself
	for _, value := range types {
		typ := reflect.TypeOf(value)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name == "" || name == "-" || strings.Contains(strings.Join(internal, " "), name) {
				continue
			}
			if !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, `"`+name+`"`) {
				t.Errorf("%v: docs/api.md does not mention %q", typ, name)
			}
		}
	}
}

func TestEveryErrorCodeIsDocumented(t *testing.T) {
	text := documentation(t)
	for _, e := range []*Error{
		invalid("x"), answerTo(fmt.Errorf("x: %w", ErrNotFound)), answerTo(ErrAmbiguous), answerTo(os.ErrClosed),
	} {
		row := fmt.Sprintf("| `%s` | %d | %d |", e.Code, e.status, e.Exit)
		if !strings.Contains(text, row) {
			t.Errorf("docs/api.md has no row %s", row)
		}
	}
	for _, code := range []string{
		CodeNoEndpoint, CodeBadMethod, CodeRefused, CodeTooLarge, CodeBusy, CodeStopping,
		CodeTimeout, CodeUnknownPeer, CodeForbidden, CodeUnproven,
	} {
		if !strings.Contains(text, "| `"+code+"` |") {
			t.Errorf("docs/api.md has no row for %s", code)
		}
	}
}
