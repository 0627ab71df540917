package engine

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what the engine counts. in = processed + duplicate + ignored + quarantined, for messages and for records.
type Metrics struct {
	in             prometheus.Counter
	returned       prometheus.Counter
	messages       *prometheus.CounterVec
	records        *prometheus.CounterVec
	lag            prometheus.Histogram
	commitSeconds  prometheus.Histogram
	findings       *prometheus.CounterVec
	panics         *prometheus.CounterVec
	actions        *prometheus.CounterVec
	stops          *prometheus.CounterVec
	alerts         *prometheus.CounterVec
	alertSeconds   prometheus.Histogram
	outboxOverflow prometheus.Counter
	usageDropped   prometheus.Counter
	sweeps         *prometheus.CounterVec
	sweepSeconds   *prometheus.HistogramVec
	sweepKeys      *prometheus.GaugeVec
	budget         *prometheus.GaugeVec
	untold         prometheus.Counter
	unjudged       prometheus.Counter
	unreadable     prometheus.Counter
	canarySeconds  prometheus.Histogram
	canariesLost   prometheus.Counter
	suppressed     *prometheus.CounterVec
	staged         *prometheus.CounterVec
	unable         *prometheus.CounterVec
}

// NewMetrics registers the engine's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		r.MustRegister(h)
		return h
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	seconds := []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400}
	m := &Metrics{
		messages: counter("rotd_messages_total", "Messages settled, by what they turned out to be.", "outcome"),
		records: counter("rotd_records_total", "Records settled, by what they turned out to be and why.",
			"outcome", "reason"),
		lag: histogram("rotd_event_lag_seconds", "From eventTime to handled, durably.", seconds),
		commitSeconds: histogram("rotd_commit_seconds", "One transaction for everything in hand.",
			prometheus.ExponentialBuckets(.0005, 2, 14)),
		findings: counter("rotd_findings_total", "Findings opened, raised or reopened.", "rule", "severity"),
		panics:   counter("rotd_panics_total", "Panics contained.", "where"),
		actions:  counter("rotd_actions_total", "Actions that ended, by method and outcome.", "method", "outcome"),
		stops: counter("rotd_guardrail_stops_total",
			"Actions held up or refused, by guardrail and by who asked: automatic, person.", "guardrail", "who"),
		alerts: counter("rotd_alerts_total", "Messages published, by outcome.", "outcome"),
		alertSeconds: histogram("rotd_alert_seconds", "From an alert's being durable to its being published.",
			seconds),
		sweeps:    counter("rotd_sweeps_total", "Sweeps, by kind and outcome.", "kind", "outcome"),
		sweepKeys: gauge("rotd_keys", "Keys at the last sweep, by how they were read.", "account", "region", "read"),
		budget: gauge("rotd_on_demand_rotations_left_min",
			"The fewest on-demand rotations that any key of the place has left.", "account", "region"),
	}
	m.suppressed = counter("rotd_findings_suppressed_total",
		"Occurrences of findings that a suppression hid, by rule.", "rule")
	m.staged = counter("rotd_staged_rule_matches_total",
		"Events in which a staged rule would have found something.", "rule")
	m.unable = counter("rotd_users_rule_failures_total", "Events that a user's rule could not judge.", "rule")
	m.untold = counter("rotd_changes_untold_total",
		"Changes of keys that a sweep found and no event told of.").WithLabelValues()
	m.unjudged = counter("rotd_changes_unjudged_total",
		"Changes of keys that a sweep found and that could not wait for an event because too many did.").WithLabelValues()
	m.unreadable = counter("rotd_state_unreadable_total",
		"Times a record of the state could not be read and rotd went on without it.").WithLabelValues()
	m.canarySeconds = histogram("rotd_canary_seconds", "From a canary's call to its record's being judged, durably.",
		seconds)
	m.canariesLost = counter("rotd_canary_lost_total", "Canaries that did not come back in time.").WithLabelValues()
	m.in = counter("rotd_messages_received_total",
		"Messages received and settled; each receive counts.").WithLabelValues()
	m.returned = counter("rotd_messages_returned_total",
		"Messages handed back for a fault that is not theirs; they are received again.").WithLabelValues()
	m.outboxOverflow = counter("rotd_alerts_dropped_total",
		"Alerts not queued because too many wait; their findings are kept.").WithLabelValues()
	m.usageDropped = counter("rotd_usage_dropped_total",
		"Calls not counted in the usage of keys because its log is full.").WithLabelValues()
	m.sweepSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "rotd_sweep_seconds", Help: "Duration of a sweep.", Buckets: seconds,
	}, []string{"kind"})
	r.MustRegister(m.sweepSeconds)
	return m
}

// count moves the counters by what a commit made durable.
func (m *Metrics) count(t *tally) {
	for result, n := range t.messages {
		if n > 0 {
			m.messages.WithLabelValues(messageResult(result).String()).Add(float64(n))
		}
	}
	if t.processed > 0 {
		m.records.WithLabelValues("processed", "").Add(float64(t.processed))
	}
	if t.duplicates > 0 {
		m.records.WithLabelValues("duplicate", "").Add(float64(t.duplicates))
	}
	for reason, n := range t.ignored {
		m.records.WithLabelValues("ignored", reason).Add(float64(n))
	}
	for reason, n := range t.unreadable {
		m.records.WithLabelValues("quarantined", reason).Add(float64(n))
	}
	for _, f := range t.findings {
		m.findings.WithLabelValues(f[0], f[1]).Inc()
	}
	for _, rule := range t.suppressed {
		m.suppressed.WithLabelValues(rule).Inc()
	}
	for _, a := range t.ended {
		m.actions.WithLabelValues(a[0], a[1]).Inc()
	}
	for _, s := range t.stops {
		m.stops.WithLabelValues(s[0], s[1]).Inc()
	}
	for rule, n := range t.staged {
		m.staged.WithLabelValues(rule).Add(float64(n))
	}
	for rule, n := range t.unable {
		m.unable.WithLabelValues(rule).Add(float64(n))
	}
	m.outboxOverflow.Add(float64(t.dropped))
	m.usageDropped.Add(float64(t.usageDropped))
	m.unjudged.Add(float64(t.unjudged))
	for _, lag := range t.lags {
		m.lag.Observe(lag.Seconds())
	}
	for _, away := range t.canaries {
		m.canarySeconds.Observe(away.Seconds())
	}
	m.canariesLost.Add(float64(t.canariesLost))
}
