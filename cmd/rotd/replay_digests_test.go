package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
	"rotd/internal/awssim"
)

// signedArchive is an archive of some hours, a log file and a digest each: bodies by key, and the digests' signatures.
type signedArchive struct {
	key                *rsa.PrivateKey
	bodies, signatures map[string]string
}

const fingerprint = "31e8b5433410dfb61a9dc45cc65b22ff"

func newSignedArchive(t *testing.T, hours int) *signedArchive {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := &signedArchive{key: key, bodies: map[string]string{}, signatures: map[string]string{}}
	before, object := "null", any(nil)
	for hour := 10; hour < 10+hours; hour++ {
		log := fmt.Sprintf("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/14/"+
			"111122223333_CloudTrail_eu-west-1_20260314T%02d30Z_abcdefghijklmn%02d.json", hour, hour)
		a.bodies[log] = `{"Records":[]}`
		digest := fmt.Sprintf("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/14/"+
			"111122223333_CloudTrail-Digest_eu-west-1_main_eu-west-1_20260314T%02d0000Z.json", hour+1)
		members := map[string]any{
			"digestStartTime": fmt.Sprintf("2026-03-14T%02d:00:00Z", hour), "digestS3Bucket": "example-trail",
			"digestEndTime": fmt.Sprintf("2026-03-14T%02d:00:00Z", hour+1), "digestS3Object": digest,
			"digestPublicKeyFingerprint": fingerprint, "previousDigestS3Object": object, "previousDigestSignature": nil,
			"logFiles": []any{map[string]any{
				"s3Object": log, "hashAlgorithm": "SHA-256", "hashValue": fmt.Sprintf("%x", sha256.Sum256([]byte(a.bodies[log]))),
			}},
		}
		if object != nil {
			members["previousDigestSignature"] = before
		}
		raw, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		a.bodies[digest] = string(raw)
		signed := sha256.Sum256([]byte(fmt.Sprintf("%s\nexample-trail/%s\n%x\n%s", members["digestEndTime"], digest,
			sha256.Sum256(raw), before)))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, signed[:])
		if err != nil {
			t.Fatal(err)
		}
		a.signatures[digest] = hex.EncodeToString(signature)
		before, object = a.signatures[digest], digest
	}
	return a
}

// alter writes another record into the log file of noon.
func (a *signedArchive) alter() {
	for name := range a.bodies {
		if strings.Contains(name, "T1230Z") {
			a.bodies[name] = `{"Records":[ ]}`
		}
	}
}

// onDisk is the archive in a folder, with or without the last digest's signature beside it, and a file of its key.
func (a *signedArchive) onDisk(t *testing.T, signed bool) (folder, keys string) {
	t.Helper()
	folder = t.TempDir()
	write := func(name, body string) {
		t.Helper()
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, body := range a.bodies {
		write(name, body)
		if strings.Contains(name, "T130000Z") && signed {
			write(name+".sig", `{"Metadata": {"signature": "`+a.signatures[name]+`", "signature-algorithm": "SHA256withRSA"}}`)
		}
	}
	write("keys.txt", fmt.Sprintf(`{"PublicKeyList": [{"Fingerprint": %q, "Value": %q, "ValidityStartTime": `+
		`"2026-01-01T00:00:00+00:00", "ValidityEndTime": "2026-07-01T00:00:00+00:00"}]}`, fingerprint,
		base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&a.key.PublicKey))))
	return folder, filepath.Join(folder, "keys.txt")
}

func TestReplayValidatesAnArchiveOnDisk(t *testing.T) {
	for _, test := range []struct {
		name   string
		signed bool
		alter  bool
		args   []string
		status admin.ExitStatus
	}{
		{"replay-digests", true, false, nil, admin.ExitDone},
		{"replay-digests-jsonl", true, false, []string{"-o", "jsonl"}, admin.ExitDone},
		{"replay-digests-unsigned", false, false, nil, admin.ExitUnfinished},
		{"replay-digests-altered", true, true, nil, admin.ExitUnfinished},
		{"replay-digests-altered-json", true, true, []string{"-o", "json"}, admin.ExitUnfinished},
		{"replay-digests-altered-jsonl", true, true, []string{"-o", "jsonl"}, admin.ExitUnfinished},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newSignedArchive(t, 3)
			if test.alter {
				a.alter()
			}
			folder, keys := a.onDisk(t, test.signed)
			s := newSession(nil)
			args := append([]string{"replay", "--validate-digests", "--public-keys", keys}, test.args...)
			if got := s.run(t, append(args, folder)...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			shown := strings.ReplaceAll(s.out.String()+s.err.String(), folder, "/archive")
			golden(t, test.name, regexp.MustCompile(`"seconds": ?[0-9.e-]+`).ReplaceAllString(shown, `"seconds": 0`))
		})
	}
}

func TestReplayValidatesAnArchiveInS3(t *testing.T) {
	for _, test := range []struct {
		name   string
		hours  int
		allow  []string
		denied []string // what names of objects that are denied contain
		status admin.ExitStatus
		out    map[string]int // how often it is said
		err    map[string]int
	}{
		{
			name: "by CloudTrail's keys", hours: 3, status: admin.ExitDone,
			out: map[string]int{"valid         3 of 3 log files, 3 of 3 digests\n": 1},
		},
		{
			name: "without being allowed to ask for them", hours: 3, allow: []string{"s3:ListBucket", "s3:GetObject"},
			status: admin.ExitUnfinished, out: map[string]int{"digest, key-unknown: ": 3},
			err: map[string]int{"which needs cloudtrail:ListPublicKeys": 1, "--public-keys takes them from a file": 1},
		},
		{
			name: "with digests that are denied", hours: 12, denied: []string{"CloudTrail-Digest"}, status: admin.ExitUnfinished,
			out: map[string]int{"digest, unreadable: ": 12, "log, unproven: ": 12, "missing": 0, "0 of 12 digests": 1},
			err: map[string]int{"T110000Z.json and 11 more: cannot be read: AccessDenied": 1, "AccessDenied": 1},
		},
		{
			name: "with log files that are denied", hours: 12, denied: []string{"/CloudTrail/"}, status: admin.ExitUnfinished,
			out: map[string]int{"log, unreadable: ": 10, "log, untried: ": 2, "missing": 0, "12 of 12 digests": 1},
			err: map[string]int{
				"10.json and 9 more: cannot be read: AccessDenied": 1, "AccessDenied": 1,
				"10 objects in a row were denied: the others were not tried": 1, "nothing was read and judged": 1,
			},
		},
		{
			name: "with log files between others that are denied", hours: 4,
			denied: []string{"_20260314T1030Z_", "_20260314T1230Z_"},
			status: admin.ExitUnfinished, out: map[string]int{"log, unreadable: ": 2, "2 of 4 log files": 1},
			err: map[string]int{"cannot be read: AccessDenied": 2, "more: ": 0},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sim := bucketOf(t, newSignedArchive(t, test.hours), test.allow...)
			for _, denied := range test.denied {
				sim.Plan(awssim.Fault{Operation: "GetObject", Contains: denied, Err: &awssim.APIError{
					Code: "AccessDenied", Status: http.StatusForbidden, Message: "Access Denied",
				}})
			}
			s := newSession(nil)
			got := s.run(t, "replay", "--validate-digests", "s3://example-trail/AWSLogs/")
			if got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			for text, n := range test.out {
				if strings.Count(s.out.String(), text) != n {
					t.Errorf("%q is not %d times in:\n%s", text, n, s.out.String())
				}
			}
			for text, n := range test.err {
				if strings.Count(s.err.String(), text) != n {
					t.Errorf("%q is not %d times in:\n%s", text, n, s.err.String())
				}
			}
		})
	}
}

// bucketOf is an archive in a bucket of a simulated S3.
func bucketOf(t *testing.T, a *signedArchive, allow ...string) *awssim.Sim {
	t.Helper()
	sim := trailBucket(t, allow...)
	for name, body := range a.bodies {
		header := map[string]string{}
		if signature := a.signatures[name]; signature != "" {
			header = map[string]string{
				"X-Amz-Meta-Signature": signature, "X-Amz-Meta-Signature-Algorithm": "SHA256withRSA",
			}
		}
		if err := sim.PutObject("example-trail", name, []byte(body), header); err != nil {
			t.Fatal(err)
		}
	}
	sim.AddDigestKey(awssim.DigestKey{
		Region: "eu-west-1", Fingerprint: fingerprint, DER: x509.MarshalPKCS1PublicKey(&a.key.PublicKey),
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
	})
	return sim
}

func TestALogFileIsNotMissingWhereAPathCannotBeListed(t *testing.T) {
	folder, keys := newSignedArchive(t, 3).onDisk(t, true)
	if err := os.RemoveAll(filepath.Join(folder, "AWSLogs/111122223333/CloudTrail")); err != nil {
		t.Fatal(err)
	}
	s := newSession(nil)
	got := s.run(t, "replay", "--validate-digests", "--public-keys", keys, folder, filepath.Join(folder, "unmounted"))
	if out := s.out.String(); got != admin.ExitUnfinished || strings.Count(out, "log, untried: ") != 3 {
		t.Errorf("exit status %d:\n%s", got, out)
	}
}

func TestAReplayPrintsTheSameEachTime(t *testing.T) {
	a := newSignedArchive(t, 12)
	a.alter()
	folder, keys := a.onDisk(t, false)
	for _, output := range []string{"table", "json", "jsonl", "csv"} {
		args := []string{"replay", "-o", output, "../../testdata/trail", folder}
		if output != "csv" {
			args = append(args, "--validate-digests", "--public-keys", keys)
		}
		printed := func() string {
			s := newSession(nil)
			s.run(t, args...)
			return regexp.MustCompile(`"seconds": ?[0-9.e-]+`).ReplaceAllString(s.out.String()+s.err.String(), "")
		}
		once := printed()
		for range 3 {
			if diff := cmp.Diff(once, printed()); diff != "" {
				t.Errorf("%s (-once +again):\n%s", output, diff)
			}
		}
	}
}
