package keypolicy

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatIsAnIDIsSaidToTheLastCharacter(t *testing.T) {
	digits, letters := "0123456789", "abcdefghijklmnopqrstuvwxyz"
	for _, test := range []struct {
		name  string
		is    func(string) bool
		value string
		want  bool
	}{
		{"an account", isAccountID, "000000000099", true},
		{"an account with a letter", isAccountID, "00000000009a", false},
		{"an account that is too short", isAccountID, "00000000009", false},
		{"an organization, as short as can be", isOrganizationID, "o-" + digits, true},
		{"an organization that is too short", isOrganizationID, "o-" + digits[1:], false},
		{"an organization, as long as can be", isOrganizationID, "o-" + letters + "012349", true},
		{"an organization that is too long", isOrganizationID, "o-" + letters + "0123456", false},
		{"an organization of more than letters and digits", isOrganizationID, "o-" + digits + "/", false},
		{"an organization of colons", isOrganizationID, "o-" + digits + ":", false},
		{"a unique id, as short as can be", isUniqueID, "AIDA" + "AZ0123456789", true},
		{"a unique id that is too short", isUniqueID, "AIDA" + "AZ012345678", false},
		{"a unique id, as long as can be", isUniqueID, "AROZ" + strings.Repeat("Z", 124), true},
		{"a unique id that is too long", isUniqueID, "AROZ" + strings.Repeat("Z", 125), false},
		{"a unique id whose fourth character is a digit", isUniqueID, "AID0" + "AZ0123456789", false},
		{"a unique id whose fifth character is a digit", isUniqueID, "AIDA" + "0Z0123456789", true},
		{"a unique id with a small letter", isUniqueID, "AIDA" + "aZ0123456789", false},
	} {
		if test.is(test.value) != test.want {
			t.Errorf("%s: %q is one: %v", test.name, test.value, !test.want)
		}
	}
}

func TestAnARNHasSixParts(t *testing.T) {
	for s, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/a:b": true, "arn:aws:iam": false, "urn:aws:iam::111122223333:role/a": false,
	} {
		if _, ok := splitARN(s); ok != want {
			t.Errorf("%q: %t", s, ok)
		}
	}
}

func TestHowManyAddressesAreTooMany(t *testing.T) {
	sixteenth := strings.Split(strings.Repeat("10.0.0.0/8 ", 16), " ")[:16]
	share := strings.Split(strings.Repeat("2001:db8::/32 ", 1<<16), " ")[:1<<16]
	for _, test := range []struct {
		name      string
		addresses []string
		want      bool
	}{
		{"an IPv4 /8", []string{"10.0.0.0/8"}, false},
		{"an IPv4 /7", []string{"10.0.0.0/7"}, true},
		{"an IPv6 /32", []string{"2001:db8::/32"}, false},
		{"an IPv6 /31", []string{"2001:db8::/31"}, true},
		{"an address", []string{"192.0.2.1"}, false},
		{"a sixteenth of IPv4", sixteenth, false},
		{"a sixteenth of IPv4 and an address", append(sixteenth, "192.0.2.1"), true},
		{"a 65,536th of IPv6", share, false},
		{"a 65,536th of IPv6 and as much as a float tells apart", append(share, "2001:db8::/64"), true},
	} {
		if tooBroad(test.addresses) != test.want {
			t.Errorf("%s is too broad: %v", test.name, !test.want)
		}
	}
}

func TestACutIsBetweenTwoCharacters(t *testing.T) {
	for value, want := range map[string]string{
		"123456": "123456", "1234567": "123…", "12€4567": "12…", strings.Repeat("\x80", 9): "…",
	} {
		if got := truncate(value, 6); got != want {
			t.Errorf("%q becomes %q, want %q", value, got, want)
		}
	}
}

func TestWhichOfTwoBoundsTellsMore(t *testing.T) {
	outside := func(kind scopeKind, n int) weighed {
		return weighed{bound: bound{kind: kind}, outside: make([]scope, n)}
	}
	for _, test := range []struct {
		name       string
		one, other weighed
		want       bool
	}{
		{
			"one that lets nobody else in, before one that does", outside(organizationScope, 0),
			outside(accountScope, 1), true,
		},
		{
			"one that lets somebody else in, after one that does not", outside(accountScope, 1),
			outside(organizationScope, 0), false,
		},
		{"accounts before organizations", outside(accountScope, 3), outside(organizationScope, 1), true},
		{"organizations after accounts", outside(organizationScope, 1), outside(accountScope, 3), false},
		{
			"accounts before organizations, where neither lets anybody else in", outside(accountScope, 0),
			outside(organizationScope, 0), true,
		},
		{"fewer before more", outside(accountScope, 1), outside(accountScope, 2), true},
		{"more after fewer", outside(accountScope, 2), outside(accountScope, 1), false},
		{"equals as they come", outside(accountScope, 1), outside(accountScope, 1), false},
	} {
		if test.one.tellsMoreThan(test.other) != test.want {
			t.Errorf("%s: tells more is %v", test.name, !test.want)
		}
	}
}

func TestMoreThanAreShownAreCounted(t *testing.T) {
	conditions := slices.Repeat([]string{"a"}, maxItems)
	if got := ellipsis(conditions); got != "" {
		t.Errorf("%d conditions: %q", len(conditions), got)
	}
	if got := ellipsis(append(conditions, "a")); got != " and 1 more conditions" {
		t.Errorf("one more: %q", got)
	}
	changes := make([]Change, maxChanges)
	if got := bounded(changes); len(got) != maxChanges || got[maxChanges-1].Kind == Further {
		t.Errorf("%d changes: %d, the last %+v", maxChanges, len(got), got[len(got)-1])
	}
	got := bounded(append(changes, Change{}))
	if len(got) != maxChanges+1 || got[maxChanges].Text != "and 1 further changes" {
		t.Errorf("one more: %d, the last %+v", len(got), got[len(got)-1])
	}
}
