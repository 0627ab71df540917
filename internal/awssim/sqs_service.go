package awssim

type sqsService struct{ sim *Sim }

func newSQS(s *Sim) *sqsService { return &sqsService{sim: s} }

func (q *sqsService) service() *service {
	return &service{name: "sqs", protocol: awsJSON{contentType: "application/x-amz-json-1.0"}}
}

// Send puts a message into a queue, named by URL, ARN or name, as an AWS service would that is not called over HTTP.
// It returns the message id.
func (s *Sim) Send(queue, body string) (messageID string, err error) {
	return "", nil
}
