package awskms

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// A clock is called wrong from clockWrong on, and right again only below clockRight: at the bound it does not flutter.
const (
	clockWrong = time.Minute
	clockRight = 30 * time.Second
)

// Clock knows how far this machine's clock is from AWS's, by the Date of its answers. The SDK signs by AWS's clock once
// it was refused, so that a wrong clock shows nowhere else: not before what rotd makes of times is wrong.
type Clock struct {
	// Changed is told when the clock is found wrong, and when it is right again: 0. It must not block.
	Changed func(ahead time.Duration)

	mu    sync.Mutex
	wrong bool
	ahead time.Duration
}

// Watch returns cfg with every answer looked at.
func (c *Clock) Watch(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	look := middleware.InitializeMiddlewareFunc("RotdClock", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		if skew, ok := awsmiddleware.GetAttemptSkew(metadata); ok {
			c.note(-skew)
		}
		return out, metadata, err
	})
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(stack *middleware.Stack) error {
		return stack.Initialize.Add(look, middleware.Before)
	})
	return cfg
}

// Ahead is how far this machine's clock is ahead of AWS's, negative when it is behind; 0 when it is right.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wrong {
		return 0
	}
	return c.ahead
}

func (c *Clock) note(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead.Round(10 * time.Second) // answers are dated to the second, and take a while
	switch off := ahead.Abs(); {
	case !c.wrong && off >= clockWrong:
		c.wrong = true
		c.Changed(c.ahead)
	case c.wrong && off < clockRight:
		c.wrong = false
		c.Changed(0)
	}
}
