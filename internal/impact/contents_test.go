package impact

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/usage"
)

func TestThePlanSaysHowMuchIsKnown(t *testing.T) {
	w := holding().called(call{principal: app, context: []string{"tenant", "1"}}, call{principal: app})
	c, err := Plan(&w.Facts, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Coverage{
		From: c.Coverage.From, Calls: 7, Named: 3, Own: 1, Bare: 3, Resources: 4,
		Unnamed: []string{"quicksight.amazonaws.com"},
	}
	if diff := cmp.Diff(want, c.Coverage); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	var groups []string
	for _, g := range c.Groups {
		for _, item := range g.Items {
			groups = append(groups, fmt.Sprintf("%s %s %t", g.Service, item.Value, item.Vouched))
		}
	}
	wantGroups := []string{
		"Amazon S3 arn:aws:s3:::b true", "Amazon RDS, Aurora, DocumentDB, Neptune db-1 true",
		"Amazon DynamoDB made-up false", "Amazon Redshift arn:aws:redshift:::c true",
	}
	if diff := cmp.Diff(wantGroups, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if len(c.Applications) != 1 || c.Applications[0].Names[0] != "tenant" || c.To != NewKey {
		t.Errorf("applications %+v, to %s", c.Applications, c.To)
	}
}

func TestAPlanIsForAKeyThatCanTakeIt(t *testing.T) {
	for _, test := range []struct {
		name, to string
		ok       bool
	}{
		{"not chosen yet", "", true},
		{"an alias", "alias/new", true},
		{"a key of the same Region", "arn:aws:kms:us-east-1:999900001111:key/new", true},
		{"the key itself", keyARN, false},
		{"its id", "k", false},
		{"a key of another Region", "arn:aws:kms:eu-west-1:111122223333:key/new", false},
		{"a command", "x; reboot", false},
		{"a quote", `x"}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Plan(&newWorld().Facts, test.to); (err == nil) != test.ok || !test.ok && !errors.Is(err, ErrTarget) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWhatANewerRotdKnewIsLeftOut(t *testing.T) {
	w := newWorld()
	w.Record.Fold(&usage.Tuple{
		Principal: w.id(app), Operation: 1, Shape: w.id("aws:new:thing"),
		Resource: w.id(usage.Resource("aws:new:thing", "x")), Hour: usage.HourOf(noon()), Calls: usage.Calls{Count: 1},
	})
	if a := Assess(&w.Facts); len(a.Services) != 0 {
		t.Errorf("services: %+v", a.Services)
	}
	if c, err := Plan(&w.Facts, ""); err != nil || len(c.Groups) != 0 || c.Coverage.Own != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAGrantSaysWhatIsUnderTheKey(t *testing.T) {
	w := newWorld().called(
		call{principal: app, service: "dynamodb.amazonaws.com", context: []string{"aws:dynamodb:tableName", "cards"}},
	).granted(
		inventory.Grant{
			ID: "g1", Grantee: "dynamodb.us-east-1.amazonaws.com",
			ContextEquals: map[string]string{"aws:dynamodb:tableName": "cards", "aws:dynamodb:subscriberId": "1"},
		},
		inventory.Grant{
			ID: "g2", Grantee: "dynamodb.us-east-1.amazonaws.com",
			ContextSubset: map[string]string{"aws:dynamodb:tableName": "ledger"},
		},
		inventory.Grant{ID: "g3", Grantee: app, ContextSubset: map[string]string{"aws:dynamodb:tableName": "claimed"}},
		inventory.Grant{ID: "g4", Grantee: app, ContextSubset: map[string]string{"tenant": "7"}},
	)
	c, err := Plan(&w.Facts, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range c.Groups[0].Items {
		got = append(got, fmt.Sprint(h.Value, h.Grants, h.Vouched, !h.LastHour.IsZero(), len(h.Commands)))
	}
	want := []string{"cards[g1] true true 1", "claimed[g3] false false 1", "ledger[g2] true false 1"}
	if diff := cmp.Diff(want, got); diff != "" || len(c.Groups) != 1 || c.Coverage.Resources != 3 {
		t.Errorf("%d groups, %d resources; tables (-want +got):\n%s", len(c.Groups), c.Coverage.Resources, diff)
	}
}
