package awskms

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

func TestReadsAreRepeatedWhileThatMayHelp(t *testing.T) {
	tests := []struct {
		name   string
		errs   []error // of the first requests; then KMS answers
		want   int
		failed Class // OK: it came through
	}{
		{"throttled twice", []error{apiError("ThrottlingException"), apiError("ThrottlingException")}, 3, OK},
		{"an internal error", []error{apiError("KMSInternalException")}, 2, OK},
		{"a lost connection", []error{errors.New("connection reset by peer")}, 2, OK},
		{"throttled for a while", slices.Repeat([]error{apiError("ThrottlingException")}, 9), 10, OK},
		{"a wrong ARN is not repeated", []error{apiError("InvalidArnException")}, 1, InvalidArn},
		{"credentials that come back", []error{errCredentials}, 2, OK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(1)
				errs := tt.errs
				f.answer = func(op operation, _ string) error {
					if op != describeKey || len(errs) == 0 {
						return nil
					}
					err := errs[0]
					errs = errs[1:]
					return err
				}
				known := &inventory.Key{ARN: fakeARN(0), Rotation: &inventory.Rotation{}}
				_, err := f.client(Options{}).ReadDrift(t.Context(), known)
				if n := f.count(describeKey); n != tt.want || Classify(err) != tt.failed {
					t.Errorf("%d requests, %s (%v); want %d, %s", n, Classify(err), err, tt.want, tt.failed)
				}
			})
		})
	}
}

func TestAKeyWhoseRotationWentOffIsDescribedAgain(t *testing.T) {
	// Rotation goes off with the key: without a second look it would seem enabled and not rotating.
	for known, want := range map[*inventory.Rotation]int{nil: 2, {Enabled: true}: 2, {}: 1} {
		f := newFake(1)
		_, err := f.client(Options{}).ReadDrift(t.Context(), &inventory.Key{ARN: fakeARN(0), Rotation: known})
		if n := f.count(describeKey); err != nil || n != want {
			t.Errorf("known as %+v: described %d times (%v), want %d", known, n, err, want)
		}
	}
}

func TestChangesAreAskedForOnce(t *testing.T) {
	tests := []struct {
		err  error
		want remediation.AnswerKind
	}{
		{nil, remediation.Accepted},
		{apiError("ThrottlingException"), remediation.Rejected},
		{apiError("KMSInvalidStateException"), remediation.Rejected},
		{apiError("NotFoundException"), remediation.Rejected},
		{errCredentials, remediation.Rejected},
		{apiError("ConflictException"), remediation.Busy},
		{apiError("LimitExceededException"), remediation.Refused},
		{apiError("DisabledException"), remediation.Refused},
		{apiError("UnsupportedOperationException"), remediation.Refused},
		{apiError("AccessDeniedException"), remediation.Refused},
		{apiError("InvalidArnException"), remediation.Refused},
		{apiError("KMSInternalException"), remediation.Lost},
		{apiError("DependencyTimeoutException"), remediation.Lost},
		{apiError("NewException"), remediation.Lost},
		{errors.New("unexpected EOF"), remediation.Lost},
		{context.DeadlineExceeded, remediation.Lost},
	}
	for _, tt := range tests {
		name := "accepted"
		if tt.err != nil {
			name = tt.err.Error()
		}
		t.Run(name, func(t *testing.T) {
			f := newFake(1)
			f.answer = func(operation, string) error { return tt.err }
			c := f.client(Options{})
			rotated, enabled := c.RotateOnDemand(t.Context(), fakeARN(0)), c.EnableRotation(t.Context(), fakeARN(0), 90)
			if rotated.Answer().Kind != tt.want || enabled.Answer().Kind != tt.want {
				t.Errorf("RotateOnDemand %s, EnableRotation %s; want %s", rotated.Answer().Kind,
					enabled.Answer().Kind, tt.want)
			}
			want := remediation.Answer{Kind: tt.want, Code: ErrorCode(tt.err)}
			if tt.err != nil {
				want.Message = tt.err.Error()
			}
			if diff := cmp.Diff(want, rotated.Answer()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if f.count(rotateKeyOnDemand) != 1 || f.count(enableKeyRotation) != 1 {
				t.Errorf("asked %d and %d times", f.count(rotateKeyOnDemand), f.count(enableKeyRotation))
			}
		})
	}
}

func TestARequestThatTakesTooLongIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.latency = time.Hour
		started := time.Now()
		r := f.client(Options{Timeout: 3 * time.Second}).RotateOnDemand(t.Context(), fakeARN(0))
		if r.Answer().Kind != remediation.Lost || time.Since(started) != 3*time.Second {
			t.Errorf("after %s: %+v", time.Since(started), r.Answer())
		}
	})
}

func TestNothingIsSentOnceTheContextIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := newFake(1)
	r := f.client(Options{}).RotateOnDemand(ctx, fakeARN(0))
	if f.count(rotateKeyOnDemand) != 0 || r.Answer().Kind != remediation.Rejected {
		t.Errorf("%d requests, %+v", f.count(rotateKeyOnDemand), r.Answer())
	}
}

func TestEveryRequestIsObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.latency = 5 * time.Millisecond
		f.answer = func(op operation, _ string) error {
			if op == getKeyRotationStatus {
				return apiError("AccessDeniedException")
			}
			return nil
		}
		var got []Call
		c := f.client(Options{Observe: func(call Call) { got = append(got, call) }})
		if _, err := c.In(Act).ReadDrift(t.Context(), &inventory.Key{ARN: fakeARN(0)}); err != nil {
			t.Fatal(err)
		}
		want := []Call{
			{Operation: "DescribeKey", Class: OK, Duration: f.latency},
			{Operation: "GetKeyRotationStatus", Class: AccessDenied, Duration: f.latency},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("observed (-want +got):\n%s", diff)
		}
	})
}
