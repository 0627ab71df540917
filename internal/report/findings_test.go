package report

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rotd/internal/inventory"
)

// What follows is written from the published formats, not from the writers: unknown members and missing ones fail.

type strictASFF struct {
	SchemaVersion, Id, ProductArn, ProductName, CompanyName, GeneratorId, AwsAccountId, Region string
	Types                                                                                      []string
	FirstObservedAt, CreatedAt, UpdatedAt                                                      string
	Severity                                                                                   struct{ Label string }
	Title, Description                                                                         string
	Remediation                                                                                *struct {
		Recommendation struct{ Text, Url string }
	}
	ProductFields map[string]string
	Resources     []struct {
		Type, Id, Partition, Region string
		Details                     struct {
			AwsKmsKey struct {
				AWSAccountId, KeyId, KeyManager, KeyState, Origin, Description string
				KeyRotationStatus                                              *bool
			}
		}
	}
	Compliance struct {
		Status              string
		RelatedRequirements []string
		StatusReasons       []struct{ ReasonCode, Description string }
	}
	RecordState string
}

func strictly(t *testing.T, raw string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}

func TestASFFIsAsSecurityHubTakesIt(t *testing.T) {
	for _, framework := range append(FrameworkIDs(), "") {
		t.Run("framework "+framework, func(t *testing.T) {
			var all []strictASFF
			strictly(t, written(t, Query{Format: "asff", Framework: framework}), &all)
			if len(all) == 0 {
				t.Fatal("no findings")
			}
			ids := map[string]bool{}
			for i := range all {
				checkASFF(t, &all[i])
				if ids[all[i].Id] {
					t.Errorf("id %s is there twice", all[i].Id)
				}
				ids[all[i].Id] = true
			}
		})
	}
}

func checkASFF(t *testing.T, f *strictASFF) {
	t.Helper()
	product := regexp.MustCompile(`^arn:aws:securityhub:([a-z0-9-]+):(\d{12}):product/(\d{12})/default$`)
	arn := product.FindStringSubmatch(f.ProductArn)
	switch {
	case f.SchemaVersion != "2018-10-08":
		t.Errorf("schema %q", f.SchemaVersion)
	case arn == nil || arn[1] != f.Region || arn[2] != f.AwsAccountId || arn[3] != f.AwsAccountId:
		t.Errorf("product %q of %s in %s", f.ProductArn, f.AwsAccountId, f.Region)
	case !slices.Contains([]string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}, f.Severity.Label):
		t.Errorf("severity %q", f.Severity.Label)
	case !slices.Contains([]string{"PASSED", "WARNING", "FAILED"}, f.Compliance.Status):
		t.Errorf("compliance %q", f.Compliance.Status)
	case f.Compliance.Status != "PASSED" && (len(f.Compliance.StatusReasons) == 0 || f.Remediation == nil):
		t.Errorf("%s without a reason or a remedy", f.Id)
	case len(f.Resources) != 1 || f.Resources[0].Type != "AwsKmsKey" ||
		!strings.HasPrefix(f.Resources[0].Id, "arn:aws:kms:"):
		t.Errorf("resources %+v", f.Resources)
	case f.RecordState != "ACTIVE":
		t.Errorf("state %q", f.RecordState)
	case len(f.Types) == 0 || !strings.HasPrefix(f.Types[0], "Software and Configuration Checks/"):
		t.Errorf("types %q", f.Types)
	}
	for name, of := range map[string]struct {
		text string
		most int
	}{
		"Id": {f.Id, 512}, "GeneratorId": {f.GeneratorId, 512}, "Title": {f.Title, 256},
		"Description": {f.Description, 1024},
	} {
		if n := len(of.text); n == 0 || n > of.most || !utf8.ValidString(of.text) {
			t.Errorf("%s has %d bytes: %q", name, n, of.text)
		}
	}
	if f.Remediation != nil && len(f.Remediation.Recommendation.Text) > 512 {
		t.Errorf("a remedy of %d bytes", len(f.Remediation.Recommendation.Text))
	}
	created, err := time.Parse(time.RFC3339, f.CreatedAt)
	updated, err2 := time.Parse(time.RFC3339, f.UpdatedAt)
	if err != nil || err2 != nil || created.After(updated) {
		t.Errorf("created %s, updated %s", f.CreatedAt, f.UpdatedAt)
	}
	if len(f.ProductFields) > 50 || len(f.Compliance.RelatedRequirements) > 32 {
		t.Error("too many fields or requirements")
	}
}

func TestFindingsAreInTheirKeysPartition(t *testing.T) {
	k := key(1, prodAccount, "us-gov-west-1", "alias/pay-cards")
	k.ARN, k.Partition = strings.Replace(k.ARN, "arn:aws:", "arn:aws-us-gov:", 1), "aws-us-gov"
	for format, want := range map[string]string{
		"asff": `"ProductArn":"arn:aws-us-gov:securityhub:us-gov-west-1:111122223333:product/111122223333/default"`,
		"ocsf": `"cloud_partition":"aws-us-gov"`,
	} {
		var b strings.Builder
		if err := Write(&b, Query{Format: format}, source([]*inventory.Key{k})); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: %s is not in %s", format, want, b.String())
		}
	}
}

// strictOCSF has what OCSF 1.3.0 requires of a Compliance Finding with the cloud profile, and what it allows as far as
// it is used.
type strictOCSF struct {
	ActivityID   *int   `json:"activity_id"`
	ActivityName string `json:"activity_name"`
	CategoryUID  int    `json:"category_uid"`
	CategoryName string `json:"category_name"`
	ClassUID     int    `json:"class_uid"`
	ClassName    string `json:"class_name"`
	TypeUID      int    `json:"type_uid"`
	TypeName     string `json:"type_name"`
	Time         int64  `json:"time"`
	Message      string `json:"message"`
	SeverityID   *int   `json:"severity_id"`
	Severity     string `json:"severity"`
	StatusID     int    `json:"status_id"`
	Status       string `json:"status"`
	Comment      string `json:"comment"`
	Metadata     struct {
		Version string `json:"version"`
		Product struct {
			Name       string `json:"name"`
			VendorName string `json:"vendor_name"`
			Version    string `json:"version"`
		} `json:"product"`
		Profiles []string `json:"profiles"`
		UID      string   `json:"uid"`
	} `json:"metadata"`
	Cloud struct {
		Provider string `json:"provider"`
		Region   string `json:"region"`
		Account  struct {
			UID    string `json:"uid"`
			TypeID int    `json:"type_id"`
			Type   string `json:"type"`
		} `json:"account"`
	} `json:"cloud"`
	FindingInfo struct {
		UID       string   `json:"uid"`
		Title     string   `json:"title"`
		Desc      string   `json:"desc"`
		Types     []string `json:"types"`
		FirstSeen int64    `json:"first_seen_time"`
		LastSeen  int64    `json:"last_seen_time"`
	} `json:"finding_info"`
	Compliance struct {
		Standards    []string `json:"standards"`
		Control      string   `json:"control"`
		Requirements []string `json:"requirements"`
		StatusID     int      `json:"status_id"`
		Status       string   `json:"status"`
		StatusCode   string   `json:"status_code"`
		StatusDetail string   `json:"status_detail"`
	} `json:"compliance"`
	Resources []struct {
		UID       string                 `json:"uid"`
		Name      string                 `json:"name"`
		Type      string                 `json:"type"`
		Region    string                 `json:"region"`
		Partition string                 `json:"cloud_partition"`
		Owner     *struct{ Name string } `json:"owner"`
	} `json:"resources"`
	Remediation *struct{ Desc string } `json:"remediation"`
}

func TestOCSFIsAComplianceFinding(t *testing.T) {
	for _, framework := range append(FrameworkIDs(), "") {
		t.Run("framework "+framework, func(t *testing.T) {
			for line := range strings.Lines(written(t, Query{Format: "ocsf", Framework: framework})) {
				var e strictOCSF
				strictly(t, line, &e)
				checkOCSF(t, &e)
			}
		})
	}
}

func checkOCSF(t *testing.T, e *strictOCSF) {
	t.Helper()
	statuses := map[int]string{1: "Pass", 2: "Warning", 3: "Fail"}
	severities := []string{"", "Informational", "Low", "Medium", "High", "Critical"}
	switch {
	case e.CategoryUID != 2 || e.ClassUID != 2003 || e.ActivityID == nil || e.TypeUID != 200300+*e.ActivityID:
		t.Errorf("class %d, type %d", e.ClassUID, e.TypeUID)
	case e.SeverityID == nil || severities[*e.SeverityID] != e.Severity:
		t.Errorf("severity %q", e.Severity)
	case e.Time != noon.UnixMilli():
		t.Errorf("time %d", e.Time)
	case e.Metadata.Version != "1.3.0" || e.Metadata.Product.VendorName == "" || e.Metadata.UID == "":
		t.Errorf("metadata %+v", e.Metadata)
	case e.Cloud.Provider != "AWS" || !slices.Equal(e.Metadata.Profiles, []string{"cloud"}):
		t.Errorf("cloud %+v", e.Cloud)
	case e.FindingInfo.UID == "" || e.FindingInfo.Title == "" || e.FindingInfo.LastSeen == 0:
		t.Errorf("finding_info %+v", e.FindingInfo)
	case len(e.Compliance.Standards) == 0 || e.Compliance.Control == "":
		t.Errorf("compliance %+v", e.Compliance)
	case statuses[e.Compliance.StatusID] != e.Compliance.Status:
		t.Errorf("status %d %s", e.Compliance.StatusID, e.Compliance.Status)
	case len(e.Resources) != 1 || e.Resources[0].Type != "AWS::KMS::Key":
		t.Errorf("resources %+v", e.Resources)
	case e.Compliance.StatusID != 1 && e.Remediation == nil:
		t.Error("no remedy")
	}
}
