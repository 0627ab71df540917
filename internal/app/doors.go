package app

import (
	"context"
	"errors"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/state"
	"rotd/internal/web"
)

// door is a listener and who answers on it.
type door struct {
	what  string
	serve func(ctx context.Context) error
}

// openDoors listens for people on the control socket and for machines on the status address. It comes first, so that
// a second daemon stops here.
func (d *daemonProcess) openDoors(ctx context.Context) error {
	b := &backend{d: d}
	d.parts.registry = prometheus.NewRegistry()
	d.parts.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	socket, err := admin.Listen(ctx, d.cfg.Admin.Socket)
	if err != nil {
		return err
	}
	server := admin.NewServer(b, d.log.Named("admin"))
	d.parts.open = append(d.parts.open, door{
		what:  "control socket",
		serve: func(ctx context.Context) error { return server.Serve(ctx, socket) },
	})
	if d.cfg.Admin.HTTP == "" {
		return nil
	}
	status, err := web.Listen(ctx, d.cfg.Admin.HTTP)
	if err != nil {
		return errors.Join(err, socket.Close(), os.Remove(d.cfg.Admin.Socket))
	}
	d.log.Info("listening", zap.String("socket", d.cfg.Admin.Socket), zap.Stringer("http", status.Addr()))
	pages := web.New(web.Options{NotReady: b.NotReady, Metrics: d.parts.registry, Logger: d.log.Named("web")})
	d.parts.open = append(d.parts.open, door{
		what:  "status listener",
		serve: func(ctx context.Context) error { return pages.Serve(ctx, status) },
	})
	return nil
}

// gauges are the numbers that are read when somebody scrapes, not counted as things happen.
type gauges struct{ d *daemonProcess }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe sends nothing: the collector is unchecked, its queues come and go with the configuration.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect reads queues, outbox and state.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	counter := func(desc *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(v), labels...)
	}
	depth := describe("rotd_queue_messages", "Messages in the queue, about, by state.", "queue", "state")
	ready := describe("rotd_queue_ready", "1 when the queue can be received from.", "queue")
	calls := describe("rotd_sqs_errors_total", "SQS calls that failed, by what they were for.", "queue", "what")
	hand := describe("rotd_queue_in_hand", "Messages received and not settled.", "queue")
	for _, c := range g.d.parts.consumers {
		s := c.Status()
		gauge(ready, truth(s.Ready), s.Queue)
		gauge(hand, float64(s.InHand), s.Queue)
		if !s.Attributes.ReadAt.IsZero() {
			gauge(depth, float64(s.Attributes.Visible), s.Queue, "visible")
			gauge(depth, float64(s.Attributes.InFlight), s.Queue, "in-flight")
			gauge(depth, float64(s.Attributes.Delayed), s.Queue, "delayed")
		}
		counter(calls, s.Stats.ReceiveErrors, s.Queue, "receive")
		counter(calls, s.Stats.DeleteGivenUp, s.Queue, "delete")
		counter(calls, s.Stats.ReleaseGivenUp, s.Queue, "release")
		counter(calls, s.Stats.ExtendErrors, s.Queue, "extend")
	}
	ahead := describe("rotd_clock_ahead_seconds", "How far this machine's clock is ahead of AWS's; 0 while it is little.")
	gauge(ahead, g.d.clock.Ahead().Seconds())
	gauge(describe("rotd_state_bytes", "Size of the state file."), float64(g.d.db.Size()))
	waiting, logged := 0, 0
	if err := g.d.db.View(func(tx *state.Tx) error {
		waiting, logged = tx.WaitingCount(), tx.UsageLogged()
		return nil
	}); err == nil {
		gauge(describe("rotd_outbox_waiting", "Alerts that wait to be published."), float64(waiting))
		gauge(describe("rotd_usage_log_bytes", "Calls logged and not yet folded into the usage of keys."), float64(logged))
	}
	notReady := (&backend{d: g.d}).NotReady(context.Background())
	gauge(describe("rotd_ready", "1 when rotd does its work."), truth(len(notReady) == 0))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
