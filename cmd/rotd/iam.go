package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/awss3"
	"rotd/internal/config"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/iam"
	"rotd/internal/policy"
)

func newIAMCommand(c *cli) *cobra.Command {
	return group("iam", "Print the IAM policies that rotd's roles need", newPrintPolicyCommand(c))
}

func newPrintPolicyCommand(c *cli) *cobra.Command {
	var emergency, member bool
	var verbs, objects, logs, logKeys []string
	cmd := &cobra.Command{
		Use:   "print-policy",
		Short: "Print the IAM policy that a role of rotd needs, and nothing more",
		Long: prose("Print the IAM policy that rotd's own role needs for the configuration, the one of a role that it "+
			"assumes in another account (--member), or the one of the role for emergencies (--emergency). Asks nothing "+
			"of AWS.",
			"What policies make rotd do by itself follows from the configuration. --verbs adds what people do through the "+
				"role: rotate, replace, contain, reencrypt, import. --objects says where in S3 the objects are that people "+
				"move to another key (rotd reencrypt --s3), --logs where a trail's log files are that messages in the queue name, "+
				"and --logs-key under which key of your own."),
		Example: "  rotd iam print-policy -c rotd.yaml\n  rotd iam print-policy -c rotd.yaml --emergency\n" +
			"  rotd iam print-policy -c rotd.yaml --objects s3://bucket/prefix",
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := textOnly(cmd); err != nil {
				return err
			}
			if emergency && member {
				return wrongUse(cmd, "--emergency and --member are two roles: print one at a time")
			}
			if len(objects) > 0 && member {
				return wrongUse(cmd, "--objects is of the daemon's own role or, with --emergency, of that for emergencies")
			}
			if len(logs)+len(logKeys) > 0 && (emergency || member) {
				return wrongUse(cmd, "--logs and --logs-key are of the daemon's own role: only that one reads log files")
			}
			cfg, err := config.Load(c.configPath(), knownIDs())
			if err != nil {
				return err
			}
			role := iam.Daemon
			switch {
			case emergency:
				role = iam.Emergency
			case member:
				role = iam.Member
			}
			needs := needsOf(cfg, role)
			for _, verb := range verbs {
				if !addVerb(needs, verb) {
					return wrongUse(cmd, "--verbs: %q is none of rotate, replace, contain, reencrypt, import", verb)
				}
			}
			needs.Imports = needs.Imports || cfg.ImportedMaterial.Configured() && (needs.Rotates || emergency)
			if needs.Objects, err = objectARNs(needs.Partition, objects); err != nil {
				return wrongUse(cmd, "--objects: %v", err)
			}
			if needs.Logs, err = objectARNs(needs.Partition, logs); err != nil {
				return wrongUse(cmd, "--logs: %v", err)
			}
			needs.LogKeys = logKeys
			text, err := iam.Policy(role, needs).JSON()
			if err != nil {
				return fmt.Errorf("write the policy: %w", err)
			}
			fmt.Fprintf(c.out, "%s\n", text)
			if role == iam.Daemon && !hasEmergencyRole(cfg) && len(verbs) == 0 {
				hint(c.err, "Without an emergency_role_arn emergencies use this role too: --verbs says what for.")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&emergency, "emergency", false, "of the role for emergencies (emergency_role_arn)")
	f.BoolVar(&member, "member", false, "of the role that rotd assumes in another account (role_arn)")
	f.StringSliceVar(&objects, "objects", nil, "where objects are that people move to another key: s3://bucket/prefix")
	f.StringSliceVar(&logs, "logs", nil, "where log files are that messages in the queue name: s3://bucket/prefix")
	f.StringSliceVar(&logKeys, "logs-key", nil, "the ARN of the key that log files are encrypted with")
	f.StringSliceVar(&verbs, "verbs", nil, "what people do through the role, besides what policies ask for")
	return cmd
}

// objectARNs are the ARNs of all objects at locations in S3.
func objectARNs(partition string, locations []string) (arns []string, err error) {
	for _, location := range locations {
		at, err := awss3.Parse(location)
		if err != nil {
			return nil, err
		}
		arns = append(arns, "arn:"+partition+":s3:::"+at.Bucket+"/"+at.Key+"*")
	}
	return arns, nil
}

func addVerb(n *iam.Needs, verb string) bool {
	switch verb {
	case "rotate":
		n.Rotates = true
	case "replace":
		n.Replaces = true
	case "contain":
		n.Contains = true
	case "reencrypt":
		n.Reencrypts = true
	case "import":
		n.Imports = true
	default:
		return false
	}
	return true
}

func hasEmergencyRole(cfg *config.Config) bool {
	return cfg.Organization.EmergencyRoleName != "" ||
		slices.ContainsFunc(cfg.Accounts, func(a config.Account) bool { return a.EmergencyRoleARN != "" })
}

// needsOf is what a configuration asks of a role.
func needsOf(cfg *config.Config, role iam.Role) *iam.Needs {
	n := &iam.Needs{Partition: "aws", Lists: cfg.Organization.RoleName != ""}
	for i := range cfg.Intake.Queues {
		if arn := queueARN(cfg.Intake.Queues[i].URL); arn != "" {
			n.Queues = append(n.Queues, arn)
			n.Partition = strings.SplitN(arn, ":", 3)[1]
		}
	}
	for _, t := range cfg.Alerts.Topics {
		n.Topics = append(n.Topics, t.ARN)
	}
	for _, a := range cfg.Accounts {
		if (a.RoleARN == "") == (role == iam.Daemon) || role == iam.Emergency {
			n.Accounts = append(n.Accounts, a.ID)
		}
		for _, assumed := range []string{a.RoleARN, a.EmergencyRoleARN} {
			if assumed != "" {
				n.Assumes = append(n.Assumes, assumed)
			}
		}
	}
	for _, name := range []string{cfg.Organization.RoleName, cfg.Organization.EmergencyRoleName} {
		if name != "" {
			n.Assumes = append(n.Assumes, "arn:"+n.Partition+":iam::*:role/"+name)
		}
	}
	within := func(to string) (objects []string) {
		if folder, ok := strings.CutPrefix(to, "s3://"); ok {
			objects = append(objects, "arn:"+n.Partition+":s3:::"+strings.TrimSuffix(folder, "/")+"/*")
		}
		return objects
	}
	n.Audit = within(cfg.Audit.Export)
	n.Snapshots = within(cfg.State.Snapshots.To)
	n.SnapshotKey, n.PrunesSnapshots = cfg.State.Snapshots.KMSKey, cfg.State.Snapshots.Keep > 0
	if n.SnapshotKey != "" && !strings.Contains(n.SnapshotKey, ":key/") {
		n.SnapshotKey = "*" // an alias, or an id without its account
	}
	for _, r := range cfg.Reports {
		n.Reports = append(n.Reports, within(r.To)...)
	}
	for i := range cfg.Policies {
		p := &cfg.Policies[i]
		if p.Mode == policy.Observe {
			continue
		}
		n.Rotates = n.Rotates || p.Rotation.Method != policy.None && p.Rotation.Method != policy.Replace
		n.Replaces = n.Replaces || p.Rotation.Method == policy.Replace
		for _, rule := range []string{"key-deletion-scheduled", "key-deletion-window-short"} {
			remedies := []string{policy.RespondRestore}
			n.Restores = n.Restores || p.ResponseTo(rule, finding.Critical, remedies) != ""
		}
	}
	return n
}

// queueARN is the ARN of a queue by its URL; empty for one that AWS would not give.
func queueARN(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	host, path := strings.Split(u.Hostname(), "."), strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(host) < 4 || host[0] != "sqs" && host[0] != "sqs-fips" || len(path) != 2 {
		return ""
	}
	return "arn:" + events.Partition(host[1]) + ":sqs:" + host[1] + ":" + path[0] + ":" + path[1]
}
