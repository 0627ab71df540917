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
