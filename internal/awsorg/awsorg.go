// Package awsorg is AWS Organizations as rotd sees it: which accounts there are, how they stand, and where in the tree.
// It decides nothing: which of them are swept is configuration's.
package awsorg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// Account is one member of the organization.
type Account struct {
	ID    string
	Name  string // chosen by whoever made the account
	State string // in AWS's words: ACTIVE, SUSPENDED, PENDING_CLOSURE, CLOSED …
	Path  string // o-…/r-…/ou-…/; empty: AWS does not say
}

// Active says that the account's keys can be read.
func (a *Account) Active() bool { return a.State == string(types.AccountStateActive) }

// Client lists an organization's accounts, as its management account or a delegated administrator may.
type Client struct {
	api organizations.ListAccountsAPIClient
}

const (
	attempts = 8 // AWS lets few calls a second through
	within   = 2 * time.Minute
	maxPages = 2_000 // an organization has some ten thousand accounts at most, at 20 a page
)

// New returns a client with cfg's credentials.
func New(cfg aws.Config) *Client {
	return &Client{organizations.NewFromConfig(cfg, func(o *organizations.Options) {
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts = attempts })
	})}
}

// Accounts lists all accounts, those that are closed or suspended too, by id. Either all are listed or it fails.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var all []Account
	pages := organizations.NewListAccountsPaginator(c.api, &organizations.ListAccountsInput{})
	for n := 0; pages.HasMorePages(); n++ {
		if n == maxPages {
			return nil, fmt.Errorf("list the organization's accounts: they do not end after %d pages", maxPages)
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the organization's accounts: %w", err)
		}
		for i := range page.Accounts {
			all = append(all, account(&page.Accounts[i]))
		}
	}
	if len(all) == 0 {
		return nil, errors.New("list the organization's accounts: AWS named none, and every organization has one")
	}
	slices.SortFunc(all, func(a, b Account) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

func account(a *types.Account) Account {
	out := Account{ID: aws.ToString(a.Id), Name: aws.ToString(a.Name), State: string(a.State)}
	if out.State == "" {
		out.State = string(a.Status) // what AWS said before it had states
	}
	if len(a.Paths) > 0 {
		path := strings.TrimSuffix(strings.TrimSuffix(a.Paths[0], "/"), "/"+out.ID)
		out.Path = path + "/"
	}
	return out
}
