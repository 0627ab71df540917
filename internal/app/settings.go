package app

import (
	"reflect"
	"slices"

	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/engine"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// settings turns a configuration into what the engine works by. home is the daemon's own account.
func settings(cfg *config.Config, home string) *engine.Settings {
	own := map[string]bool{home: true}
	for _, a := range cfg.Accounts {
		own[a.ID] = true
	}
	s := &engine.Settings{
		Policies:   cfg.Policies,
		Exceptions: cfg.Exceptions,
		Source:     policy.Source{Lines: cfg.Origins, Ceiling: cfg.Mode},
		Guardrails: remediation.Guardrails{
			MaxMode:          cfg.Mode,
			RotationsPerHour: cfg.Guardrails.RotationsPerHour,
			KeyCooldown:      cfg.Guardrails.KeyCooldown,
			OnDemandReserve:  cfg.Guardrails.OnDemandReserve,
			Grace:            cfg.Guardrails.Grace,
			Settle:           cfg.Guardrails.Settle,
			StartupHold:      cfg.Guardrails.StartupHold,
			OverdueGrace:     cfg.Guardrails.OverdueGrace,
			UndoWindow:       cfg.Guardrails.UndoWindow,
			Drain:            cfg.Guardrails.Drain,
			BreakerFailures:  cfg.Guardrails.BreakerFailures,
			Windows:          cfg.Guardrails.Windows,
			ApprovalTTL:      cfg.Guardrails.ApprovalTTL,
			Imports: remediation.Imports{
				Source: cfg.ImportedMaterial.String(), ValidFor: cfg.ImportedMaterial.ValidFor,
			},
		},
		Judge:         detection.NewJudge(cfg.Detections.Settings()),
		Trusted:       func(id string) bool { return own[id] || slices.Contains(cfg.TrustedAccounts, id) },
		GroupWait:     cfg.Alerts.GroupWait,
		IncidentWait:  cfg.Alerts.IncidentWait,
		Repeat:        cfg.Alerts.RepeatInterval,
		Heartbeat:     cfg.Intake.Heartbeat,
		Canary:        cfg.Intake.Canary,
		TellHead:      cfg.Alerts.Heartbeat,
		Senders:       make(map[string][]string),
		ArmOnNewState: cfg.Guardrails.ArmOnNewState,
		Protected:     cfg.Guardrails.ProtectedKeys,
		Suppressions:  cfg.Suppressions,
	}
	if len(cfg.Accounts) > 0 {
		s.Expected = func(id string) bool { return own[id] || slices.Contains(cfg.TrustedAccounts, id) }
	}
	for _, t := range cfg.Alerts.Topics {
		s.Topics = append(s.Topics, notify.Topic(t))
	}
	for _, q := range cfg.Intake.Queues {
		if len(q.Senders) > 0 {
			s.Senders[q.URL] = q.Senders
		}
	}
	return s
}

// reload takes over a changed configuration as far as a running daemon can. A bad file changes nothing, and `rotd
// status` tells of it until a reload succeeds.
func (d *daemonProcess) reload() {
	err := d.takeOver()
	if err != nil {
		d.log.Error("the configuration was not reloaded; the old one goes on", zap.Error(err))
		d.reloadRefused.Store(&refusal{err})
		return
	}
	d.reloadRefused.Store(nil)
	d.log.Info("the configuration was reloaded", zap.String("mode", string(d.cfg.Mode)))
}

// refusal is why a reload was refused.
type refusal struct{ error }

// takeOver makes the running daemon go by the configuration as it stands in its file; after an error nothing changed.
func (d *daemonProcess) takeOver() error {
	cfg, err := config.Load(d.opts.ConfigPath, knownIDs())
	if err != nil {
		return err
	}
	reloading := audit.Entry{Actor: audit.Rotd, Event: audit.ConfigReloaded, Detail: d.running(cfg)}
	if err := d.audit(reloading); err != nil {
		return err
	}
	warn(cfg, d.log)
	for _, what := range needsRestart(d.cfg, cfg) {
		d.log.Warn("a change of the configuration needs a restart; the old value goes on", zap.String("setting", what))
	}
	if err := d.parts.scheduler.Reload(d.jobs(cfg)); err != nil {
		return err
	}
	d.engine.Reload(d.fleet.trusting(settings(cfg, d.home.Account)))
	if err := d.watchItself(); err != nil {
		d.log.Error("changes of what rotd rests on are not watched by the reloaded configuration yet", zap.Error(err))
	}
	d.prices.Store(&cfg.Prices)
	d.material.Store(&cfg.ImportedMaterial.Source)
	if err := d.judgesBy(cfg); err != nil {
		d.log.Error("keys that are known are not judged anew by the reloaded configuration before they are read again",
			zap.Error(err))
	}
	d.access.Store(access(cfg))
	cfg.State.Path, cfg.Shard = d.cfg.State.Path, d.cfg.Shard
	cfg.Intake.Queues, cfg.Accounts = d.cfg.Intake.Queues, d.cfg.Accounts
	cfg.Admin.Socket, cfg.Admin.HTTP = d.cfg.Admin.Socket, d.cfg.Admin.HTTP
	cfg.Organization = d.cfg.Organization
	d.cfg = cfg
	return nil
}

// needsRestart lists the settings that differ and that only a start takes over.
func needsRestart(old, updated *config.Config) []string {
	var what []string
	add := func(name string, differs bool) {
		if differs {
			what = append(what, name)
		}
	}
	add("shard", old.Shard != updated.Shard)
	add("state.path", old.State.Path != updated.State.Path)
	add("intake.queues", !slices.EqualFunc(old.Intake.Queues, updated.Intake.Queues, func(a, b config.Queue) bool {
		return a.URL == b.URL && a.Pollers == b.Pollers
	}))
	add("accounts", !slices.EqualFunc(old.Accounts, updated.Accounts, func(a, b config.Account) bool {
		return reflect.DeepEqual(a, b)
	}))
	add("organization", !reflect.DeepEqual(old.Organization, updated.Organization))
	add("admin", old.Admin.Socket != updated.Admin.Socket || old.Admin.HTTP != updated.Admin.HTTP)
	add("limits", old.Limits != updated.Limits)
	return what
}

// knownIDs are the ids that a configuration may name.
func knownIDs() config.Known {
	return config.Known{Rules: detection.RuleIDs(), Checks: detection.CheckIDs(), Remedies: detection.Remedies()}
}
