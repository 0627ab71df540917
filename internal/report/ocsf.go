package report

import (
	"bufio"
	"fmt"
	"time"

	"rotd/internal/finding"
)

// ocsfWriter writes a Compliance Finding (class 2003) of OCSF 1.3.0 a line.
type ocsfWriter struct {
	out *bufio.Writer
	r   *run
}

func newOCSF(out *bufio.Writer, r *run) *ocsfWriter { return &ocsfWriter{out: out, r: r} }

const (
	ocsfVersion  = "1.3.0"
	ocsfFindings = 2    // category
	ocsfClass    = 2003 // Compliance Finding
	awsAccount   = 10   // type of account
)

type ocsfEvent struct {
	ActivityID   int              `json:"activity_id"`
	ActivityName string           `json:"activity_name"`
	CategoryUID  int              `json:"category_uid"`
	CategoryName string           `json:"category_name"`
	ClassUID     int              `json:"class_uid"`
	ClassName    string           `json:"class_name"`
	TypeUID      int              `json:"type_uid"`
	TypeName     string           `json:"type_name"`
	Time         int64            `json:"time"`
	Message      string           `json:"message"`
	SeverityID   int              `json:"severity_id"`
	Severity     string           `json:"severity"`
	StatusID     int              `json:"status_id"`
	Status       string           `json:"status"`
	Comment      string           `json:"comment,omitempty"`
	Metadata     ocsfMetadata     `json:"metadata"`
	Cloud        ocsfCloud        `json:"cloud"`
	FindingInfo  ocsfInfo         `json:"finding_info"`
	Compliance   ocsfCompliance   `json:"compliance"`
	Resources    []ocsfResource   `json:"resources"`
	Remediation  *ocsfRemediation `json:"remediation,omitempty"`
}

type ocsfMetadata struct {
	Version  string      `json:"version"`
	Product  ocsfProduct `json:"product"`
	Profiles []string    `json:"profiles"`
	UID      string      `json:"uid"`
}

type ocsfProduct struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version"`
}

type ocsfCloud struct {
	Provider string      `json:"provider"`
	Region   string      `json:"region"`
	Account  ocsfAccount `json:"account"`
}

type ocsfAccount struct {
	UID    string `json:"uid"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type ocsfInfo struct {
	UID       string   `json:"uid"`
	Title     string   `json:"title"`
	Desc      string   `json:"desc"`
	Types     []string `json:"types"`
	FirstSeen int64    `json:"first_seen_time,omitempty"`
	LastSeen  int64    `json:"last_seen_time,omitzero"`
}

type ocsfCompliance struct {
	Standards    []string `json:"standards"`
	Control      string   `json:"control"`
	Requirements []string `json:"requirements,omitempty"`
	StatusID     int      `json:"status_id"`
	Status       string   `json:"status"`
	StatusCode   string   `json:"status_code"`
	StatusDetail string   `json:"status_detail"`
}

type ocsfResource struct {
	UID       string     `json:"uid"`
	Name      string     `json:"name,omitempty"`
	Type      string     `json:"type"`
	Region    string     `json:"region"`
	Partition string     `json:"cloud_partition"`
	Owner     *ocsfOwner `json:"owner,omitempty"`
}

type ocsfOwner struct {
	Name string `json:"name"`
}

type ocsfRemediation struct {
	Desc string `json:"desc"`
}

func (w *ocsfWriter) begin(*Head) error { return nil }

func (w *ocsfWriter) summary(*body) error { return nil }

func (w *ocsfWriter) row(r *Row) error {
	for _, it := range items(r, w.r.head.Shard, w.r.framework) {
		raw, err := marshal(w.event(r, &it))
		if err != nil {
			return fmt.Errorf("write a finding about %s: %w", r.ARN, err)
		}
		if _, err := w.out.Write(append(raw, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func (w *ocsfWriter) end(*ending) error { return nil }

func (w *ocsfWriter) event(r *Row, it *item) *ocsfEvent {
	h := &w.r.head
	activity, name := 1, "Create"
	if it.outcome == InOrder {
		activity, name = 3, "Close"
	}
	e := &ocsfEvent{
		ActivityID: activity, ActivityName: name, CategoryUID: ocsfFindings, CategoryName: "Findings", ClassUID: ocsfClass,
		ClassName: "Compliance Finding", TypeUID: ocsfClass*100 + activity, TypeName: "Compliance Finding: " + name,
		Time: h.Generated.UnixMilli(), Message: clip(r.Name()+": "+it.reason, asffDescription),
		Metadata: ocsfMetadata{
			Version: ocsfVersion, Product: ocsfProduct{"rotd", "rotd", h.Version}, Profiles: []string{"cloud"},
			UID: fmt.Sprintf("%s@%s", clip(it.id, asffID), h.Generated.Format(time.RFC3339)),
		},
		Cloud: ocsfCloud{Provider: "AWS", Region: r.Region, Account: ocsfAccount{r.Account, awsAccount, "AWS Account"}},
		FindingInfo: ocsfInfo{
			UID: clip(it.id, asffID), Title: clip(it.title, asffTitle), Desc: clip(it.text, asffDescription),
			Types: []string{it.check},
		},
		Compliance: ocsfStanding(it),
		Resources: []ocsfResource{{
			UID: r.ARN, Name: oneLine(r.Alias), Type: "AWS::KMS::Key", Region: r.Region, Partition: partition(r),
		}},
	}
	e.SeverityID, e.Severity = ocsfSeverity(it)
	e.StatusID, e.Status = ocsfStatus(it.outcome)
	if !r.ReadAt.IsZero() {
		e.FindingInfo.LastSeen = r.ReadAt.UnixMilli()
	}
	if !it.since.IsZero() {
		e.FindingInfo.FirstSeen = it.since.UnixMilli()
	}
	if r.Owner != "" {
		e.Resources[0].Owner = &ocsfOwner{oneLine(r.Owner)}
	}
	if x := it.exception; x != nil {
		e.Comment = clip(fmt.Sprintf("Excepted by %s until %s: %s", x.Author, rfc(&x.Expires), x.Reason), asffDescription)
	}
	if it.outcome != InOrder {
		e.Remediation = &ocsfRemediation{clip(it.remedyText(), asffDescription)}
	}
	return e
}

func ocsfStanding(it *item) ocsfCompliance {
	c := ocsfCompliance{
		Standards: []string{"rotation policies of rotd.yaml"}, Control: it.check, StatusID: 3, Status: "Fail",
		StatusCode: string(it.outcome), StatusDetail: clip(it.reason, asffDescription),
	}
	if it.standard != "" {
		c.Standards = []string{it.standard}
		c.Requirements = []string{it.check}
	}
	switch it.outcome {
	case InOrder:
		c.StatusID, c.Status = 1, "Pass"
	case Unverifiable, Excepted:
		c.StatusID, c.Status = 2, "Warning"
	case Drift, NoPolicy, NotJudged:
	}
	return c
}

// ocsfStatus is where the finding stands for people: an exception is their word on it.
func ocsfStatus(o Outcome) (int, string) {
	switch o {
	case InOrder:
		return 4, "Resolved"
	case Excepted:
		return 3, "Suppressed"
	case Drift, NoPolicy, Unverifiable, NotJudged:
	}
	return 1, "New"
}

func ocsfSeverity(it *item) (int, string) {
	if it.outcome == InOrder || it.outcome == Excepted {
		return 1, "Informational"
	}
	switch it.severity {
	case finding.Critical:
		return 5, "Critical"
	case finding.High:
		return 4, "High"
	case finding.Medium:
		return 3, "Medium"
	case finding.Low:
		return 2, "Low"
	case finding.Informational:
	}
	return 1, "Informational"
}
