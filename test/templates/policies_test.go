package templates

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/iam"
)

// permissions are the statements of all policies of a role.
func (s *stack) permissions(t *testing.T, role string) []iam.Statement {
	t.Helper()
	var all []iam.Statement
	for name, r := range s.resources {
		if object(r)["Type"] != "AWS::IAM::RolePolicy" || s.properties(t, name)["RoleName"] != role {
			continue
		}
		text, err := json.Marshal(s.properties(t, name)["PolicyDocument"])
		if err != nil {
			t.Fatal(err)
		}
		var d iam.Document
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d.Statement...)
	}
	return all
}

// deadLetters is the dead-letter queue's ARN.
const deadLetters = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:DeadLetters"

// compare holds a role against what rotd asks for it.
func (s *stack) compare(t *testing.T, name string, role iam.Role, n *iam.Needs) {
	t.Helper()
	n.Partition, n.Accounts = partition, []string{account}
	want := iam.Policy(role, n).Statement
	for i := range want {
		if want[i].Sid == "DeadLetters" { // print-policy does not know that queue's name
			want[i].Resource = []string{deadLetters}
		}
	}
	sorted := cmpopts.SortSlices(func(a, b iam.Statement) bool { return a.Sid < b.Sid })
	if diff := cmp.Diff(want, s.permissions(t, name), sorted, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-print-policy +template):\n%s", name, diff)
	}
}

func TestTheRolesMayWhatPrintPolicySays(t *testing.T) {
	each(t, "rotd.yaml", func(t *testing.T, s *stack) {
		role := "arn:aws-us-gov:iam::111122223333:role/"
		topic := "arn:aws-us-gov:sns:us-gov-west-1:111122223333:"
		acts := s.parameters["Mode"] != "observe"
		n := &iam.Needs{
			Queues:  []string{"arn:aws-us-gov:sqs:us-gov-west-1:111122223333:Queue"},
			Topics:  []string{topic + "OnCall", topic + "Notices"},
			Assumes: []string{role + "EmergencyRole"}, Rotates: acts, Restores: acts,
		}
		if s.parameters["OrganizationId"] != "" {
			n.Lists = true
			for _, name := range []string{"rotd-member", "rotd-emergency"} {
				n.Assumes = append(n.Assumes, "arn:aws-us-gov:iam::*:role/"+name)
			}
		}
		if s.parameters["TrailBucket"] != "" {
			n.Logs = []string{"arn:aws-us-gov:s3:::trail/AWSLogs/*"}
			if key := s.parameters["TrailKeyArn"].(string); key != "" {
				n.LogKeys = []string{key}
			}
		}
		s.compare(t, "Role", iam.Daemon, n)
		s.compare(t, "EmergencyRole", iam.Emergency, &iam.Needs{})
	})
}

func TestTheRolesInOtherAccountsMayWhatPrintPolicySays(t *testing.T) {
	each(t, "member.yaml", func(t *testing.T, s *stack) {
		roles, here := s.parameters["Roles"].(string), s.parameters["RolesRegion"] == region
		acts := roles == "act" || roles == "act-and-emergency"
		emergency := roles == "observe-and-emergency" || roles == "act-and-emergency"
		for name, is := range map[string]bool{"Role": roles != "none", "EmergencyRole": emergency} {
			if _, there := s.resources[name]; there != (is && here) {
				t.Fatalf("%s is there: %t", name, there)
			}
		}
		if here && roles != "none" {
			s.compare(t, "Role", iam.Member, &iam.Needs{Rotates: acts, Restores: acts})
		}
		if here && emergency {
			s.compare(t, "EmergencyRole", iam.Emergency, &iam.Needs{})
		}
	})
}

func TestOnlyRotdAssumesItsRoles(t *testing.T) {
	trusted := func(t *testing.T, s *stack, role string) map[string]any {
		document := object(s.properties(t, role)["AssumeRolePolicyDocument"])
		statements := document["Statement"].([]any)
		if len(statements) != 1 {
			t.Fatalf("%s trusts by %d statements", role, len(statements))
		}
		return object(statements[0])
	}
	each(t, "rotd.yaml", func(t *testing.T, s *stack) {
		service := map[string]string{"ecs": "ecs-tasks.amazonaws.com", "ec2": "ec2.amazonaws.com"}
		for role, want := range map[string]any{
			"Role":          map[string]any{"Service": service[s.parameters["RunsOn"].(string)]},
			"EmergencyRole": map[string]any{"AWS": "arn:aws-us-gov:iam::111122223333:role/Role"},
		} {
			if diff := cmp.Diff(want, trusted(t, s, role)["Principal"]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", role, diff)
			}
		}
	})
	each(t, "member.yaml", func(t *testing.T, s *stack) {
		for _, role := range []string{"Role", "EmergencyRole"} {
			if _, there := s.resources[role]; !there {
				continue
			}
			want := map[string]any{
				"Effect": "Allow", "Action": "sts:AssumeRole",
				"Principal": map[string]any{"AWS": "arn:aws-us-gov:iam::444455556666:role/rotd"},
				"Condition": map[string]any{"StringEquals": map[string]any{"sts:ExternalId": "choose-one"}},
			}
			if diff := cmp.Diff(want, trusted(t, s, role)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", role, diff)
			}
		}
	})
}
