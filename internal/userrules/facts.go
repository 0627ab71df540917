package userrules

import (
	"cmp"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// keyFields are the facts of the event's key as rotd last read it. Of a key it does not know they are empty, but for
// the ARN, if the record has one.
func keyFields() fields {
	return fields{
		"known":   truth(func(s *scene) bool { return s.facts().known }),
		"arn":     text(func(s *scene) string { return cmp.Or(s.key().ARN, s.ev.Key.ARN) }),
		"id":      text(func(s *scene) string { return s.key().ID }),
		"account": text(func(s *scene) string { return s.key().Account }),
		"region":  text(func(s *scene) string { return s.key().Region }),
		"aliases": of(cel.ListType(cel.StringType), func(s *scene) any { return s.key().Aliases },
			func(s *scene) bool { return len(s.key().Aliases) > 0 }),
		"tags": of(cel.MapType(cel.StringType, cel.StringType), func(s *scene) any { return s.tags() },
			func(s *scene) bool { return len(s.key().Tags) > 0 }),
		"state":        text(func(s *scene) string { return s.key().State }),
		"spec":         text(func(s *scene) string { return s.key().Spec }),
		"usage":        text(func(s *scene) string { return s.key().Usage }),
		"origin":       text(func(s *scene) string { return s.key().Origin }),
		"manager":      text(func(s *scene) string { return s.key().Manager }),
		"multi_region": text(func(s *scene) string { return s.key().MultiRegion }),
		"description":  text(func(s *scene) string { return s.key().Description }),
		"created":      moment(func(s *scene) time.Time { return s.key().Created }),
	}
}

// policyFields are those of the rotation policy that counts for the key; empty when none does.
func policyFields() fields {
	return fields{
		"name":      text(func(s *scene) string { return s.policy().Name }),
		"mode":      text(func(s *scene) string { return string(s.policy().Mode) }),
		"method":    text(func(s *scene) string { return string(s.policy().Rotation.Method) }),
		"max_age":   length(func(s *scene) time.Duration { return s.policy().Rotation.MaxAge }),
		"automatic": length(func(s *scene) time.Duration { return s.policy().Rotation.Automatic }),
		"allowed":   truth(func(s *scene) bool { return s.policy().Allows(s.ev.UserIdentity.PrincipalARN()) }),
	}
}

func length(get func(*scene) time.Duration) *types.FieldType {
	return of(cel.DurationType, func(s *scene) any { return types.Duration{Duration: get(s)} },
		func(s *scene) bool { return get(s) != 0 })
}

// facts are what the inventory has of the event's key, looked up once and only when they are asked for.
type facts struct {
	read   bool
	key    *inventory.Key
	known  bool
	policy *policy.Policy
}

func (s *scene) facts() *facts {
	f := &s.looked
	if f.read {
		return f
	}
	f.read = true
	if known := s.c.Known; known != nil && !s.ev.Key.IsZero() {
		f.key = known.Key(s.ev.Key, s.ev.RecipientAccountID, s.ev.AWSRegion)
		f.policy = known.Policy(f.key)
	}
	f.known = f.key != nil
	if f.key == nil {
		f.key = s.rule.noKey
	}
	if f.policy == nil {
		f.policy = s.rule.noPolicy
	}
	return f
}

func (s *scene) key() *inventory.Key { return s.facts().key }

func (s *scene) policy() *policy.Policy { return s.facts().policy }

// tags is never nil, which CEL would take for null.
func (s *scene) tags() map[string]string {
	if tags := s.key().Tags; tags != nil {
		return tags
	}
	return map[string]string{}
}
