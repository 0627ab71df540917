package awssts

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"rotd/internal/awssim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an STS, and somebody who signs for it.
type world struct {
	sim      *awssim.Sim
	user     awssim.Principal
	cfg      aws.Config
	verifier *Verifier
}

func newWorld(t *testing.T) *world {
	t.Helper()
	sim := awssim.New(awssim.Options{})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{sim: sim, user: sim.NewAccessKey("111122223333", "bob"), verifier: NewVerifier(transport, sim.URL())}
	w.cfg = configOf(w.user, sim.URL())
	return w
}

func configOf(p awssim.Principal, endpoint string) aws.Config {
	cfg := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider(p.AccessKeyID,
		p.SecretAccessKey, p.SessionToken)}
	if endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg
}

func subject() Subject {
	return Subject{Plan: "v1:0a1b", Nonce: strings.Repeat("0a", 16), Shard: "default"}
}

func (w *world) sign(t *testing.T, s Subject) string {
	t.Helper()
	signed, err := Sign(t.Context(), w.cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// identify checks and asks.
func (w *world) identify(t *testing.T, signed string, s Subject) (Identity, error) {
	t.Helper()
	proof, err := w.verifier.Check(signed, s, time.Now())
	if err != nil {
		return Identity{}, err
	}
	return proof.Ask(t.Context())
}

func TestSTSNamesWhoSigned(t *testing.T) {
	w := newWorld(t)
	got, err := w.identify(t, w.sign(t, subject()), subject())
	want := Identity{
		ARN: "arn:aws:iam::111122223333:user/bob", Account: "111122223333", UserID: w.user.PrincipalID,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("identity (-want +got), %v:\n%s", err, diff)
	}
}

func TestASignatureOverSomethingElseIsRefusedBySTS(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, subject())
	for name, change := range map[string]func(*Subject){
		"another plan":  func(s *Subject) { s.Plan = "v1:ffff" },
		"another nonce": func(s *Subject) { s.Nonce = strings.Repeat("ff", 16) },
		"another shard": func(s *Subject) { s.Shard = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			s := subject()
			change(&s)
			_, err := w.identify(t, signed, s)
			if !errors.Is(err, ErrProof) || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatSTSDoesNotAnswerProvesNothing(t *testing.T) {
	fault := func(code string, status int) func(*world) {
		return func(w *world) {
			w.sim.Plan(awssim.Fault{
				Operation: "GetCallerIdentity",
				Err:       &awssim.APIError{Code: code, Status: status, Message: "not now"},
			})
		}
	}
	for name, tt := range map[string]struct {
		trouble func(*world)
		proof   bool // the proof is to blame
		says    string
	}{
		"STS is unreachable": {func(w *world) { w.sim.Outage("sts", true) }, false, "ask AWS STS at 127.0.0.1"},
		"STS fails":          {fault("InternalFailure", 500), false, "500"},
		"STS throttles":      {fault("Throttling", 429), false, "429"},
		"the key is deleted": {
			func(w *world) { w.sim.RemovePrincipal(w.user.AccessKeyID) }, true, "InvalidClientTokenId",
		},
		"the session has expired": {fault("ExpiredToken", 403), true, "403 ExpiredToken"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			signed := w.sign(t, subject())
			tt.trouble(w)
			_, err := w.identify(t, signed, subject())
			if err == nil || errors.Is(err, ErrProof) != tt.proof || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v", err)
			}
			if strings.Contains(err.Error(), "Signature=") {
				t.Errorf("the error has the signature: %v", err)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t)
	elsewhere := httptest.NewServer(http.RedirectHandler(w.sim.URL(), http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	transport := &http.Transport{DisableKeepAlives: true}
	w.verifier, w.cfg = NewVerifier(transport, elsewhere.URL), configOf(w.user, elsewhere.URL)
	_, err := w.identify(t, w.sign(t, subject()), subject())
	if !errors.Is(err, ErrProof) || !strings.Contains(err.Error(), "307") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyAnAnswerOfSTSNamesAnybody(t *testing.T) {
	const (
		open, end = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`,
			`<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
		arn  = `<Arn>arn:aws:iam::111122223333:user/bob</Arn>`
		user = `<UserId>AIDAEXAMPLE</UserId>`
		acct = `<Account>111122223333</Account>`
	)
	result := func(members string) string {
		return open + "<GetCallerIdentityResult>" + members + "</GetCallerIdentityResult>" + end
	}
	const xml = "text/xml"
	good := result(arn + user + acct)
	for name, tt := range map[string]struct {
		body, kind string
		ok         bool
	}{
		"as documented":            {good, xml, true},
		"JSON":                     {`{"GetCallerIdentityResponse":{}}`, "application/json", false},
		"XML that says it is JSON": {good, "application/json", false},
		"without an ARN":           {result(user + acct), xml, false},
		"with two ARNs":            {result(arn + arn + user + acct), xml, false},
		"of two accounts":          {result(arn + user + `<Account>444455556666</Account>`), xml, false},
		"with more than is known":  {result(arn + user + acct + `<Other>x</Other>`), xml, false},
		"of another namespace":     {strings.Replace(good, "2011-06-15", "2099-01-01", 1), xml, false},
		"of another operation":     {strings.ReplaceAll(good, "CallerIdentity", "SessionToken"), xml, false},
		"with two results": {
			strings.Replace(good, end, strings.TrimPrefix(strings.TrimSuffix(good, end), open)+end, 1), xml, false,
		},
		"followed by something else": {good + "<x/>", xml, false},
		"of no end":                  {good + strings.Repeat(" ", maxAnswer), xml, false},
		"with an ARN of no identity": {result(`<Arn>arn:aws:kms::111122223333:key/x</Arn>` + user + acct), xml, false},
		"with elements in the ARN":   {strings.Replace(good, "</Arn>", "<b/></Arn>", 1), xml, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				_, _ = w.Write([]byte(tt.body))
			}))
			defer server.Close()
			w := &world{
				cfg:      configOf(awssim.Principal{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "s"}, server.URL),
				verifier: NewVerifier(&http.Transport{DisableKeepAlives: true}, server.URL),
			}
			got, err := w.identify(t, w.sign(t, subject()), subject())
			if tt.ok != (err == nil) || err != nil && !errors.Is(err, ErrProof) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
		`<Arn>arn:aws:iam::111122223333:user/bob</Arn><UserId>AIDAX</UserId><Account>111122223333</Account>` +
		`</GetCallerIdentityResult></GetCallerIdentityResponse>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := parse(body)
		if err == nil && (id.ARN == "" || id.UserID == "" || !strings.Contains(id.ARN, "::"+id.Account+":")) {
			t.Errorf("%+v of %q", id, body)
		}
	})
}
