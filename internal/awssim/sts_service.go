package awssim

// Role may be assumed.
type Role struct{ ARN string }

func newSTS(s *Sim) *service {
	return &service{name: "sts", protocol: awsQuery{namespace: "https://sts.amazonaws.com/doc/2011-06-15/"}}
}
