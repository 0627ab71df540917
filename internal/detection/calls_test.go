package detection

import (
	"strings"
	"testing"
)

func TestTheCallersAccountIsReadWhereverTheRecordTellsIt(t *testing.T) {
	issuer := object{"sessionIssuer": object{"type": "Role", "accountId": "444455556666"}}
	const session = "arn:aws:sts::777788889999:assumed-role/admin/session"
	for name, tt := range map[string]struct {
		identity object
		want     string
	}{
		"of its own": {
			object{"accountId": "111122223333", "arn": session, "sessionContext": issuer}, "111122223333",
		},
		"of the role behind the session": {object{"arn": session, "sessionContext": issuer}, "444455556666"},
		"in its ARN":                     {object{"arn": session}, "777788889999"},
		"nowhere":                        {object{"type": "AWSService"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := callerAccount(decode(t, record("Decrypt", object{"userIdentity": tt.identity}))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnEventsPlaceIsItsRecipientsElseItsCallers(t *testing.T) {
	for recipient, want := range map[any]string{"444455556666": "444455556666", nil: "111122223333"} {
		ev := decode(t, record("Decrypt", asking(object{"keyId": "alias/unknown", "name": "main"}), object{
			"recipientAccountId": recipient, "resources": nil,
		}))
		unnamed := newWorld().context().target(ev)
		for what, account := range map[string]string{
			"its Region's": place(ev).ID, "the key's": unnamed.account, "the key store's": keyStoreOf(ev).place.account,
			"the trail's": arnPart(trailOf(ev).id, arnAccount),
		} {
			if got := strings.TrimSuffix(account, "/eu-west-1"); got != want {
				t.Errorf("%s account is %q, want %s", what, got, want)
			}
		}
	}
}

func TestAnyWordOfAServicesTellsThatItCalls(t *testing.T) {
	for name, tt := range map[string]struct {
		given object
		want  bool
	}{
		"invokedBy":                 {object{"userIdentity": invokedBy("s3.amazonaws.com")}, true},
		"an identity of its own":    {object{"userIdentity": object{"type": "AWSService"}}, true},
		"what KMS does by itself":   {object{"eventType": "AwsServiceEvent"}, true},
		"an address inside AWS":     {from("AWS Internal"), true},
		"its name for an address":   {from("s3.amazonaws.com"), true},
		"an agent that anybody has": {object{"userAgent": "s3.amazonaws.com"}, false},
	} {
		if got := byService(decode(t, record("Decrypt", tt.given))); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAnOutsidersVPCIsNeitherTheKeysNorTheCallersNorATrustedAccounts(t *testing.T) {
	c := &Context{Trusted: func(account string) bool { return account == "777788889999" }}
	caller := object{"userIdentity": object{"type": "AWSAccount", "accountId": "444455556666"}}
	for account, want := range map[string]string{
		"111122223333": "", "444455556666": "", "777788889999": "", "999900001111": "999900001111", "": "",
	} {
		if got := c.outsidersVPC(decode(t, record("Decrypt", caller, throughVPCOf(account)))); got != want {
			t.Errorf("of %q: %q", account, got)
		}
	}
}

func TestACallNamesItsKeyByWhateverTheRecordHas(t *testing.T) {
	nowhere := object{"resources": nil}
	for want, r := range map[string]object{
		"DeleteAlias on alias/unknown": record("DeleteAlias", nowhere, asking(object{"aliasName": "alias/unknown"})),
		"DeleteAlias on " + otherARN:   record("DeleteAlias", on(otherARN)),
		"DeleteAlias":                  record("DeleteAlias", nowhere, asking(nil)),
	} {
		ev := decode(t, r)
		about := newWorld().context().target(ev)
		if got := called(ev, &about); got != adminARN+" called "+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
