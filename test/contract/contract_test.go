package contract

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// behaviour is one thing that rotd relies on. It answers nil if the server does it.
type behaviour struct {
	service string
	name    string // a sentence
	check   func(ctx context.Context, a *api) error
}

// api is one server through the SDK's clients, without retries: a server's first answer is its answer.
type api struct {
	name string // makes names of resources, distinct for each behaviour
	sqs  *sqs.Client
	sns  *sns.Client
	s3   *s3.Client
	kms  *kms.Client
}

func newAPI(cfg aws.Config, name string) *api {
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return &api{
		name: name,
		sqs:  sqs.NewFromConfig(cfg),
		sns:  sns.NewFromConfig(cfg),
		s3:   s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		kms:  kms.NewFromConfig(cfg),
	}
}

// patience is how long a behaviour may take; none waits for more than a few seconds.
const patience = 15 * time.Second

func behaviours() []behaviour {
	return slices.Concat(sqsBehaviours(), snsBehaviours(), s3Behaviours(), s3CopyBehaviours(), kmsBehaviours())
}

// Every behaviour holds on every server of its service, but for what the server is known to lack; what is known to be
// lacking is tried as well, so that the list does not outlive the lack.
func TestContract(t *testing.T) {
	for _, server := range servers() {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			cfg := server.start(t)
			for i, b := range behaviours() {
				if !slices.Contains(server.services, b.service) {
					continue
				}
				t.Run(b.service+" "+b.name, func(t *testing.T) {
					if !server.serial {
						t.Parallel()
					}
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					err := b.check(ctx, newAPI(cfg, fmt.Sprintf("contract-%d", i)))
					lack, lacking := server.lacks[b.name]
					switch {
					case err != nil && !lacking:
						t.Error(err)
					case err == nil && lacking:
						t.Errorf("it does now; the table says: %s", lack)
					}
				})
			}
		})
	}
}

func TestWhatServersLackIsAboutBehavioursTheyAreAskedFor(t *testing.T) {
	for _, server := range servers() {
		for name := range server.lacks {
			known := slices.ContainsFunc(behaviours(), func(b behaviour) bool {
				return b.name == name && slices.Contains(server.services, b.service)
			})
			if !known {
				t.Errorf("%s: no behaviour %q of its services", server.name, name)
			}
		}
	}
}

func TestBehavioursAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range behaviours() {
		if seen[b.name] {
			t.Errorf("%q is there twice", b.name)
		}
		seen[b.name] = true
	}
}

var update = flag.Bool("update", false, "write docs/contract.md")

const page = "../../docs/contract.md"

func TestThePageIsMadeFromTheTables(t *testing.T) {
	want := render()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: go test -update in test/contract", page)
	}
}

// render is docs/contract.md.
func render() string {
	var b strings.Builder
	b.WriteString(`# What rotd expects of AWS, and who agrees

rotd's tests and its demo run against a simulated AWS (internal/awssim). The contract suite in test/contract asks it,
and independent servers, for the behaviours that rotd relies on, through the real SDK. A behaviour that an independent
server shows as well was understood the same way by somebody else. ` + "`make contract`" + ` runs it, CI does.

Nothing here has been asked of AWS itself. On-demand rotation, its history and CloudTrail's events exist in no server
but the simulator: that part follows AWS's documentation alone.

This page is made from the suite's tables (` + "`go test -update`" + ` in test/contract); do not edit it.
`)
	all := servers()
	for _, service := range []string{"SQS", "SNS", "S3", "KMS"} {
		var asked []server
		for _, s := range all {
			if slices.Contains(s.services, service) {
				asked = append(asked, s)
			}
		}
		fmt.Fprintf(&b, "\n## %s\n\n| behaviour |", service)
		for _, s := range asked {
			fmt.Fprintf(&b, " %s |", s.name)
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(asked)) + "\n")
		for _, behaviour := range behaviours() {
			if behaviour.service != service {
				continue
			}
			fmt.Fprintf(&b, "| %s |", behaviour.name)
			for _, s := range asked {
				if _, lacking := s.lacks[behaviour.name]; lacking {
					b.WriteString(" **no** |")
				} else {
					b.WriteString(" yes |")
				}
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n## What each lacks\n")
	for _, s := range all {
		fmt.Fprintf(&b, "\n**%s** (%s; %s)\n\n", s.name, s.origin, strings.Join(s.services, ", "))
		if len(s.lacks) == 0 {
			b.WriteString("- nothing of the above\n")
		}
		for _, behaviour := range behaviours() {
			if lack, lacking := s.lacks[behaviour.name]; lacking {
				fmt.Fprintf(&b, "- %s: %s\n", behaviour.name, lack)
			}
		}
	}
	return b.String()
}

// until asks until check answers nil or ctx ends: servers do some things in the background.
func until(ctx context.Context, check func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// refusal expects err to be the SDK's typed error E.
func refusal[E error](err error) error {
	var typed E
	if errors.As(err, &typed) {
		return nil
	}
	return fmt.Errorf("answer %w, want %T", orNone(err), typed)
}

// refusedAs expects err to be an API error with one of the codes.
func refusedAs(err error, codes ...string) error {
	var api smithy.APIError
	if errors.As(err, &api) && slices.Contains(codes, api.ErrorCode()) {
		return nil
	}
	return fmt.Errorf("answer %w, want %s", orNone(err), strings.Join(codes, " or "))
}

func orNone(err error) error {
	if err == nil {
		return errors.New("without an error")
	}
	return err
}

// same expects got to be want.
func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}
