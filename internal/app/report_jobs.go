package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"go.uber.org/zap"

	"rotd/internal/config"
	"rotd/internal/report"
	"rotd/internal/scheduler"
)

// reportTimeout bounds the writing of one report.
const reportTimeout = time.Hour

// reportJobs are the reports of the configuration.
func (d *daemonProcess) reportJobs(reports []config.Report) []scheduler.Job {
	var jobs []scheduler.Job
	for i := range reports {
		r := reports[i]
		jobs = append(jobs, scheduler.Job{
			Name: "report-" + r.Name, Spec: r.Schedule, CatchUp: true, Timeout: reportTimeout,
			Run: func(ctx context.Context) error {
				return d.shelve(ctx, &r, time.Now().UTC())
			},
		})
	}
	return jobs
}

// shelve writes a report, keeps it when it is whole, and lets the oldest go.
func (d *daemonProcess) shelve(ctx context.Context, r *config.Report, now time.Time) error {
	to, err := d.shelfOf(r)
	if err != nil {
		return fmt.Errorf("write report %s: %w", r.Name, err)
	}
	part, err := workpiece(to.workshop(), r.Name)
	if err != nil {
		return fmt.Errorf("write report %s: %w", r.Name, err)
	}
	defer func() {
		part.Close()
		_ = os.Remove(part.Name()) // it has gone to its place, or is of no use
	}()
	sum := sha256.New()
	err = d.writeReport(ctx, report.Query{
		Format: r.Format, Framework: r.Framework, Policy: r.Policy, Account: r.Account,
	}, io.MultiWriter(part, sum))
	if err == nil {
		err = part.Sync()
	}
	name := reportFile(d.db.Shard(), r, now)
	if err == nil {
		err = to.put(ctx, name, part, hex.EncodeToString(sum.Sum(nil)))
	}
	if err != nil {
		return fmt.Errorf("write report %s to %s: %w", r.Name, r.To, err)
	}
	d.log.Info("wrote a report", zap.String("report", r.Name), zap.String("to", r.To), zap.String("file", name))
	return prune(ctx, to, d.db.Shard(), r)
}

const reportStamp = "20060102T150405Z"

// reportFile is what a report's file is called: names in order are times in order.
func reportFile(shard string, r *config.Report, at time.Time) string {
	return fmt.Sprintf("rotd-%s-%s-%s.%s", shard, r.Name, at.UTC().Format(reportStamp), report.Extension(r.Format))
}

// prune deletes a report's oldest files. Other files are none of its business.
func prune(ctx context.Context, to shelf, shard string, r *config.Report) error {
	all, err := to.names(ctx)
	if err != nil {
		return fmt.Errorf("list the files of report %s: %w", r.Name, err)
	}
	own := regexp.MustCompile(`^rotd-` + regexp.QuoteMeta(shard+"-"+r.Name) + `-\d{8}T\d{6}Z\.[a-z.]+$`)
	all = slices.DeleteFunc(all, func(name string) bool { return !own.MatchString(name) })
	slices.Sort(all)
	var failed []error
	for _, name := range all[:max(len(all)-r.Keep, 0)] {
		if err := to.remove(ctx, name); err != nil {
			failed = append(failed, fmt.Errorf("delete the old report %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// workpiece opens a file for a report that is not finished, and removes those that a crash left of it.
func workpiece(dir, name string) (*os.File, error) {
	pattern := ".rotd-report-" + name + ".*"
	left, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return nil, err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return os.CreateTemp(dir, pattern)
}
