package awssim

import (
	"encoding/base64"
	"strconv"
	"sync"
)

// OrgAccount is a member of the simulated organization, of which there is one.
type OrgAccount struct{ ID, Name, State, Path string }

// orgService is AWS Organizations, as far as listing goes.
type orgService struct {
	mu       sync.Mutex
	accounts []OrgAccount
}

func newOrganizations() (*orgService, *service) {
	o := &orgService{}
	return o, &service{
		name: "organizations", protocol: awsJSON{contentType: "application/x-amz-json-1.1", rename: jsonErrorNames},
		ops: map[string]operation{"ListAccounts": o.listAccounts}, authorize: aboutAnything,
	}
}

// AddOrgAccount adds a member to the organization.
func (s *Sim) AddOrgAccount(a OrgAccount) {
	s.org.mu.Lock()
	defer s.org.mu.Unlock()
	s.org.accounts = append(s.org.accounts, a)
}

// SetOrgState changes how a member stands.
func (s *Sim) SetOrgState(id, state string) {
	s.org.mu.Lock()
	defer s.org.mu.Unlock()
	for i := range s.org.accounts {
		if s.org.accounts[i].ID == id {
			s.org.accounts[i].State = state
		}
	}
}

type listAccountsInput struct {
	MaxResults *int
	NextToken  string
}

const orgPage = 20

func (o *orgService) listAccounts(c *call) (any, error) {
	var in listAccountsInput
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	size, start := orgPage, 0
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if in.NextToken != "" {
		raw, err := base64.RawURLEncoding.DecodeString(in.NextToken)
		if err == nil {
			start, err = strconv.Atoi(string(raw))
		}
		if err != nil {
			return nil, apiErrorf("InvalidInputException", 0, "the token is not one of ours")
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if size < 1 || size > orgPage || start < 0 || start > len(o.accounts) {
		return nil, apiErrorf("InvalidInputException", 0, "MaxResults is 1 to %d", orgPage)
	}
	end := min(start+size, len(o.accounts))
	items := make([]fields, 0, end-start)
	for _, a := range o.accounts[start:end] {
		f := fields{"Id": a.ID, "Name": a.Name, "State": a.State, "Arn": arnOf("organizations", "", c.account(), a.ID)}
		if a.Path != "" {
			f["Paths"] = []string{a.Path}
		}
		items = append(items, f)
	}
	answer := fields{"Accounts": items}
	if end < len(o.accounts) {
		answer["NextToken"] = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end)))
	}
	return wire(answer), nil
}
