package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"rotd/internal/admin"
	"rotd/internal/awstrail"
	"rotd/internal/events/trail"
)

// validated is the shape of validation in -o json.
type validated struct {
	trail.Validated
	Verdicts []trail.Verdict `json:"verdicts"`
}

// validateArchive ends a validation: by public keys from files, or from CloudTrail.
func (c *cli) validateArchive(ctx context.Context, v *trail.Validation, files []string) (*validated, error) {
	keys, err := keysFrom(files)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		if keys, err = askedKeys(ctx, v, c.now()); ctx.Err() != nil {
			return nil, ctx.Err()
		} else if err != nil {
			hint(c.err, "rotd: %s; --public-keys takes them from a file", cleanText(err.Error()))
		}
	}
	end := v.End(keys)
	if end.Verdicts == nil {
		end.Verdicts = []trail.Verdict{}
	}
	return &validated{end, end.Verdicts}, nil
}

func keysFrom(files []string) (keys []trail.PublicKey, err error) {
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read public keys: %w", err)
		}
		some, err := trail.ParsePublicKeys(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		keys = append(keys, some...)
	}
	return keys, nil
}

// askedKeys are the keys that CloudTrail names, of the Regions that could be asked.
func askedKeys(ctx context.Context, v *trail.Validation, now time.Time) (keys []trail.PublicKey, err error) {
	regions, from, to := v.KeysOf(now)
	if len(regions) == 0 {
		return nil, nil
	}
	sdk, err := loadAWS(ctx)
	if err != nil {
		return nil, err
	}
	client := awstrail.New(sdk)
	for _, region := range regions {
		some, failed := client.PublicKeys(ctx, region, from, to)
		if failed != nil {
			err = failed
		}
		keys = append(keys, some...)
	}
	return keys, err
}

// shownVerdicts is how many verdicts people are shown.
const shownVerdicts = 50

func (c *cli) printValidated(v *validated) {
	fmt.Fprintln(c.out)
	if v.unproven() == nil {
		fmt.Fprintln(c.out, c.styled(green, "The log files are as CloudTrail delivered them."))
	} else {
		fmt.Fprintln(c.out, c.styled(alarm, "NOT EVERYTHING IS PROVEN TO BE AS CLOUDTRAIL DELIVERED IT."))
	}
	c.field("valid", fmt.Sprintf("%d of %s, %d of %s", v.ValidLogs, plural(v.Logs, "log file", "log files"),
		v.ValidDigests, plural(v.Digests, "digest", "digests")))
	if !v.From.IsZero() {
		c.field("digests", fmt.Sprintf("from %s to %s", stamp(v.From), stamp(v.To)))
	}
	for i := range v.Verdicts[:min(len(v.Verdicts), shownVerdicts)] {
		verdict := &v.Verdicts[i]
		c.marked("!", red, fmt.Sprintf("%s, %s: %s", verdict.Kind, verdict.Verdict, clean(verdict.Detail)))
		fmt.Fprintf(c.out, "    %s\n", clean(verdict.Path))
	}
	if more := v.Invalid - shownVerdicts; more > 0 {
		c.marked("!", red, fmt.Sprintf("and %d more: -o jsonl has them", more))
	}
}

// printVerdicts prints them a line each, and what they add up to.
func (c *cli) printVerdicts(v *validated) error {
	for i := range v.Verdicts {
		if err := c.printLine("verdict", &v.Verdicts[i]); err != nil {
			return err
		}
	}
	return c.printLine("validation", &v.Validated)
}

// unproven is the end of a replay whose archive is not proven to be as it was delivered.
func (v *validated) unproven() error {
	if v == nil || v.Invalid == 0 && v.Digests > 0 {
		return nil
	}
	return exit(admin.ExitUnfinished, "not everything is proven to be as CloudTrail delivered it; see above")
}
