package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sigmaHead = "\nlogsource: {product: aws, service: cloudtrail}\nauthor: Jane Doe\ndetection: "

func TestSigmaRulesAreImported(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"rules/store.yml": "title: Key Store Connected" + sigmaHead +
			"{a: {eventSource: kms.amazonaws.com, eventName: ConnectCustomKeyStore}, condition: a}\n",
		"rules/deep/user.yaml": "title: User Made" + sigmaHead +
			"{a: {eventSource: iam.amazonaws.com, eventName: CreateUser}, condition: a}\n---\ntitle: Root" + sigmaHead +
			"{a: {userIdentity.type: Root}, condition: a}\n",
		"rules/README.md": "no rule",
		"dear.yml": "title: Dear" + sigmaHead + "{a: {eventSource: kms.amazonaws.com, requestParameters.x|re: ['" +
			strings.Repeat("(a|b)+", 60) + "', b]}, condition: a}\n",
		"counted.yml": "title: Base\nname: base" + sigmaHead + "{a: {eventSource: kms.amazonaws.com}, condition: a}\n---\n" +
			"title: Many\ncorrelation: {type: event_count, rules: base, timespan: 5m, condition: {gte: 5}}\n",
		"uncounted.yml": "title: Dear\nname: base" + sigmaHead + "{a: {eventSource: kms.amazonaws.com, " +
			"requestParameters.x|re: ['" + strings.Repeat("(a|b)+", 60) + "', b]}, condition: a}\n---\n" +
			"title: Many\ncorrelation: {type: event_count, rules: base, timespan: 5m, condition: {gte: 5}}\n",
		"windows.yml": "title: W\nlogsource: {product: windows}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		args   []string
		status int
	}{
		{"a-folder", []string{"rules"}, 3},
		{"a-source-given", []string{"rules", "--source", "kms.amazonaws.com"}, 0},
		{"too-expensive", []string{"dear.yml"}, 1},
		{"counted", []string{"counted.yml"}, 0},
		{"counted-by-none", []string{"uncounted.yml"}, 1},
		{"none", []string{"windows.yml"}, 1},
		{"no-file", []string{"absent.yml"}, 1},
		{"no-argument", nil, 2},
		{"a-form-of-lists", []string{"rules", "-o", "json"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"detections", "import", "sigma"}
			for _, arg := range tt.args {
				if strings.HasSuffix(arg, "rules") || strings.HasSuffix(arg, ".yml") {
					arg = filepath.Join(dir, arg)
				}
				args = append(args, arg)
			}
			s := newSession(nil)
			if got := s.run(t, args...); int(got) != tt.status {
				t.Errorf("ended with %d, want %d", got, tt.status)
			}
			golden(t, "import-"+tt.name,
				strings.ReplaceAll(s.out.String()+"--- told beside it\n"+s.err.String(), dir, "DIR"))
		})
	}
}

func TestImportedRulesAreTested(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "sigma.yml"), filepath.Join(dir, "rules.yaml")
	rule := "title: Key Store Connected" + sigmaHead +
		"{a: {eventSource: kms.amazonaws.com, eventName: [ConnectCustomKeyStore, CreateCustomKeyStore]}, " +
		"f: {userIdentity.type: AWSService}, condition: a and not f}\n"
	if err := os.WriteFile(from, []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSession(nil)
	if got := s.run(t, "detections", "import", "sigma", from, "-f", to); got != 0 || s.out.Len() > 0 {
		t.Fatalf("ended with %d: %s%s", got, s.out.String(), s.err.String())
	}
	rules, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	rules = append(rules, `    tests:
      - name: a person connects and creates stores
        events: [{eventName: ConnectCustomKeyStore}, {eventName: CreateCustomKeyStore}]
        matches: 2
      - name: a service does, or another call is made
        events:
          - {eventName: ConnectCustomKeyStore, userIdentity: {type: AWSService}}
          - {eventName: DisconnectCustomKeyStore}
          - {eventName: ConnectCustomKeyStore, eventSource: cloudhsm.amazonaws.com}
        matches: 0
`...)
	if err := os.WriteFile(to, rules, 0o600); err != nil {
		t.Fatal(err)
	}
	s = newSession(nil)
	if got := s.run(t, "detections", "test", to); got != 0 || !strings.Contains(s.out.String(), "2 tests, 0 failed.") {
		t.Errorf("ended with %d: %s%s", got, s.out.String(), s.err.String())
	}
}
