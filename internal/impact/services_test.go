package impact

import (
	"slices"
	"strings"
	"testing"

	"rotd/internal/inventory"
)

func TestEveryServiceIsWhole(t *testing.T) {
	ids, names, s3 := map[string]bool{}, map[string]bool{}, -1
	for row := range services {
		s := services[row]
		if s.id == "s3" {
			s3 = row
		}
		t.Run(s.id, func(t *testing.T) {
			if ids[s.id] || s.name == "" || s.what.one == "" || s.what.many == "" || len(s.principals) == 0 {
				t.Errorf("twice, or without a name, a word or principals: %+v", s)
			}
			ids[s.id] = true
			if s.breaks != "" && (!strings.HasPrefix(s.source, "https://docs.aws.amazon.com/") || s.recovers == "") {
				t.Errorf("what breaks is said without a source (%q), or without how it recovers", s.source)
			}
			if s.after > 0 && s.noReturn == "" {
				t.Errorf("a point of no return without a word of what is lost")
			}
			if len(s.contexts) > 0 && s.move == nil {
				t.Errorf("its resources are known, but not how to move them")
			}
			for _, c := range s.contexts {
				if names[c.name] {
					t.Errorf("the context %q is in two rows", c.name)
				}
				names[c.name] = true
				if row < s3 && !s.named {
					t.Errorf("before S3, whose callers could make it up")
				}
			}
		})
	}
}

// values are one resource for every name in encryption contexts.
func values() map[string]string {
	const arn = ":us-east-1:111122223333:"
	return map[string]string{
		"aws:cloudtrail:arn":                  "arn:aws:cloudtrail" + arn + "trail/all",
		"aws:s3:arn":                          "arn:aws:s3:::pay-exports",
		"aws:rds:db-id":                       "db-CQYSMDPBRZ7BPMH7Y3RTDG5QY",
		"aws:rds:dbc-id":                      "cluster-CQYSMDPBRZ7BPMH7Y3RTDG5QY",
		"aws:ebs:id":                          "vol-0123456789abcdef0",
		"aws:dynamodb:tableName":              "cards",
		"aws:redshift:arn":                    "arn:aws:redshift" + arn + "cluster:dwh",
		"aws:elasticfilesystem:filesystem:id": "fs-0123",
		"SecretARN":                           "arn:aws:secretsmanager" + arn + "secret:pay/db-AbCdEf",
		"PARAMETER_ARN":                       "arn:aws:ssm" + arn + "parameter/pay/api-key",
		"aws:lambda:FunctionArn":              "arn:aws:lambda" + arn + "function:f",
		"aws:logs:arn":                        "arn:aws:logs" + arn + "log-group:/aws/lambda/f:*",
		"aws:sqs:arn":                         "arn:aws:sqs" + arn + "jobs",
		"aws:sns:topicArn":                    "arn:aws:sns" + arn + "alarms",
		"aws:kinesis:arn":                     "arn:aws:kinesis" + arn + "stream/clicks",
		"aws:backup:backup-vault":             "arn:aws:backup" + arn + "backup-vault:weekly",
		"aws:ecr:arn":                         "arn:aws:ecr" + arn + "repository/app",
	}
}

func TestEveryResourceHasItsCommands(t *testing.T) {
	k := &inventory.Key{ARN: keyARN, Region: "us-east-1", Partition: "aws"}
	const to = "arn:aws:kms:us-east-1:111122223333:key/new"
	for name, o := range owners {
		value := values()[name]
		if value == "" {
			t.Errorf("no value for %s", name)
			continue
		}
		m := services[o.row].move(resource{name: name, value: value, key: k, to: to})
		if m.how == "" || len(m.caveats) == 0 || len(m.commands) == 0 {
			t.Errorf("%s: %+v", name, m)
		}
		all := strings.Join(m.commands, "\n")
		if !strings.Contains(all, to) {
			t.Errorf("%s: no command names the other key:\n%s", name, all)
		}
		for _, command := range m.commands {
			if strings.Contains(command, "aws ") && !strings.Contains(command, "--region us-east-1") {
				t.Errorf("%s: a command without its Region: %s", name, command)
			}
		}
		if strings.Contains(all, "arn:aws:s3:::") || strings.Contains(all, ":*") || strings.Contains(all, " ''") {
			t.Errorf("%s: %s", name, all)
		}
	}
}

func TestValuesAreWhatTheCLICallsThem(t *testing.T) {
	k := &inventory.Key{Region: "us-east-1", Partition: "aws"}
	for name, want := range map[string]string{
		"aws:s3:arn":              "--bucket pay-exports ",
		"aws:redshift:arn":        "--cluster-identifier dwh ",
		"PARAMETER_ARN":           "--name /pay/api-key ",
		"aws:logs:arn":            "--log-group-name /aws/lambda/f ",
		"aws:sqs:arn":             "--queue-name jobs ",
		"aws:kinesis:arn":         "--stream-name clicks ",
		"aws:backup:backup-vault": "--backup-vault-name weekly ",
		"aws:ecr:arn":             "--repository-name app ",
		"aws:rds:dbc-id":          `[?DbClusterResourceId=='\''cluster-CQYSMDPBRZ7BPMH7Y3RTDG5QY'\''].DB`,
	} {
		m := services[owners[name].row].move(resource{name: name, value: values()[name], key: k, to: "new"})
		if !slices.ContainsFunc(m.commands, func(c string) bool { return strings.Contains(c, want) }) {
			t.Errorf("%s: none of the commands has %q:\n%s", name, want, strings.Join(m.commands, "\n"))
		}
	}
	short := services[owners["PARAMETER_ARN"].row].move(resource{
		name: "PARAMETER_ARN", value: "arn:aws:ssm:us-east-1:111122223333:parameter/token", key: k, to: "new",
	})
	if !strings.Contains(short.commands[0], "--name token ") {
		t.Errorf("a parameter outside of a hierarchy: %s", short.commands[0])
	}
}
