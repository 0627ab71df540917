package report

import "testing"

func TestReportsAsPeopleAndProgramsReadThem(t *testing.T) {
	for name, q := range map[string]Query{
		"report.html":             {Format: "html"},
		"pci.html":                {Format: "html", Framework: "pci-dss-4.0.1", Policy: "payments"},
		"report.json":             {Format: "json", Framework: "pci-dss-4.0.1"},
		"report.csv":              {Format: "csv", Framework: "security-hub"},
		"report.txt":              {Format: "text"},
		"pci.txt":                 {Format: "text", Framework: "pci-dss-4.0.1"},
		"cis.txt":                 {Format: "text", Framework: "cis-aws"},
		"nist.txt":                {Format: "text", Framework: "nist-800-57"},
		"security-hub.txt":        {Format: "text", Framework: "security-hub"},
		"report.ocsf.jsonl":       {Format: "ocsf"},
		"security-hub.ocsf.jsonl": {Format: "ocsf", Framework: "security-hub"},
		"report.asff.json":        {Format: "asff"},
		"security-hub.asff.json":  {Format: "asff", Framework: "security-hub"},
		"account.txt":             {Format: "text", Account: dataAccount},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, written(t, q)) })
	}
}
