package awssim

type snsService struct{ sim *Sim }

func newSNS(s *Sim) *snsService { return &snsService{sim: s} }

func (q *snsService) service() *service {
	return &service{name: "sns", protocol: awsQuery{namespace: "http://sns.amazonaws.com/doc/2010-03-31/"}}
}
