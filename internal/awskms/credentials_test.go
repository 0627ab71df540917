package awskms

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
)

// rotatingProvider changes its access key when told to.
type rotatingProvider struct{ generation atomic.Int64 }

func (p *rotatingProvider) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: fmt.Sprintf("AKIA%d", p.generation.Load()), SecretAccessKey: "secret",
		CanExpire: true, Expires: time.Now(), // so that nothing is cached
	}, nil
}

func TestEveryAccessKeyIsAnnouncedOnceBeforeItsFirstUse(t *testing.T) {
	provider := &rotatingProvider{}
	var mu sync.Mutex
	announced := map[string]int{}
	creds := Credentials(provider, func(_ context.Context, id string) error {
		runtime.Gosched() // durable takes its time
		mu.Lock()
		defer mu.Unlock()
		announced[id]++
		return nil
	})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 50 {
				got, err := creds.Retrieve(t.Context())
				mu.Lock()
				if err != nil || announced[got.AccessKeyID] == 0 {
					t.Errorf("%s was handed out unannounced: %v", got.AccessKeyID, err)
				}
				mu.Unlock()
				provider.generation.CompareAndSwap(0, 1)
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff(map[string]int{"AKIA0": 1, "AKIA1": 1}, announced); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
}

func TestAnAccessKeyThatCannotBeRecordedIsNotUsed(t *testing.T) {
	full := errors.New("disk full")
	calls := 0
	creds := Credentials(credentials.NewStaticCredentialsProvider("AKIA1", "secret", ""),
		func(context.Context, string) error {
			if calls++; calls < 3 {
				return full
			}
			return nil
		})
	for range 2 {
		if got, err := creds.Retrieve(t.Context()); !errors.Is(err, full) || got.AccessKeyID != "" {
			t.Fatalf("%+v, %v", got, err)
		} else if Classify(err) != CredentialsMissing {
			t.Errorf("class %s", Classify(err))
		}
	}
	for range 2 {
		if got, err := creds.Retrieve(t.Context()); err != nil || got.AccessKeyID != "AKIA1" {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if calls != 3 {
		t.Errorf("announced %d times", calls)
	}
}

func TestRememberedAccessKeysAreBounded(t *testing.T) {
	provider := &rotatingProvider{}
	creds := Credentials(provider, nil)
	for range 3 * rememberedIDs {
		if _, err := creds.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		provider.generation.Add(1)
	}
	if n := len(creds.(*announced).known); n != rememberedIDs {
		t.Errorf("%d remembered", n)
	}
}

func TestWithoutCredentialsNothingIsSigned(t *testing.T) {
	for _, provider := range []aws.CredentialsProvider{nil, aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("no role") })} {
		if _, err := Credentials(provider, nil).Retrieve(t.Context()); Classify(err) != CredentialsMissing {
			t.Errorf("err = %v", err)
		}
	}
}
