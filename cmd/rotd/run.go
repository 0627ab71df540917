package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rotd/internal/app"
)

// gcPercent trades memory for a tenth of the intake's CPU: the daemon's heap is small, and its budget is not.
const gcPercent = 200

func newRunCommand(c *cli) *cobra.Command {
	var level, format string
	cmd := &cobra.Command{
		Use:   "run --config rotd.yaml",
		Short: "Run the daemon",
		Long: prose(
			"Run the daemon until SIGTERM or SIGINT. SIGHUP reads the configuration again; a bad file keeps the old one " +
				"running. AWS credentials, Region and endpoints come from the AWS SDK's own chain. The log goes to stderr.",
		),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(c, level, format)
			if err != nil {
				return wrongUse(cmd, "%v", err)
			}
			defer log.Sync()
			signal.Ignore(syscall.SIGXFSZ) // a full file size limit is an error of the write, not the end of rotd
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			reload, stop := reloads(cmd.Context())
			defer stop()
			return c.daemon(cmd.Context(), app.Options{
				ConfigPath: c.configPath(), Version: thisBuild().Version, Logger: log, Reload: reload,
			})
		},
	}
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	cmd.Flags().StringVar(&format, "log-format", "", "json or console (default: console on a terminal, else json)")
	return cmd
}

// reloads gives a value for each SIGHUP; several at once are one.
func reloads(ctx context.Context) (<-chan struct{}, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	out, ended := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(ended)
		for {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
			select {
			case out <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, func() {
		signal.Stop(signals)
		cancel()
		<-ended
	}
}

// newLogger writes to stderr.
func newLogger(c *cli, level, format string) (*zap.Logger, error) {
	at, err := zapcore.ParseLevel(level)
	if err != nil || at > zapcore.ErrorLevel {
		return nil, fmt.Errorf("--log-level: %q is none of debug, info, warn, error", level)
	}
	if format == "" {
		format = "json"
		if c.terminal.err {
			format = "console"
		}
	}
	settings := zap.NewProductionEncoderConfig()
	settings.TimeKey, settings.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	var encoder zapcore.Encoder
	switch format {
	case "json":
		encoder = zapcore.NewJSONEncoder(settings)
	case "console":
		settings.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		settings.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(settings)
	default:
		return nil, fmt.Errorf("--log-format: %q is neither json nor console", format)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(c.err)), at)
	return zap.New(core, zap.ErrorOutput(zapcore.Lock(zapcore.AddSync(c.err)))), nil
}
