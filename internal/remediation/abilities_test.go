package remediation

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

var update = flag.Bool("update", false, "write the golden file anew")

// Every value of every enumeration that the SDK knows, and one that it does not, on a key that else could do anything.
func TestEveryKindOfKeyIsExplained(t *testing.T) {
	var text strings.Builder
	show := func(what string, change func(*inventory.Key)) Eligible {
		key := testKey(change)
		e := Eligibility(key)
		fmt.Fprintf(&text, "%s\n", what)
		for _, line := range []struct {
			what string
			is   bool
			why  string
		}{
			{"schedule", e.Automatic, join(e.Reason, e.Instead)},
			{"on demand", e.OnDemand, join(e.Reason, e.Instead)},
			{"replace", e.Replace.Possible, e.Replace.Reason},
			{"contain", e.Contain.Possible, e.Contain.Reason},
			{"reencrypt", reencryptable(key).Possible, reencryptable(key).Reason},
		} {
			if !strings.HasSuffix(line.why, ".") {
				t.Errorf("%s: %s: no sentence says why: %q", what, line.what, line.why)
			}
			fmt.Fprintf(&text, "  %-9s %-3s %s\n", line.what, map[bool]string{true: "yes", false: "no"}[line.is], line.why)
		}
		text.WriteString("\n")
		return e
	}
	usageOf := func(spec types.KeySpec) string {
		switch s := string(spec); {
		case s == symmetric:
			return encryptDecrypt
		case strings.HasPrefix(s, "HMAC"):
			return "GENERATE_VERIFY_MAC"
		case strings.HasPrefix(s, "ML_KEM"):
			return "ENCAPSULATE_DECAPSULATE"
		}
		return "SIGN_VERIFY"
	}
	known := func(what string, e Eligible) {
		if e.Kind == KindUnknown {
			t.Errorf("%s is unknown to rotd, and the SDK knows it", what)
		}
	}
	strange := func(what string, e Eligible) {
		if e.Kind != KindUnknown && e.Kind != KindReplaceOnly || e.Replace.Possible {
			t.Errorf("%s: rotd would touch what it does not know: %+v", what, e)
		}
	}
	for _, v := range types.KeySpec("").Values() {
		known(string(v), show("spec "+string(v), func(k *inventory.Key) { k.Spec, k.Usage = string(v), usageOf(v) }))
	}
	strange("spec", show("spec FUTURE", func(k *inventory.Key) { k.Spec = "FUTURE" }))
	for _, v := range types.KeyUsageType("").Values() {
		e := show("usage "+string(v)+" of RSA_2048", func(k *inventory.Key) { k.Spec, k.Usage = "RSA_2048", string(v) })
		if !e.Replace.Possible {
			t.Errorf("usage %s: %s", v, e.Replace.Reason)
		}
	}
	strange("usage", show("usage FUTURE of RSA_2048", func(k *inventory.Key) { k.Spec, k.Usage = "RSA_2048", "FUTURE" }))
	for _, v := range types.OriginType("").Values() {
		known(string(v), show("origin "+string(v), func(k *inventory.Key) { k.Origin = string(v) }))
	}
	strange("origin", show("origin FUTURE", func(k *inventory.Key) { k.Origin = "FUTURE" }))
	for _, v := range types.KeyManagerType("").Values() {
		known(string(v), show("manager "+string(v), func(k *inventory.Key) { k.Manager = string(v) }))
	}
	strange("manager", show("manager FUTURE", func(k *inventory.Key) { k.Manager = "FUTURE" }))
	for _, v := range types.MultiRegionKeyType("").Values() {
		known(string(v), show("multi-Region "+string(v), func(k *inventory.Key) { k.MultiRegion = string(v) }))
	}
	strange("role", show("multi-Region FUTURE", func(k *inventory.Key) { k.MultiRegion = "FUTURE" }))
	for _, v := range types.KeyState("").Values() {
		known(string(v), show("state "+string(v), func(k *inventory.Key) { k.State = string(v) }))
	}
	strange("state", show("state Future", func(k *inventory.Key) { k.State = "Future" }))
	show("gone", func(k *inventory.Key) { at := testNow(); k.GoneAt = &at })
	show("not described", func(k *inventory.Key) { k.Manager = "" })

	const golden = "testdata/eligibility.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}
