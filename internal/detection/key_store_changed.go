package detection

import (
	"fmt"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func keyStoreChanged() Rule {
	return Rule{
		ID: "key-store-changed", Title: "A custom key store was changed",
		Severity: finding.High,
		Wants: wants("CreateCustomKeyStore", "UpdateCustomKeyStore", "DisconnectCustomKeyStore",
			"DeleteCustomKeyStore"),
		PerPrincipal: true, Judge: judgeKeyStoreChanged,
		Doc: Doc{
			Meaning: "Somebody created, changed, disconnected or deleted a custom key store: the CloudHSM cluster or the " +
				"external key manager that holds keys' material. While a store is disconnected none of its keys works; " +
				"whoever changes where it points decides who holds them.",
			Condition: "CreateCustomKeyStore, UpdateCustomKeyStore, DisconnectCustomKeyStore or DeleteCustomKeyStore that " +
				"succeeded. One finding for each store, principal and operation.",
			Tuning:         "`detections.severity` sets another severity.",
			FalsePositives: "Maintenance of a CloudHSM cluster or an external key manager; renewed credentials of its proxy.",
			Response:       "Unless it is meant, connect the store again, and see where it points.",
		},
	}
}

func judgeKeyStoreChanged(_ *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	s := keyStoreOf(ev)
	var did, so string
	switch ev.EventName {
	case "CreateCustomKeyStore":
		did, so = "created", "Keys can now be made whose material AWS does not hold."
	case "UpdateCustomKeyStore":
		did, so = "changed", changedSettings(ev)
	case "DisconnectCustomKeyStore":
		did, so = "disconnected", "None of its keys works until it is connected again."
	case "DeleteCustomKeyStore":
		did, so = "deleted", "It had no keys any more, or KMS would have refused."
	default:
		return nil
	}
	f := Found{
		About: s.place, Title: "A custom key store was " + did, Discriminator: ev.EventName,
		Description: sentences(fmt.Sprintf("%s %s %s.", who(ev), did, s.name), so),
		Remedy: []string{
			"See where the store points and whether it is connected:",
			awsCLI("kms describe-custom-key-stores", s.place.region, "custom-key-store-id", s.id),
			"If nobody meant this, undo it. A store that was disconnected:",
			awsCLI("kms connect-custom-key-store", s.place.region, "custom-key-store-id", s.id),
			"See who else did the like:", callsOf(ev.EventName, s.place.region),
		},
	}
	if s.named {
		f.Subject = finding.Subject{Type: finding.Store, ID: s.id}
	}
	return one(f)
}

// keyStore is the custom key store a call is about.
type keyStore struct {
	id    string // cks-…, else something that no command takes for one
	named bool   // the record says which store it is
	name  string // in a sentence
	place target // its account and Region
}

func keyStoreOf(ev *events.Event) keyStore {
	s := keyStore{id: ev.RequestString("customKeyStoreId"), name: "a custom key store that the event does not name"}
	if s.id == "" {
		s.id = ev.ResponseElements.Get("customKeyStoreId").Text()
	}
	s.place = target{
		account: ev.RecipientAccountID, region: ev.AWSRegion, partition: events.Partition(ev.AWSRegion),
	}
	if s.place.account == "" {
		s.place.account = ev.UserIdentity.AccountID
	}
	called := ev.RequestString("customKeyStoreName")
	if called == "" {
		called = ev.AdditionalEventData.Get("customKeyStoreName").Text()
	}
	switch s.named = s.id != ""; {
	case s.named && called != "":
		s.name = fmt.Sprintf("the custom key store %s (%s)", shown(called), shown(s.id))
	case s.named:
		s.name = "the custom key store " + shown(s.id)
	default:
		s.id = "STORE-ID"
	}
	return s
}

// changedSettings lists what an update set. A password's or credential's value is none of anybody's business.
func changedSettings(ev *events.Event) string {
	var set []string
	for name, value := range ev.RequestParameters.Members() {
		secret := strings.Contains(strings.ToLower(name), "password") ||
			strings.Contains(strings.ToLower(name), "credential")
		switch text := value.Text(); {
		case name == "customKeyStoreId" || len(set) == maxListed:
		case secret || text == "":
			set = append(set, shown(name))
		default:
			set = append(set, shown(name)+" to "+shown(text))
		}
	}
	if len(set) == 0 {
		return ""
	}
	return "It set " + strings.Join(set, ", ") + "."
}
