package impact

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/usage"
)

const (
	keyARN    = "arn:aws:kms:us-east-1:111122223333:key/k"
	app       = "arn:aws:iam::111122223333:role/app"
	warehouse = "arn:aws:redshift:::c"
	partner   = "arn:aws:iam::444455556666:role/nightly/export"
	policy    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`
)

func noon() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }

// world is what is known of a key; names get ids as they come.
type world struct {
	Facts
	ids   map[string]uint32
	names map[uint32]string
}

func newWorld() *world {
	w := &world{ids: map[string]uint32{}, names: map[uint32]string{}}
	w.Facts = Facts{
		Key: &inventory.Key{
			ARN: keyARN, ID: "k", Account: "111122223333", Region: "us-east-1", Partition: "aws", State: "Enabled",
			Manager: "CUSTOMER", Aliases: []string{"alias/a"}, Policy: policy, ReadAt: noon(), StateSince: noon().Add(-2 * day),
			Grants: &inventory.Grants{ReadAt: noon()},
		},
		Record: &usage.Record{}, WatchedSince: noon().Add(-90 * day), LastEvent: noon(), Now: noon(),
	}
	w.Name = func(id uint32) string { return w.names[id] }
	return w
}

func (w *world) id(name string) uint32 {
	if name == "" {
		return usage.None
	}
	if w.ids[name] == 0 {
		w.ids[name] = uint32(usage.FirstName + len(w.ids))
		w.names[w.ids[name]] = name
	}
	return w.ids[name]
}

// call is a principal's call, so long ago. A call with an address is one without a service.
type call struct {
	principal, service, alias string
	ago                       time.Duration
	context                   []string
}

func (w *world) called(calls ...call) *world {
	for _, c := range calls {
		var shape usage.Shaper
		var about Identifier
		for i := 0; i < len(c.context); i += 2 {
			shape.Add(c.context[i], c.context[i+1])
			about.Add(c.context[i], c.context[i+1])
		}
		t := usage.Tuple{
			Principal: w.id(c.principal), Operation: 1, Service: w.id(c.service), Alias: w.id(c.alias),
			Hour: usage.HourOf(noon().Add(-c.ago)), Calls: usage.Calls{Count: 1},
		}
		if c.service == "" {
			t.Network, _ = usage.Source("203.0.113.7")
		}
		text, _ := shape.Shape()
		resource, vouched := about.Resource(c.service)
		t.Shape, t.Resource, t.Vouched = w.id(text), w.id(resource), vouched
		w.Record.Fold(&t)
	}
	w.Record.Bound(noon(), usage.MaxPrincipals)
	return w
}

func (w *world) granted(grants ...inventory.Grant) *world {
	w.Key.Grants.List, w.Key.Grants.Count = grants, len(grants)
	return w
}

// measure finds one of a kind; the first, if there are more.
func measure(t *testing.T, a *Assessment, kind Kind) *Measure {
	t.Helper()
	i := slices.IndexFunc(a.Measures, func(m Measure) bool { return m.Kind == kind })
	if i < 0 {
		t.Fatalf("no measure %s", kind)
	}
	return &a.Measures[i]
}

func TestWhoUsedTheKey(t *testing.T) {
	w := newWorld().called(
		call{principal: app, ago: time.Hour, alias: "alias/a"},
		call{principal: app, ago: 3 * day},
		call{principal: app, ago: 4 * day, service: "dynamodb.amazonaws.com"},
		call{principal: partner, ago: 20 * day},
		call{principal: "service:ec2.amazonaws.com", service: "ec2.amazonaws.com", ago: 2 * day},
		call{principal: "account:777788889999", ago: 40 * day},
	).granted(
		inventory.Grant{ID: "g1", Grantee: "arn:aws:sts::444455556666:assumed-role/export/job"},
		inventory.Grant{ID: "g2", Grantee: "ec2.us-east-1.amazonaws.com"},
		inventory.Grant{ID: "g3", Grantee: "arn:aws:iam::888899990000:role/other"},
	)
	w.Key.Policy = strings.Replace(policy, `"arn:aws:iam::111122223333:root"`,
		`["arn:aws:iam::111122223333:root","arn:aws:iam::999900001111:root"]`, 1)
	a := Assess(&w.Facts)
	hour := func(ago time.Duration) time.Time { return noon().Add(-ago) }
	wantPrincipals := []Principal{
		{
			ARN: app, Calls24h: 1, Calls7d: 3, Calls30d: 3, LastUse: hour(time.Hour), Operations: []string{"Decrypt"},
			Networks: []string{"203.0.113.0/24"}, Services: []string{"dynamodb.amazonaws.com"}, Itself: true,
			Aliases: []string{"alias/a"},
		},
		{
			ARN: "service:ec2.amazonaws.com", Calls7d: 1, Calls30d: 1, LastUse: hour(2 * day), Operations: []string{"Decrypt"},
			Services: []string{"ec2.amazonaws.com"}, Grants: []string{"g2"},
		},
		{
			ARN: partner, Account: "444455556666", Calls30d: 1, LastUse: hour(20 * day), Operations: []string{"Decrypt"},
			Networks: []string{"203.0.113.0/24"}, Itself: true, Grants: []string{"g1"},
		},
	}
	if diff := cmp.Diff(wantPrincipals, a.Principals); diff != "" {
		t.Errorf("principals (-want +got):\n%s", diff)
	}
	var windows []string
	for _, one := range a.Windows {
		windows = append(windows, fmt.Sprintf("%s: %d by %d", one.Name, one.Calls, one.Principals))
	}
	if diff := cmp.Diff([]string{"24h: 1 by 1", "7d: 4 by 2", "30d: 5 by 3"}, windows); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	wantAccounts := []Account{
		{ID: "444455556666", How: []string{"used it", "grant"}, Calls: 1},
		{ID: "888899990000", How: []string{"grant"}},
		{ID: "999900001111", How: []string{"key policy"}},
	}
	if diff := cmp.Diff(wantAccounts, a.Accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Network{{"203.0.113.0/24", 2, hour(time.Hour)}}, a.Networks); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	for i, want := range []uint64{1, 1, 0} {
		if a.Grants[i].Calls30d != want {
			t.Errorf("grant %s: %d calls by its grantee, want %d", a.Grants[i].ID, a.Grants[i].Calls30d, want)
		}
	}
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	const (
		calls = "Only calls to KMS show."
		iam   = "Who may use the key through IAM policies"
	)
	for _, test := range []struct {
		name   string
		change func(w *world)
		want   []string // beginnings
	}{
		{"all is known that can be", func(*world) {}, nil},
		{"a trail is blinded", func(w *world) {
			w.Blinding = []finding.Finding{{ID: "fnd_1", Title: "A trail was stopped"}}
		}, []string{"rotd may not hear of calls: A trail was stopped (fnd_1)."}},
		{
			"the index is young", func(w *world) { w.WatchedSince = noon().Add(-30 * time.Hour) },
			[]string{"rotd has counted uses for 30 hours only, since 2026-11-27 06:00Z"},
		},
		{
			"no event ever came", func(w *world) { w.LastEvent = time.Time{} },
			[]string{"No event ever came from account 111122223333 in us-east-1"},
		},
		{
			"events are late", func(w *world) { w.LastEvent = noon().Add(-5 * time.Hour) },
			[]string{"The newest event from account 111122223333 in us-east-1 is 5 hours old."},
		},
		{"KMS knows of a use that no event told of", func(w *world) {
			at := noon().Add(-time.Hour)
			w.Key.LastUsage = &inventory.LastUsage{At: &at, Operation: "Decrypt"}
		}, []string{"KMS itself says that the key was used at 2026-11-28 11:00Z (Decrypt)"}},
		{
			"grants were never listed", func(w *world) { w.Key.Grants = nil },
			[]string{"The grants were never listed"},
		},
		{"grants are refused", func(w *world) { w.Key.Denied = []string{"ListGrants"} }, []string{"KMS refuses rotd"}},
		{
			"more grants than are kept", func(w *world) { w.Key.Grants.Count = 2000 },
			[]string{"Only 0 of more than 2000 grants are kept"},
		},
		{
			"grants are old", func(w *world) { w.Key.Grants.ReadAt = noon().Add(-3 * day) },
			[]string{"The grants were listed 3 days ago."},
		},
		{"the policy is not known", func(w *world) { w.Key.Policy = "" }, []string{"The key policy could not be read"}},
		{
			"the key was read long ago", func(w *world) { w.Key.ReadAt = noon().Add(-40 * day) },
			[]string{"The key was last read 40 days ago"},
		},
		{
			"no context names anything", func(w *world) { w.called(call{principal: app}) },
			[]string{"No encryption context named a resource"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			test.change(w)
			want, got := slices.Concat(test.want, []string{calls, iam}), Assess(&w.Facts).Unknowns
			if len(got) != len(want) {
				t.Fatalf("unknown: %q, want %q", got, want)
			}
			for i := range want {
				if !strings.HasPrefix(got[i], want[i]) {
					t.Errorf("unknown: %q, want %q", got[i], want[i])
				}
			}
		})
	}
}

func TestWhichMeasuresCanBeTaken(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(k *inventory.Key)
		want   []Kind // that apply
		all    int
	}{
		{"an enabled key", func(*inventory.Key) {}, []Kind{RevokeGrant, RevokeGrants, RetireAlias, Disable}, 6},
		{
			"a disabled key", func(k *inventory.Key) { k.State = "Disabled" },
			[]Kind{Enable, RevokeGrant, RevokeGrants, RetireAlias},
			6,
		},
		{
			"a key to be deleted", func(k *inventory.Key) { k.State = "PendingDeletion" },
			[]Kind{CancelDeletion, RevokeGrant, RevokeGrants, RetireAlias},
			6,
		},
		{
			"a key in a state that rotd does not know", func(k *inventory.Key) { k.State = "Dreaming" },
			[]Kind{RevokeGrant, RevokeGrants, RetireAlias},
			6,
		},
		{
			"a key without grants and aliases", func(k *inventory.Key) { k.Grants, k.Aliases = nil, nil },
			[]Kind{Disable},
			3,
		},
		{"a key that AWS manages", func(k *inventory.Key) { k.Manager = "AWS" }, nil, 0},
		{"a key that is gone", func(k *inventory.Key) { k.GoneAt = new(noon()) }, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld().granted(inventory.Grant{ID: "g", Grantee: app})
			test.change(w.Key)
			var got []Kind
			a := Assess(&w.Facts)
			for i := range a.Measures {
				if m := &a.Measures[i]; m.Applies {
					got = append(got, m.Kind)
				} else if m.Why == "" || len(m.Breaks) > 0 {
					t.Errorf("%s does not apply, because %q, and breaks %v", m.Kind, m.Why, m.Breaks)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || len(a.Measures) != test.all {
				t.Errorf("%d measures; that apply (-want +got):\n%s", len(a.Measures), diff)
			}
		})
	}
}

// holding is a key with something of several services under it.
func holding() *world {
	return newWorld().called(
		call{principal: app, service: "s3.amazonaws.com", context: []string{"aws:s3:arn", "arn:aws:s3:::b/x"}},
		call{principal: app, service: "redshift.amazonaws.com", context: []string{"aws:redshift:arn", warehouse}},
		call{principal: app, service: "rds.amazonaws.com", context: []string{"aws:rds:db-id", "db-1"}, ago: 100 * day},
		call{principal: app, service: "quicksight.amazonaws.com"},
		call{principal: app, context: []string{"aws:dynamodb:tableName", "made-up"}},
		call{principal: partner},
	)
}

func TestDisablingBreaksWhatHangsOnTheKey(t *testing.T) {
	a := Assess(&holding().Facts)
	m := measure(t, a, Disable)
	type row struct {
		who, because string
		noReturn     time.Duration
		unknown      bool
	}
	var got []row
	for i := range m.Breaks {
		b := &m.Breaks[i]
		r := row{who: b.Who, because: b.Evidence, unknown: b.Unknown}
		if !b.NoReturnAt.IsZero() {
			r.noReturn = b.NoReturnAt.Sub(noon())
		}
		got = append(got, r)
	}
	want := []row{
		{"Amazon DynamoDB", "1 table (made-up; 1 by a caller's word alone)", 7 * day, false},
		{"Amazon RDS, Aurora, DocumentDB, Neptune", "1 database (db-1)", 7 * day, false},
		{"Amazon Redshift", "1 warehouse (c), 1 call in 30 days", 14 * day, false},
		{"quicksight.amazonaws.com", "1 call in 30 days", 0, true},
		{"Amazon S3", "1 bucket (b), 1 call in 30 days", 0, false},
		{app + ", " + partner, "5 calls in 30 days, through services included", 0, false},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("breaks (-want +got):\n%s", diff)
	}
	if at, ok := m.FirstNoReturn(); !ok || !at.Equal(noon().Add(7*day)) {
		t.Errorf("nothing can be undone from %v on, %t", at, ok)
	}
	if _, ok := measure(t, a, RetireAlias).FirstNoReturn(); ok {
		t.Error("an alias that is retired cannot be made again")
	}
	if a.Down != nil {
		t.Errorf("a key that works is down: %+v", a.Down)
	}
}

func TestTheClockRunsFromWhenTheKeyWasDisabled(t *testing.T) {
	w := holding()
	w.Key.State = "Disabled"
	a := Assess(&w.Facts)
	if a.Down == nil || len(a.Down.Breaks) != 6 || !a.Down.Breaks[0].NoReturnAt.Equal(noon().Add(5*day)) {
		t.Errorf("down: %+v", a.Down)
	}
}

func TestRevokingSaysWhoLosesWhat(t *testing.T) {
	w := newWorld().called(call{principal: app}).granted(
		inventory.Grant{ID: "g1", Grantee: app, Operations: []string{"Decrypt", "Encrypt"}},
		inventory.Grant{ID: "g2", Grantee: "es.us-east-1.amazonaws.com", Operations: []string{"Decrypt"}},
		inventory.Grant{
			ID: "g4", Grantee: "rds.amazonaws.com", Operations: []string{"Decrypt"},
			ContextSubset: map[string]string{"aws:rds:db-id": "db-9", "aws:ebs:id": "vol-1"},
		},
		inventory.Grant{ID: "g3", Grantee: "kafka.amazonaws.com", Operations: []string{"Decrypt"}},
	)
	w.Key.Grants.Count = 6
	w.Key.ReplicaARNs = []string{"arn:aws:kms:eu-west-1:111122223333:key/k"}
	a := Assess(&w.Facts)
	var got []string
	for i := range a.Measures {
		if m := &a.Measures[i]; m.Kind == RevokeGrant {
			b := &m.Breaks[0]
			got = append(got, fmt.Sprintf("%s: %s [%s] %t", m.Subject, b.What, b.Evidence, b.Unknown))
			if !m.Irreversible || m.Undo != "" || b.NoReturn == "" || len(m.Warnings) != 1 {
				t.Errorf("revoking looks as if it could be undone: %+v", m)
			}
		}
	}
	want := []string{
		"g1: Loses Decrypt, Encrypt by this grant. [1 call in 30 days, the last 2026-11-28 12:00Z] false",
		"g2: Loses Decrypt by this grant. Amazon OpenSearch Service: A domain whose grant is revoked or whose key is " +
			"deleted cannot be recovered; a manual snapshot of it can become a new domain. [no call in 30 days that rotd " +
			"knows of; an AWS service's own grant] false",
		"g4: Loses Decrypt by this grant, which is for db-9. Amazon RDS, Aurora, DocumentDB, Neptune: A grant that the " +
			"service made for a database cannot be made again by anybody else. " +
			"[no call in 30 days that rotd knows of; an AWS service's own grant] false",
		"g3: Loses Decrypt by this grant. Unknown: assume that it stops at once and that it may not come back. " +
			"[no call in 30 days that rotd knows of; an AWS service's own grant] true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	all := measure(t, a, RevokeGrants)
	if len(all.Breaks) != 5 || all.Breaks[4].Who != "2 grants more" || !all.Breaks[4].Unknown {
		t.Errorf("all: %+v", all.Breaks)
	}
}

func TestRetiringAnAliasHitsWhoNamesTheKeyByIt(t *testing.T) {
	w := newWorld().called(call{principal: app, alias: "alias/a"}, call{principal: partner})
	w.Key.Policy = strings.Replace(policy, `"Resource"`,
		`"Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/a"}},"Resource"`, 1)
	m := measure(t, Assess(&w.Facts), RetireAlias)
	if len(m.Breaks) != 1 || m.Breaks[0].Who != app || len(m.Warnings) != 1 {
		t.Errorf("%+v", m)
	}
	if want := "aws kms create-alias --alias-name alias/a --target-key-id k --region us-east-1"; m.Undo != want {
		t.Errorf("undo %q, want %q", m.Undo, want)
	}
}

// BenchmarkAssess is of a key with as many principals and grants as are kept.
func BenchmarkAssess(b *testing.B) {
	w := newWorld()
	for i := range usage.MaxPrincipals {
		w.called(call{principal: fmt.Sprint("arn:aws:iam::111122223333:role/", i), alias: "alias/a"})
		if i < inventory.MaxGrants {
			w.Key.Grants.List = append(w.Key.Grants.List, inventory.Grant{
				ID: fmt.Sprint(i), Grantee: fmt.Sprint("arn:aws:iam::111122223333:role/", i), Operations: []string{"Decrypt"},
			})
		}
	}
	for b.Loop() {
		Assess(&w.Facts)
	}
}
