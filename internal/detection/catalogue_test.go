package detection

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/policy"
)

func TestCatalogueHasItsEntries(t *testing.T) {
	want := map[string][]string{
		KindCheck: {
			"rotation-disabled HIGH", "rotation-period-too-long MEDIUM", "rotation-overdue HIGH",
			"rotation-stalled HIGH", "rotation-impossible MEDIUM", "rotation-budget-low MEDIUM",
			"key-unverifiable LOW", "key-unmanaged LOW", "key-unused LOW", "replaced-key-used INFORMATIONAL",
			"replaced-key-quiet LOW", "key-pending-deletion CRITICAL",
			"key-policy-public CRITICAL", "key-policy-external-account HIGH", "material-expiring HIGH",
			"material-missing CRITICAL",
			"key-policy-assignment-changed HIGH",
		},
		KindRule: {
			"rotation-turned-off HIGH", "rotation-period-extended HIGH", "rotation-unplanned MEDIUM",
			"key-disabled HIGH",
			"key-deletion-scheduled HIGH", "key-deletion-window-short HIGH", "key-mass-destruction CRITICAL",
			"key-destruction-denied MEDIUM", "key-deletion-cancelled INFORMATIONAL",
			"key-deleted CRITICAL", "material-imported MEDIUM", "material-deleted HIGH", "material-expired CRITICAL",
			"key-store-changed HIGH", "external-origin-key-created HIGH", "key-policy-changed MEDIUM",
			"key-policy-made-public CRITICAL", "key-policy-shared-externally HIGH",
			"key-policy-owner-removed CRITICAL", "key-policy-lockout-bypassed HIGH",
			"grant-to-outsider HIGH", "grant-delegates HIGH", "grant-burst MEDIUM", "alias-retargeted HIGH",
			"key-replicated HIGH", "key-tags-changed LOW", "trail-blinded CRITICAL", "intake-tampered CRITICAL",
			"root-used-key HIGH", "write-without-mfa MEDIUM", "principal-not-allowed HIGH",
			"principal-first-seen MEDIUM", "network-first-seen MEDIUM", "network-not-allowed HIGH",
			"region-unexpected HIGH", "cross-account-use MEDIUM", "decrypt-spike HIGH", "denied-burst MEDIUM",
			"dormant-key-used MEDIUM", "dead-key-used HIGH", "context-missing MEDIUM",
			"instance-credentials-elsewhere HIGH", "reconnaissance LOW", "attestation-debug HIGH",
			"rotd-role-misused CRITICAL", "new-key-bulk-use HIGH", "foreign-key-encryption HIGH",
		},
		KindSelf: {
			"message-undecodable MEDIUM", "queue-without-redrive MEDIUM", "intake-silent HIGH", "canary-lost HIGH",
			"sweep-incomplete MEDIUM", "exception-expired MEDIUM", "sweep-found-what-events-missed LOW",
			"accounts-unlisted MEDIUM",
			"rotation-missed HIGH", "circuit-breaker-open HIGH",
			"alert-undeliverable HIGH", "outbox-overflow HIGH", "state-recovered HIGH", "state-tampered CRITICAL",
			"state-record-unreadable HIGH", "rule-panicked HIGH", "dead-letter-queue-not-empty MEDIUM",
			"containment-failed HIGH",
			"contained-key-deadline CRITICAL", "suppression-expired LOW", "job-failed MEDIUM", "users-rule-failed MEDIUM",
		},
	}
	got := make(map[string][]string)
	for _, e := range Catalogue() {
		got[e.Kind] = append(got[e.Kind], e.ID+" "+e.Severity.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("catalogue (-want +got):\n%s", diff)
	}
}

func TestEveryEntryIsDocumented(t *testing.T) {
	technique := regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	seen := make(map[string]bool)
	for _, e := range Catalogue() {
		if seen[e.ID] {
			t.Errorf("%s is there twice", e.ID)
		}
		seen[e.ID] = true
		texts := []string{e.Title, e.Ends, e.Doc.Meaning, e.Doc.Condition, e.Doc.Response}
		if e.Kind != KindSelf {
			texts = append(texts, e.Doc.Tuning, e.Doc.FalsePositives)
		}
		if e.Kind == KindRule {
			texts = append(texts, e.Expected, strings.Join(e.Events, " "))
		}
		for i, text := range texts {
			if text == "" {
				t.Errorf("%s lacks text %d", e.ID, i)
			}
		}
		for _, m := range e.Mitre {
			if !technique.MatchString(m) {
				t.Errorf("%s: %s is no technique", e.ID, m)
			}
		}
	}
}

func TestABurstsConditionNamesWhatItIsComparedWith(t *testing.T) {
	says := map[string]string{ // with the rule's default
		"key-mass-destruction": "on %d distinct keys or more", "grant-burst": "%d CreateGrants or more",
		"denied-burst": "%d KMS calls by one principal", "reconnaissance": "%d different readings",
		"new-key-bulk-use": "%d cryptographic calls", "context-missing": "at least %d calls",
	}
	for _, r := range Tunable() {
		phrase, ok := says[r.ID]
		if !ok && len(r.Params) > 1 {
			continue
		}
		if want := fmt.Sprintf(phrase, r.Params[first].Default); !ok || !strings.Contains(r.Doc.Condition, want) {
			t.Errorf("%s does not say %q: %s", r.ID, want, r.Doc.Condition)
		}
	}
}

func TestRemediesAndReadingsFitTogether(t *testing.T) {
	remedies := make(map[string][]string)
	for _, r := range Rules() {
		if (r.Over == nil) != (r.Ends == "") {
			t.Errorf("%s: the reading that ends it and its words do not fit", r.ID)
		}
		if r.Over == nil && len(r.Inverse) > 0 {
			t.Errorf("%s has inverse events but no reading", r.ID)
		}
		for _, w := range r.Wants {
			for _, name := range r.Inverse {
				if slices.Contains(w.Names, name) {
					t.Errorf("%s: %s would undo what it is the sign of", r.ID, name)
				}
			}
		}
		if slices.Contains(r.Remedies, policy.RespondRotate) && r.Over == nil {
			t.Errorf("%s: an event alone would give a key new material", r.ID)
		}
		if len(r.Remedies) > 0 {
			remedies[r.ID] = r.Remedies
		}
	}
	want := map[string][]string{
		"rotation-turned-off": {"restore", "rotate"}, "rotation-period-extended": {"restore", "rotate"},
		"key-deletion-scheduled": {"restore"}, "key-deletion-window-short": {"restore"},
	}
	if diff := cmp.Diff(want, remedies); diff != "" {
		t.Errorf("remedies (-want +got):\n%s", diff)
	}
}

func TestDescribe(t *testing.T) {
	e, ok := Describe("trail-blinded")
	if !ok || e.Events[0] != "cloudtrail.amazonaws.com: PutEventSelectors" {
		t.Errorf("%v %+v", ok, e)
	}
	if _, ok := Describe("nonsense"); ok {
		t.Error("described what there is not")
	}
}

func TestDocsAreTheCatalogue(t *testing.T) {
	checkFile(t, filepath.Join("..", "..", "docs", "detections.md"), Markdown())
}
