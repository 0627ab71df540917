package trail

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testAccount = "111122223333"

var firstHour = time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC)

// signer signs digests as CloudTrail does.
type signer struct {
	key *rsa.PrivateKey
	PublicKey
}

func newSigner(t testing.TB, fingerprint string) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key, PublicKey{
		Fingerprint: fingerprint, DER: x509.MarshalPKCS1PublicKey(&key.PublicKey), From: firstHour.AddDate(0, -1, 0),
		To: firstHour.AddDate(1, 0, 0),
	}}
}

// delivered is a file of a made up archive; signature is S3's metadata of a digest.
type delivered struct {
	path, body, signature string
}

func logAt(hour, n int) string {
	at := firstHour.Add(time.Duration(hour)*time.Hour + time.Duration(20+5*n)*time.Minute)
	return fmt.Sprintf("AWSLogs/%s/CloudTrail/eu-west-1/%s/%s_CloudTrail_eu-west-1_%s_%016d.json.gz", testAccount,
		at.Format(dayLayout), testAccount, at.Format("20060102T1504Z"), 100*hour+n)
}

func digestAt(hour int) string {
	end := firstHour.Add(time.Duration(hour+1) * time.Hour)
	return fmt.Sprintf("AWSLogs/%s/CloudTrail-Digest/eu-west-1/%s/"+
		"%s_CloudTrail-Digest_eu-west-1_main_us-east-1_%s.json.gz", testAccount, end.Format(dayLayout), testAccount,
		end.Format("20060102T150405Z"))
}

// backfillAt is the backfill of an hour's digest.
func backfillAt(hour int) string {
	return strings.TrimSuffix(digestAt(hour), ".json.gz") + "_backfill.json.gz"
}

// sign makes a digest of members, which name what is before it.
func (s *signer) sign(t testing.TB, at string, members map[string]any) delivered {
	t.Helper()
	before := "null"
	if previous, ok := members["previousDigestSignature"].(string); ok {
		before = previous
	}
	d := delivered{path: at, body: jsonText(t, members)}
	sum := sha256.Sum256([]byte(d.body))
	signed := sha256.Sum256([]byte(fmt.Sprintf("%s\n%s/%s\n%x\n%s", members["digestEndTime"], members["digestS3Bucket"],
		members["digestS3Object"], sum, before)))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, signed[:])
	if err != nil {
		t.Fatal(err)
	}
	d.signature = hex.EncodeToString(signature)
	return d
}

// members are those of a digest of an hour that is the first of its chain.
func (s *signer) members(at string, hour int, logs ...map[string]any) map[string]any {
	start := firstHour.Add(time.Duration(hour) * time.Hour)
	return map[string]any{
		"awsAccountId": testAccount, "digestStartTime": start.Format(time.RFC3339),
		"digestEndTime": start.Add(time.Hour).Format(time.RFC3339), "digestS3Bucket": "trail",
		"digestS3Object": "org/" + at, "digestPublicKeyFingerprint": s.Fingerprint,
		"digestSignatureAlgorithm": "SHA256withRSA", "previousDigestS3Object": nil, "previousDigestSignature": nil,
		"logFiles": logs,
	}
}

// follows makes a digest's members name the one before.
func follows(members map[string]any, previous *delivered) map[string]any {
	members["previousDigestS3Object"], members["previousDigestSignature"] = "org/"+previous.path, previous.signature
	return members
}

func sumOf(body string) [sha256.Size]byte { return sha256.Sum256([]byte(body)) }

// named is a log file as a digest names it.
func named(log *delivered) map[string]any {
	sum := sumOf(log.body)
	return map[string]any{
		"s3Bucket": "trail", "s3Object": "org/" + log.path, "hashValue": hex.EncodeToString(sum[:]),
		"hashAlgorithm": "SHA-256",
	}
}

// archive is hours of an archive, with two log files each and none in the second one. begins are those in which a chain
// begins.
func archive(t testing.TB, by *signer, hours int, begins ...int) (files []delivered) {
	t.Helper()
	var previous delivered
	for hour := range hours {
		var logs []map[string]any
		for n := range 2 {
			if hour == 1 {
				break // CloudTrail makes digests also when nothing happened
			}
			log := delivered{path: logAt(hour, n), body: fmt.Sprintf(`{"Records":[{"n":%d}]}`, 10*hour+n)}
			logs = append(logs, named(&log))
			files = append(files, log)
		}
		members := by.members(digestAt(hour), hour, logs...)
		if previous.path != "" && !slices.Contains(begins, hour) {
			follows(members, &previous)
		}
		previous = by.sign(t, digestAt(hour), members)
		files = append(files, previous)
	}
	return files
}

func jsonText(t testing.TB, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// take gives a file to a validation as if it lay at a path.
func take(v *Validation, at string, f delivered) {
	if isDigest(f.path) {
		v.Digest(at, []byte(f.body), f.signature)
		return
	}
	v.Log(at, sumOf(f.body))
}

// validate validates files; what follows a path's name in a line is the detail.
func validate(days Days, files []delivered, keys ...PublicKey) (result Validated, lines []string) {
	v := NewValidation(days)
	for _, f := range files {
		take(v, "/copy/"+f.path, f)
	}
	result = v.End(keys)
	for _, verdict := range result.Verdicts {
		lines = append(lines, fmt.Sprintf("%s %s %s", verdict.Kind, verdict.Verdict, path.Base(verdict.Path)))
	}
	return result, lines
}

func TestValidationTellsWhatWasDoneToAnArchive(t *testing.T) {
	by, other := newSigner(t, "aaaa"), newSigner(t, "bbbb")
	old := by.PublicKey
	old.To = firstHour.AddDate(0, 0, -7)
	without := func(files []delivered, paths ...string) []delivered {
		return slices.DeleteFunc(files, func(f delivered) bool { return slices.Contains(paths, f.path) })
	}
	change := func(files []delivered, at string, to func(*delivered)) []delivered {
		i := slices.IndexFunc(files, func(f delivered) bool { return f.path == at })
		to(&files[i])
		return files
	}
	unsigned := func(files []delivered) []delivered {
		for i := range files {
			files[i].signature = ""
		}
		return files
	}
	name := func(kind Kind, what Integrity, at string) string {
		return fmt.Sprintf("%s %s %s", kind, what, path.Base(at))
	}
	for _, test := range []struct {
		name   string
		files  func(files []delivered) []delivered
		begins []int
		keys   []PublicKey
		days   Days
		valid  [4]int // valid digests of digests, valid log files of log files
		want   []string
	}{
		{name: "an archive as it was delivered", valid: [4]int{4, 4, 6, 6}},
		{
			name: "in the other order", valid: [4]int{4, 4, 6, 6},
			files: func(files []delivered) []delivered { slices.Reverse(files); return files },
		},
		{
			name: "every file twice", valid: [4]int{4, 4, 12, 12},
			files: func(files []delivered) []delivered { return append(files, files...) },
		},
		{
			name: "unzipped files", valid: [4]int{4, 4, 6, 6},
			files: func(files []delivered) []delivered {
				for i := range files {
					files[i].path = strings.TrimSuffix(files[i].path, ".gz")
				}
				return files
			},
		},
		{
			name: "several keys, of which one fits", keys: []PublicKey{other.PublicKey, by.PublicKey},
			valid: [4]int{4, 4, 6, 6},
		},
		{
			name: "a log file that was altered", valid: [4]int{4, 4, 5, 6},
			files: func(files []delivered) []delivered {
				return change(files, logAt(2, 1), func(f *delivered) { f.body += " " })
			},
			want: []string{name(OfLog, Altered, logAt(2, 1))},
		},
		{
			name: "a log file that was removed", valid: [4]int{4, 4, 5, 6},
			files: func(files []delivered) []delivered { return without(files, logAt(2, 1)) },
			want:  []string{name(OfLog, Missing, logAt(2, 1))},
		},
		{
			name: "a log file that was put there, and one that is newer than all digests", valid: [4]int{4, 4, 6, 8},
			files: func(files []delivered) []delivered {
				return append(files, delivered{path: logAt(1, 7)}, delivered{path: logAt(4, 0)})
			},
			want: []string{name(OfLog, Uncovered, logAt(1, 7)), name(OfLog, Uncovered, logAt(4, 0))},
		},
		{
			name: "a log file altered, and its digest made to fit", valid: [4]int{3, 4, 4, 6},
			files: func(files []delivered) []delivered {
				const forged = `{"Records":[]}`
				i := slices.IndexFunc(files, func(f delivered) bool { return f.path == logAt(2, 1) })
				was, is := sha256.Sum256([]byte(files[i].body)), sha256.Sum256([]byte(forged))
				files[i].body = forged
				return change(files, digestAt(2), func(f *delivered) {
					f.body = strings.Replace(f.body, hex.EncodeToString(was[:]), hex.EncodeToString(is[:]), 1)
				})
			},
			want: []string{
				name(OfDigest, Altered, digestAt(2)), name(OfLog, Unproven, logAt(2, 0)), name(OfLog, Unproven, logAt(2, 1)),
			},
		},
		{
			name: "a digest that was removed", valid: [4]int{3, 4, 4, 6},
			files: func(files []delivered) []delivered { return without(files, digestAt(2)) },
			want: []string{
				name(OfDigest, Missing, digestAt(2)), name(OfLog, Uncovered, logAt(2, 0)), name(OfLog, Uncovered, logAt(2, 1)),
			},
		},
		{
			name: "a digest in the place of another", valid: [4]int{3, 5, 4, 6},
			files: func(files []delivered) []delivered {
				return change(files, digestAt(2), func(f *delivered) {
					i := slices.IndexFunc(files, func(f delivered) bool { return f.path == digestAt(1) })
					f.body, f.signature = files[i].body, files[i].signature
				})
			},
			want: []string{
				name(OfDigest, Altered, digestAt(2)), name(OfDigest, Missing, digestAt(2)),
				name(OfLog, Uncovered, logAt(2, 0)), name(OfLog, Uncovered, logAt(2, 1)),
			},
		},
		{
			name: "metadata that was not kept: the next digest has the signature", files: unsigned,
			valid: [4]int{3, 4, 4, 6},
			want: []string{
				name(OfDigest, Unsigned, digestAt(3)), name(OfLog, Unproven, logAt(3, 0)), name(OfLog, Unproven, logAt(3, 1)),
			},
		},
		{
			name: "a signature that was altered: the next digest has the true one", valid: [4]int{4, 4, 6, 6},
			files: func(files []delivered) []delivered {
				return change(files, digestAt(2), func(f *delivered) { f.signature = "00" + f.signature[2:] })
			},
		},
		{
			name: "the last signature is not in hex", valid: [4]int{3, 4, 4, 6},
			files: func(files []delivered) []delivered {
				return change(files, digestAt(3), func(f *delivered) { f.signature = "zz" })
			},
			want: []string{
				name(OfDigest, Altered, digestAt(3)), name(OfLog, Unproven, logAt(3, 0)), name(OfLog, Unproven, logAt(3, 1)),
			},
		},
		{
			name: "a chain that begins anew", begins: []int{2}, valid: [4]int{4, 4, 6, 6},
			want: []string{name(OfDigest, Gap, digestAt(2))},
		},
		{
			name: "another's key", keys: []PublicKey{{
				Fingerprint: by.Fingerprint, DER: other.DER, From: by.From, To: by.To,
			}},
			files: func(files []delivered) []delivered { return files[:3] }, valid: [4]int{0, 1, 0, 2},
			want: []string{
				name(OfDigest, Altered, digestAt(0)), name(OfLog, Unproven, logAt(0, 0)), name(OfLog, Unproven, logAt(0, 1)),
			},
		},
		{
			name: "a key that is not known", keys: []PublicKey{other.PublicKey},
			files: func(files []delivered) []delivered { return files[:3] }, valid: [4]int{0, 1, 0, 2},
			want: []string{
				name(OfDigest, KeyUnknown, digestAt(0)), name(OfLog, Unproven, logAt(0, 0)), name(OfLog, Unproven, logAt(0, 1)),
			},
		},
		{
			name: "a key that was not valid any more", keys: []PublicKey{old},
			files: func(files []delivered) []delivered { return files[2:3] }, valid: [4]int{0, 1, 0, 2},
			want: []string{
				name(OfDigest, KeyUnknown, digestAt(0)), name(OfLog, Missing, logAt(0, 0)), name(OfLog, Missing, logAt(0, 1)),
			},
		},
		{
			name: "an archive from its second hour on: what was before is not asked about", valid: [4]int{3, 3, 4, 4},
			files: func(files []delivered) []delivered { return files[3:] },
		},
		{
			name: "a day of which the first hours are not there", valid: [4]int{3, 4, 4, 4},
			days:  Days{From: firstHour},
			files: func(files []delivered) []delivered { return files[3:] },
			want:  []string{name(OfDigest, Missing, digestAt(0))},
		},
		{
			name: "days that are not asked about", days: Days{To: firstHour.AddDate(0, 0, -2)},
		},
		{
			name: "what is no digest", valid: [4]int{3, 4, 4, 6},
			files: func(files []delivered) []delivered {
				return change(files, digestAt(2), func(f *delivered) { f.body = "{}" })
			},
			want: []string{
				name(OfDigest, Unreadable, digestAt(2)), name(OfLog, Unproven, logAt(2, 0)), name(OfLog, Unproven, logAt(2, 1)),
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := archive(t, by, 4, test.begins...)
			if test.files != nil {
				files = test.files(files)
			}
			keys := test.keys
			if keys == nil {
				keys = []PublicKey{by.PublicKey}
			}
			got, lines := validate(test.days, files, keys...)
			slices.Sort(lines)
			want := slices.Sorted(slices.Values(test.want))
			if diff := cmp.Diff(want, lines); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s\n%+v", diff, got.Verdicts)
			}
			if counts := [4]int{got.ValidDigests, got.Digests, got.ValidLogs, got.Logs}; counts != test.valid {
				t.Errorf("%v are valid, want %v", counts, test.valid)
			}
			if got.Invalid != len(lines) {
				t.Errorf("%d verdicts are counted, and %d told", got.Invalid, len(lines))
			}
		})
	}
}

func TestTheKeysThatAreNeededAreThoseOfTheDigestsAndTheTrailsRegion(t *testing.T) {
	v := NewValidation(Days{})
	for _, f := range archive(t, newSigner(t, "aaaa"), 2) {
		if isDigest(f.path) {
			v.Digest(f.path, []byte(f.body), "")
		}
	}
	regions, from, to := v.KeysOf(firstHour.AddDate(0, 1, 0))
	if diff := cmp.Diff([]string{"eu-west-1", "us-east-1"}, regions); diff != "" {
		t.Errorf("Regions (-want +got):\n%s", diff)
	}
	if !from.Equal(firstHour) || !to.Equal(firstHour.Add(2*time.Hour)) {
		t.Errorf("from %s to %s", from, to)
	}
}

func TestWhatCouldNotBeReadIsNotMissing(t *testing.T) {
	by := newSigner(t, "aaaa")
	for _, first := range []bool{true, false} {
		v := NewValidation(Days{})
		files := archive(t, by, 1)
		if first {
			v.Unread(files[0].path, "denied")
		}
		v.Digest(files[2].path, []byte(files[2].body), files[2].signature)
		v.Log(files[1].path, sha256.Sum256([]byte(files[1].body)))
		if !first {
			v.Unread(files[0].path, "denied")
		}
		got := v.End([]PublicKey{by.PublicKey})
		want := []Verdict{{OfLog, files[0].path, Unreadable, "denied"}}
		if diff := cmp.Diff(want, got.Verdicts); diff != "" || got.Logs != 2 || got.ValidLogs != 1 {
			t.Errorf("first %v: %d of %d, verdicts (-want +got):\n%s", first, got.ValidLogs, got.Logs, diff)
		}
	}
}

func TestPublicKeysAreReadAsBothVersionsOfTheCLIPrintThem(t *testing.T) {
	at := time.Date(2026, 3, 14, 12, 0, 0, 500_000_000, time.UTC)
	want := []PublicKey{{Fingerprint: "aa", DER: []byte("key"), From: at, To: at.Add(time.Hour)}}
	for _, text := range []string{
		`{"PublicKeyList":[{"Value":"a2V5","ValidityStartTime":"2026-03-14T12:00:00.5+00:00",` +
			`"ValidityEndTime":"2026-03-14T14:00:00.5+01:00","Fingerprint":"aa"}]}`,
		`{"PublicKeyList":[{"Value":"a2V5","ValidityStartTime":1773489600.5,"ValidityEndTime":1773493200.5,` +
			`"Fingerprint":"aa"}]}`,
	} {
		got, err := ParsePublicKeys([]byte(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("error %v, keys (-want +got):\n%s", err, diff)
		}
	}
	for _, text := range []string{
		"x", `{"PublicKeyList":[{"Value":"?"}]}`, `{"PublicKeyList":[{"Value":"a2V5","ValidityStartTime":"noon"}]}`,
	} {
		if keys, err := ParsePublicKeys([]byte(text)); err == nil {
			t.Errorf("%s is taken for %v", text, keys)
		}
	}
}

func FuzzDigest(f *testing.F) {
	by := newSigner(f, "aaaa")
	for _, file := range archive(f, by, 3) {
		f.Add(file.path, file.body, file.signature)
	}
	f.Fuzz(func(t *testing.T, file, body, signature string) {
		v := NewValidation(Days{})
		v.Digest(file, []byte(body), signature)
		v.Log(file, sha256.Sum256([]byte(body)))
		v.KeysOf(firstHour)
		got := v.End([]PublicKey{by.PublicKey})
		if got.ValidDigests > got.Digests || got.ValidLogs > got.Logs || got.ValidLogs > 0 {
			t.Errorf("%+v", got)
		}
	})
}
