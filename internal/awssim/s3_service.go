package awssim

type s3Service struct{ sim *Sim }

func newS3(s *Sim) *s3Service { return &s3Service{sim: s} }

func (q *s3Service) service() *service {
	return &service{name: "s3", protocol: awsQuery{}}
}
