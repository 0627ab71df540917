package trail

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsWrongWithADigestIsSaid(t *testing.T) {
	by := newSigner(t, "aaaa")
	log := delivered{path: logAt(0, 0), body: `{"Records":[]}`}
	sound := func() map[string]any { return by.members(digestAt(0), 0, named(&log)) }
	signed := func(change func(members map[string]any)) delivered {
		members := sound()
		change(members)
		return by.sign(t, digestAt(0), members)
	}
	as := func(members map[string]any, signature string) delivered {
		return delivered{digestAt(0), jsonText(t, members), signature}
	}
	first := by.sign(t, digestAt(0), sound())
	elsewhere := sound()
	elsewhere["digestS3Bucket"] = "another"
	moved := sound()
	moved["digestS3Object"] = "other/" + digestAt(0)
	chained := follows(sound(), &delivered{path: digestAt(-1), signature: "00ff"})
	for _, test := range []struct {
		name   string
		digest delivered
		want   string // of the digest
		detail string
		log    string
	}{
		{"nothing", first, "", "", ""},
		{
			"a signature that is another's", as(sound(), by.sign(t, digestAt(1), by.members(digestAt(1), 1)).signature),
			"altered", "the signature does not fit the content", "unproven",
		},
		{
			"made to be of another bucket", as(elsewhere, first.signature),
			"altered", "the signature does not fit the content", "unproven",
		},
		{
			"made to be under another prefix", as(moved, first.signature),
			"altered", "the signature does not fit the content", "unproven",
		},
		{
			"made to follow another digest", as(chained, first.signature),
			"altered", "the signature does not fit the content", "unproven",
		},
		{
			"signed in a way that is not known", signed(func(m map[string]any) { m["digestSignatureAlgorithm"] = "MD5withRSA" }),
			"key-unknown", `it is signed by "MD5withRSA"`, "unproven",
		},
		{"a log file's hash of another kind", signed(func(m map[string]any) {
			m["logFiles"].([]map[string]any)[0]["hashAlgorithm"] = "MD5"
		}), "", "", "unproven"},
		{"a log file's hash that is too short", signed(func(m map[string]any) {
			m["logFiles"].([]map[string]any)[0]["hashValue"] = "00ff"
		}), "", "", "unproven"},
		{
			"no JSON",
			delivered{digestAt(0), `{"digestEndTime":`, ""},
			"unreadable",
			"not a digest: jsontext: unexpected EOF within \"/digestEndTime\" after offset 17", "unproven",
		},
		{
			"no end", signed(func(m map[string]any) { m["digestEndTime"] = "noon" }), "unreadable",
			`not a digest: its digestEndTime: parsing time "noon" as "2006-01-02T15:04:05Z07:00": cannot parse "noon" as "2006"`,
			"unproven",
		},
		{
			"no bucket", signed(func(m map[string]any) { m["digestS3Bucket"] = "" }), "unreadable",
			"not a digest: it does not say where it was delivered and of which hour it is", "unproven",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, logFirst := range []bool{true, false} {
				v := NewValidation(Days{})
				if logFirst {
					take(v, log.path, log)
				}
				take(v, digestAt(0), test.digest)
				if !logFirst {
					take(v, log.path, log)
				}
				got := map[Kind][]string{}
				result := v.End([]PublicKey{by.PublicKey})
				for _, verdict := range result.Verdicts {
					got[verdict.Kind] = append(got[verdict.Kind], string(verdict.Verdict))
					if verdict.Kind == OfDigest && verdict.Detail != test.detail {
						t.Errorf("detail %q, want %q", verdict.Detail, test.detail)
					}
				}
				want := map[Kind][]string{}
				if test.want != "" {
					want[OfDigest] = []string{test.want}
				}
				if test.log != "" {
					want[OfLog] = []string{test.log}
				}
				if diff := cmp.Diff(want, got); diff != "" || result.Logs != 1 || result.Digests != 1 {
					t.Errorf("log file first %v: %+v, verdicts (-want +got):\n%s", logFirst, result, diff)
				}
			}
		})
	}
}
