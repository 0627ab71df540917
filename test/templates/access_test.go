package templates

import (
	"testing"
)

// statements are those of a policy that lets somebody in from outside, or of a queue's, topic's, key's or bus's.
func statements(document any) []map[string]any {
	var all []map[string]any
	switch s := object(document)["Statement"].(type) {
	case []any:
		for _, one := range s {
			all = append(all, object(one))
		}
	case map[string]any:
		all = append(all, s)
	}
	return all
}

// doors are the policies of what others than rotd reach.
func (s *stack) doors(t *testing.T) map[string][]map[string]any {
	doors := make(map[string][]map[string]any)
	for name, r := range s.resources {
		p := s.properties(t, name)
		switch object(r)["Type"] {
		case "AWS::KMS::Key":
			doors[name] = statements(p["KeyPolicy"])
		case "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy":
			doors[name] = statements(p["PolicyDocument"])
		case "AWS::Events::EventBusPolicy":
			doors[name] = statements(p)
		}
	}
	return doors
}

func TestNobodyGetsInWithoutACondition(t *testing.T) {
	each(t, "rotd.yaml", func(t *testing.T, s *stack) {
		for name, statements := range s.doors(t) {
			if len(statements) == 0 {
				t.Errorf("%s has no statement", name)
			}
			for _, st := range statements {
				_, service := object(st["Principal"])["Service"]
				open := service || st["Principal"] == "*"
				if st["Effect"] == "Allow" && open && len(object(st["Condition"])) == 0 {
					t.Errorf("%s lets in %v, whoever sends them", name, st["Principal"])
				}
			}
		}
	})
}

func TestQueuesAndTopicsTakeNothingWithoutTLS(t *testing.T) {
	each(t, "rotd.yaml", func(t *testing.T, s *stack) {
		for _, name := range []string{"QueuePolicy", "TopicPolicy"} {
			refused := false
			for _, st := range s.doors(t)[name] {
				secure := object(object(st["Condition"])["Bool"])["aws:SecureTransport"]
				refused = refused || st["Effect"] == "Deny" && st["Principal"] == "*" && secure == "false"
			}
			if !refused {
				t.Errorf("%s lets requests without TLS in", name)
			}
		}
	})
}

func TestTheQueueKeepsWhatRotdCannotTake(t *testing.T) {
	each(t, "rotd.yaml", func(t *testing.T, s *stack) {
		queue, dead := s.properties(t, "Queue"), s.properties(t, "DeadLetters")
		redrive := object(queue["RedrivePolicy"])
		if redrive["maxReceiveCount"] != 20 || redrive["deadLetterTargetArn"] != deadLetters {
			t.Errorf("redrive policy %v", redrive)
		}
		// Its time there is counted from when the message was first sent.
		if dead["MessageRetentionPeriod"].(int) <= queue["MessageRetentionPeriod"].(int) {
			t.Error("a message that waited long in the queue is gone at once from the dead-letter queue")
		}
		for name, p := range map[string]map[string]any{"Queue": queue, "DeadLetters": dead} {
			if p["KmsMasterKeyId"] != "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/Key" {
				t.Errorf("%s is encrypted with %v", name, p["KmsMasterKeyId"])
			}
		}
	})
}
