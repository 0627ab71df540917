package report

import (
	"bufio"
	"fmt"
	"time"

	"rotd/internal/finding"
)

// asffWriter writes one JSON array of findings in the AWS Security Finding Format, version 2018-10-08, as
// BatchImportFindings takes them, a hundred a call. (Security Hub takes those of an account from that account only.)
type asffWriter struct {
	out     *bufio.Writer
	r       *run
	written int
}

func newASFF(out *bufio.Writer, r *run) *asffWriter { return &asffWriter{out: out, r: r} }

// The format's bounds.
const (
	asffID          = 512
	asffTitle       = 256
	asffDescription = 1024
	asffText        = 512
)

type asffFinding struct {
	SchemaVersion string
	ID            string `json:"Id"`
	ProductARN    string `json:"ProductArn"`
	ProductName   string
	CompanyName   string
	GeneratorID   string `json:"GeneratorId"`
	AwsAccountID  string `json:"AwsAccountId"`
	Region        string
	Types         []string
	FirstObserved string `json:"FirstObservedAt,omitempty"`
	CreatedAt     string
	UpdatedAt     string
	Severity      asffSeverity
	Title         string
	Description   string
	Remediation   *asffRemediation  `json:",omitempty"`
	ProductFields map[string]string `json:",omitempty"`
	Resources     []asffResource
	Compliance    asffCompliance
	RecordState   string
}

type asffSeverity struct{ Label string }

type asffRemediation struct {
	Recommendation struct{ Text string }
}

type asffResource struct {
	Type      string
	ID        string `json:"Id"`
	Partition string
	Region    string
	Details   struct{ AwsKmsKey asffKey }
}

type asffKey struct {
	AWSAccountID      string `json:"AWSAccountId"`
	KeyID             string `json:"KeyId"`
	KeyManager        string `json:",omitempty"`
	KeyState          string `json:",omitempty"`
	Origin            string `json:",omitempty"`
	KeyRotationStatus *bool  `json:",omitempty"`
}

type asffCompliance struct {
	Status              string
	RelatedRequirements []string     `json:",omitempty"`
	StatusReasons       []asffReason `json:",omitempty"`
}

type asffReason struct{ ReasonCode, Description string }

func (w *asffWriter) begin(*Head) error {
	_, err := w.out.WriteString("[")
	return err
}

func (w *asffWriter) summary(*body) error { return nil }

func (w *asffWriter) row(r *Row) error {
	for _, it := range items(r, w.r.head.Shard, w.r.framework) {
		raw, err := marshal(w.finding(r, &it))
		if err != nil {
			return fmt.Errorf("write a finding about %s: %w", r.ARN, err)
		}
		comma := ","
		if w.written++; w.written == 1 {
			comma = ""
		}
		if _, err := fmt.Fprintf(w.out, "%s\n%s", comma, raw); err != nil {
			return err
		}
	}
	return nil
}

func (w *asffWriter) end(*ending) error {
	_, err := w.out.WriteString("\n]\n")
	return err
}

func (w *asffWriter) finding(r *Row, it *item) *asffFinding {
	now := w.r.head.Generated
	created := it.since
	if created.IsZero() || created.After(now) {
		created = now
	}
	f := &asffFinding{
		SchemaVersion: "2018-10-08", ID: clip(it.id, asffID), ProductName: "rotd", CompanyName: "rotd",
		ProductARN: fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%[3]s/default", partition(r), r.Region, r.Account),
		// A control's id may hold spaces and brackets, which Security Hub takes.
		GeneratorID: clip("rotd/"+it.check, asffID), AwsAccountID: r.Account, Region: r.Region,
		Types:     []string{"Software and Configuration Checks/AWS Security Best Practices"},
		CreatedAt: created.UTC().Format(time.RFC3339), UpdatedAt: now.Format(time.RFC3339),
		Severity: asffSeverity{severityLabel(it)},
		Title:    clip(it.title, asffTitle), Description: clip(it.text, asffDescription),
		Resources: []asffResource{asffKeyOf(r)}, Compliance: asffStanding(it), RecordState: "ACTIVE",
	}
	if it.standard != "" {
		f.Types[0] = "Software and Configuration Checks/Industry and Regulatory Standards"
	}
	if it.outcome != InOrder {
		f.Remediation = &asffRemediation{}
		f.Remediation.Recommendation.Text = clip(it.remedyText(), asffText)
		f.FirstObserved = f.CreatedAt
	}
	f.ProductFields = fields(r, it)
	return f
}

// fields are what the format has no place for.
func fields(r *Row, it *item) map[string]string {
	all := map[string]string{}
	add := func(name, value string) {
		if value != "" {
			all["rotd/"+name] = clip(value, asffDescription)
		}
	}
	add("Outcome", string(it.outcome))
	add("Policy", r.Policy)
	add("Owner", r.Owner)
	add("LastRotated", rfc(r.LastRotated))
	add("RotationEventId", r.Evidence.EventID)
	add("ReadAt", rfc(&r.ReadAt))
	if e := it.exception; e != nil {
		add("Exception", e.Name+" until "+rfc(&e.Expires)+": "+e.Reason)
	}
	return all
}

func asffKeyOf(r *Row) asffResource {
	res := asffResource{Type: "AwsKmsKey", ID: r.ARN, Partition: partition(r), Region: r.Region}
	res.Details.AwsKmsKey = asffKey{
		AWSAccountID: r.Account, KeyID: r.ID, KeyManager: r.Manager, KeyState: r.State, Origin: r.Origin,
		KeyRotationStatus: r.Automatic,
	}
	return res
}

func asffStanding(it *item) asffCompliance {
	c := asffCompliance{Status: "FAILED"}
	switch it.outcome {
	case InOrder:
		c.Status = "PASSED"
	case Unverifiable, Excepted:
		c.Status = "WARNING"
	case NotJudged:
		c.Status = "NOT_AVAILABLE"
	case Drift, NoPolicy:
	}
	if it.standard != "" {
		c.RelatedRequirements = []string{it.standard + "/" + it.check}
	}
	if it.outcome != InOrder {
		c.StatusReasons = []asffReason{{ReasonCode: reasonCode(it.outcome), Description: clip(it.reason, asffDescription)}}
	}
	return c
}

func reasonCode(o Outcome) string {
	switch o {
	case Unverifiable:
		return "ROTD_NOT_VERIFIABLE"
	case Excepted:
		return "ROTD_EXCEPTED"
	case NoPolicy:
		return "ROTD_NO_POLICY"
	case Drift, InOrder, NotJudged:
	}
	return "ROTD_NOT_IN_ORDER"
}

func severityLabel(it *item) string {
	if it.outcome == InOrder || it.outcome == Excepted {
		return finding.Informational.String()
	}
	return it.severity.String()
}

func partition(r *Row) string {
	if r.Partition == "" {
		return "aws"
	}
	return r.Partition
}
