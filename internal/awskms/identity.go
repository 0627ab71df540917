package awskms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Identity is who credentials belong to.
type Identity struct {
	Partition string
	Account   string
	ARN       string // of the user, or of the session of a role
}

// WhoAmI asks STS who cfg's credentials belong to.
func WhoAmI(ctx context.Context, cfg aws.Config) (Identity, error) {
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, fmt.Errorf("asking STS who rotd is: %w", err)
	}
	id := Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}
	if parts := strings.SplitN(id.ARN, ":", 3); len(parts) == 3 {
		id.Partition = parts[1]
	}
	return id, nil
}

// Plainly says of an error of WhoAmI what is wrong, without all that the SDK says around it.
func Plainly(err error) string {
	if errors.Is(err, errCredentials) {
		_, why, _ := strings.Cut(err.Error(), errCredentials.Error()+": ")
		return errCredentials.Error() + " in the environment, in AWS_PROFILE or ~/.aws, or of the container's or " +
			"instance's role: " + why
	}
	if code := ErrorCode(err); code != "" {
		return "AWS refuses rotd's credentials: " + code + ": " + Message(err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "AWS does not answer"
	}
	if sent, ok := errors.AsType[*url.Error](err); ok {
		at, _ := strings.CutPrefix(sent.URL, "https://")
		return "AWS cannot be reached at " + strings.TrimSuffix(at, "/") + ": " + sent.Err.Error()
	}
	return err.Error()
}
