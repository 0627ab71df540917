package config

import (
	"fmt"
	"strings"
	"unicode"

	"rotd/internal/cost"
	"rotd/internal/pattern"
	"rotd/internal/report"
)

// reportName also names the scheduler's job, `report-monthly`, and files.
var reportName = pattern.New(`^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$`)

func prices(p *cost.Prices) shape {
	return object{fields: []field{
		{key: "currency", doc: "Shown with amounts.", value: text(&p.Currency, "a currency", checkCurrency)},
		{key: "key_month", doc: "A key, each month.", value: money(&p.KeyMonth)},
		{key: "rotation_month", doc: "Each rotation that is charged, each month.", value: money(&p.RotationMonth)},
		{
			key: "rotations_charged", doc: "How many rotations of a key are charged at all.",
			value: integer(&p.RotationsCharged, 0, 1000),
		},
	}}
}

// money is an amount of the prices' currency.
func money(to *cost.Money) shape {
	return scalar{
		want: "an amount such as 1.00", text: numberText,
		about: map[string]any{"type": "number", "minimum": 0, "maximum": int64(cost.MaxPrice) / 1_000_000},
		set: func(value string) (err error) {
			*to, err = cost.ParseMoney(value)
			return err
		},
	}
}

func reports(to *[]Report) shape {
	return list[Report]{
		fresh: func() Report { return Report{Keep: 12} },
		shape: oneReport,
		keep:  func(r Report) { *to = append(*to, r) },
		id:    func(r Report) string { return r.Name },
	}
}

func oneReport(r *Report) shape {
	return object{fields: []field{
		{
			key: "name", doc: "Names its job, report-<name>, and its files.", need: "name: monthly",
			value: text(&r.Name, "a name", checkReportName),
		},
		{
			key: "schedule", doc: "When it is written, in UTC unless CRON_TZ= says otherwise.", value: schedule(&r.Schedule),
			need: `schedule: "0 6 1 * *"`,
		},
		{
			key: "format", doc: "What is written.", need: "format: html",
			value: text(&r.Format, "a format", oneOf("a format", report.Formats())),
		},
		{
			key: "framework", doc: "The standard that it answers.",
			value: text(&r.Framework, "a framework", oneOf("a framework", report.FrameworkIDs())),
		},
		{key: "policy", doc: "Only its keys.", value: text(&r.Policy, "a policy's name", checkPolicyName)},
		{key: "account", doc: "Only its keys.", value: text(&r.Account, "an account id", checkAccount)},
		{
			key: "to", doc: "A folder, or s3://bucket/prefix.", need: "to: /var/lib/rotd/reports",
			value: text(&r.To, "a folder or s3:// address", checkDestination),
		},
		{key: "keep", doc: "So many files; older ones are deleted.", value: integer(&r.Keep, 1, 1000)},
	}}
}

// checkReports wants the policies that reports name to be there: an empty report would reassure whoever mistyped one.
func checkReports(o *seen, c *Config) {
	if o.bad["policies"] {
		return
	}
	for i := range c.Reports {
		r := &c.Reports[i]
		if r.Policy != "" && c.Policies.Named(r.Policy) == nil {
			o.fail("reports", "report %s is about policy %s, which is not there", r.Name, r.Policy)
		}
	}
}

func checkReportName(s string) error {
	return matching(reportName, "a report's name: write lower-case letters, digits and -, at most 42")(s)
}

func checkCurrency(s string) error {
	if s == "" || len(s) > 8 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return fmt.Errorf("%q is not a currency: write for example USD", shorten(s))
	}
	return nil
}

// checkDestination accepts folders, of disks and of S3.
func checkDestination(s string) error {
	if strings.HasPrefix(s, "s3://") {
		return checkS3(s)
	}
	if err := checkAbsolute(s); err != nil {
		return fmt.Errorf("%q is neither an absolute path to a folder nor s3://bucket/prefix", shorten(s))
	}
	return nil
}

var s3Folder = pattern.New(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]{0,400})?$`)

func checkS3(s string) error {
	if !s3Folder.MatchString(s) {
		return fmt.Errorf("%q is no folder in S3: write s3://bucket/prefix", shorten(s))
	}
	return nil
}
