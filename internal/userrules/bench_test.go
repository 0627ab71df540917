package userrules

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"rotd/internal/detection"
)

// usual are conditions as people write them.
func usual() []string {
	return []string{
		`event.userIdentity.type == "IAMUser" && key.tags["data"] == "personal"`,
		`has(event.errorCode) && !event.userAgent.startsWith("aws-sdk")`,
		`event.requestParameters.encryptionContext["aws:s3:arn"].startsWith("arn:aws:s3:::other")`,
		`!cidr(event.sourceIPAddress, "203.0.113.0/24") && !trusted(event.userIdentity.accountId)`,
		`event.userAgent.matches("^(curl|python-requests)/")`,
		`event.resources.exists(r, r.accountId != event.recipientAccountId)`,
		`policy.mode == "enforce" && !policy.allowed`,
		`key.state == "Disabled" || event.eventTime - key.created < duration("1h")`,
	}
}

// BenchmarkFortyUsersRules is what forty rules add to an event that all of them want and none matches. cpu-µs/event is
// what counts on a machine that others use too.
func BenchmarkFortyUsersRules(b *testing.B) {
	l := language(b)
	var rules []detection.Rule
	for i := range 40 {
		rule := compiled(b, l, Draft{ID: fmt.Sprintf("rule-%d", i), Active: true, When: usual()[i%len(usual())]})
		rule.Wants = []detection.Wanted{{Source: "kms.amazonaws.com", Names: []string{"Decrypt"}}}
		rules = append(rules, rule)
	}
	ev := decode(b, record())
	for name, users := range map[string][]detection.Rule{"none": nil, "forty": rules} {
		b.Run(name, func(b *testing.B) {
			judge := detection.NewJudge(detection.Settings{Users: users, Disabled: detection.RuleIDs()})
			c := around()
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				found, panics := judge.Event(c, ev)
				if len(found)+len(panics) > 0 {
					b.Fatal(found, panics)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/event")
		})
	}
}

// cpu is the processor time of this process so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
