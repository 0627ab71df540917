package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const iamConfig = `
mode: enforce
intake: {queues: [{url: "https://sqs.eu-west-1.amazonaws.com/111122223333/rotd"}]}
accounts:
  - {id: "111122223333", regions: [eu-west-1], emergency_role_arn: "arn:aws:iam::111122223333:role/rotd-emergency"}
  - {id: "444455556666", regions: [eu-west-1], role_arn: "arn:aws:iam::444455556666:role/rotd"}
alerts: {topics: [{arn: "arn:aws:sns:eu-west-1:111122223333:oncall"}]}
policies:
  - name: all
    match: {}
    rotation: {max_age: 365d, automatic: 365d, method: auto}
    mode: enforce
`

func TestPoliciesForEachRole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rotd.yaml")
	if err := os.WriteFile(path, []byte(iamConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	imports := filepath.Join(t.TempDir(), "imports.yaml")
	source := "imported_material: {command: [/usr/local/bin/hsm-material]}\n"
	if err := os.WriteFile(imports, []byte(iamConfig+source), 0o600); err != nil {
		t.Fatal(err)
	}
	copies := filepath.Join(t.TempDir(), "copies.yaml")
	snapshots := "state: {snapshots: {to: s3://backups/rotd/, kms_key: alias/backups, keep: 24}}\n" +
		"audit: {export: s3://audit/rotd}\n"
	if err := os.WriteFile(copies, []byte(iamConfig+snapshots), 0o600); err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(t.TempDir(), "named.yaml")
	snapshots = strings.Replace(snapshots, "alias/backups", "'arn:aws:kms:eu-west-1:111122223333:key/"+
		"6f2a0c6b-0d4b-4a43-9d3a-1f0a3b1f6a2e'", 1)
	if err := os.WriteFile(named, []byte(iamConfig+snapshots), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{
		"iam-snapshots": {"-c", copies},
		"iam-named-key": {"-c", named},
		"iam-daemon":    {"-c", path},
		"iam-member":    {"-c", path, "--member", "--verbs", "reencrypt"},
		"iam-emergency": {"-c", path, "--emergency"},
		"iam-imports":   {"-c", imports, "--member"},
		"iam-objects": {
			"-c", path, "--objects", "s3://backups/db/", "--objects", "s3://backups/logs", "--objects", "s3://exports",
		},
		"iam-logs": {
			"-c", path, "--logs", "s3://trail/AWSLogs/", "--logs-key", "arn:aws:kms:eu-west-1:111122223333:key/k1",
		},
		"iam-emergency-imports": {"-c", imports, "--emergency"},
		"iam-emergency-objects": {"-c", path, "--emergency", "--objects", "s3://backups/db/"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(nil)
			if status := s.run(t, append([]string{"iam", "print-policy"}, flags...)...); status != 0 || s.err.Len() > 0 {
				t.Fatalf("ended with %d: %s", status, s.err.String())
			}
			golden(t, name, s.out.String())
		})
	}
	for says, flags := range map[string][]string{
		"or, with --emergency, of that": {"--member", "--objects", "s3://backups"},
		"only that one reads log files": {"--emergency", "--logs", "s3://trail/"},
		"--logs: ":                      {"--logs", "trail"},
		"not of the form s3://bucket/":  {"--objects", "backups"},
	} {
		s := newSession(nil)
		if status := s.run(t, append([]string{"iam", "print-policy", "-c", path}, flags...)...); status != 2 ||
			!strings.Contains(s.err.String(), says) {
			t.Errorf("%q ended with %d: %s", flags, status, s.err.String())
		}
	}
}

func TestARNOfAQueue(t *testing.T) {
	for url, want := range map[string]string{
		"https://sqs.us-east-1.amazonaws.com/111122223333/rotd":     "arn:aws:sqs:us-east-1:111122223333:rotd",
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/rotd": "arn:aws-cn:sqs:cn-north-1:111122223333:rotd",
		"https://sqs.us-gov-west-1.amazonaws.com/111122223333/rotd": "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:rotd",
		"https://sqs.eusc-de-east-1.amazonaws.eu/111122223333/rotd": "arn:aws-eusc:sqs:eusc-de-east-1:111122223333:rotd",
		"https://sqs-fips.us-west-1.amazonaws.com/111122223333/q":   "arn:aws:sqs:us-west-1:111122223333:q",
		"http://127.0.0.1:4100/111122223333/rotd":                   "",
		"https://sqs.us-east-1.amazonaws.com/rotd":                  "",
	} {
		if diff := cmp.Diff(want, queueARN(url)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}
