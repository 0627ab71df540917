package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/span"
)

// keyFacts are the facts of a case's key as they are written. What is not said is as KMS makes keys: symmetric,
// enabled, its rotation off.
type keyFacts struct {
	key           inventory.Key
	created       instant
	deletion      instant
	validTo       instant
	lastUse       instant
	usedAt        instant // as KMS itself says
	trackedSince  instant
	rotation      rotationFacts
	primaryInView bool
}

type rotationFacts struct {
	enabled bool
	period  time.Duration
	next    instant
	last    instant
	history []rotatedFacts
}

type rotatedFacts struct {
	at   instant
	kind string
}

// instant is a time, or how far it is from now.
type instant struct {
	at       time.Time
	away     time.Duration
	told     bool
	relative bool
}

func newKeyFacts() keyFacts {
	return keyFacts{
		key: inventory.Key{
			ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Partition: "aws", Account: "111122223333", Region: "us-east-1",
			State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT",
		},
		created:       instant{away: day, told: true, relative: true},
		rotation:      rotationFacts{period: 365 * day},
		primaryInView: true,
	}
}

func (f *keyFacts) layout() shape {
	k := &f.key
	return object{
		check: func(o *seen) {
			if o.has("age") && o.has("created") {
				o.fail("age", "says the same as created: remove one")
			}
		},
		fields: []field{
			{key: "aliases", doc: "alias/….", value: texts(&k.Aliases, "an alias", matching(aliasName, "an alias"))},
			{key: "tags", doc: "Tag values by tag key.", value: tagValues(&k.Tags)},
			{key: "id", doc: "The key's id.", value: text(&k.ID, "a key's id", matching(keyID, "a key's id"))},
			{key: "account", doc: "12 digits, in quotes.", value: text(&k.Account, "an account id", checkAccount)},
			{key: "region", doc: "A Region.", value: text(&k.Region, "a Region", checkRegion)},
			{key: "org_path", doc: "Of the account, in the organization.", value: text(&k.OrgPath, "a path", checkOrgPath)},
			{key: "description", doc: "A line.", value: text(&k.Description, "a line of text", checkLine)},
			{key: "spec", doc: "Key spec.", value: word(&k.Spec, keySpecs, nil)},
			{key: "usage", doc: "Default: what the spec is for.", value: word(&k.Usage, keyUsages, nil)},
			{key: "origin", doc: "Origin of key material.", value: word(&k.Origin, origins, nil)},
			{key: "manager", doc: "Who manages it.", value: word(&k.Manager, []string{"CUSTOMER", "AWS"}, nil)},
			{key: "state", doc: "Key state.", value: word(&k.State, keyStates, nil)},
			{
				key: "current_material", doc: "The id of its current key material.",
				value: text(&k.CurrentMaterial, "an id", checkSaid),
			},
			{key: "multi_region", doc: "Its part in a multi-Region set.", value: word(&k.MultiRegion,
				[]string{"PRIMARY", "REPLICA"}, nil)},
			{key: "primary_in_view", doc: "Whether rotd reads a replica's primary.", value: boolean(&f.primaryInView)},
			{key: "created", doc: "When; or how long ago.", value: whenever(&f.created)},
			{key: "age", doc: "How long ago it was created.", value: whenever(&f.created)},
			{key: "deletion_date", doc: "When; or in how long.", value: whenever(&f.deletion)},
			{key: "valid_to", doc: "Of imported material: when; or in how long.", value: whenever(&f.validTo)},
			{key: "rotation", doc: "Rotation status and history.", value: f.rotation.layout()},
			{key: "policy", doc: "The key policy's text.", value: text(&k.Policy, "a key policy", checkKeyPolicy)},
			{key: "last_use", doc: "As events show it: when; or how long ago.", value: whenever(&f.lastUse)},
			{key: "last_usage", doc: "What KMS itself says of its last use.", value: object{fields: []field{
				{key: "at", doc: "When; or how long ago; none: never.", value: whenever(&f.usedAt)},
				{
					key: "tracked_since", doc: "Since when KMS knows.", value: whenever(&f.trackedSince),
					need: "tracked_since: 400d",
				},
			}}},
			{key: "denied", doc: "Operations of KMS that it refuses to rotd.", value: texts(&k.Denied,
				"an operation", oneOf("an operation that rotd reads with", readOperations))},
		},
	}
}

func (r *rotationFacts) layout() shape {
	return object{fields: []field{
		{key: "enabled", doc: "Automatic rotation is on.", value: boolean(&r.enabled), need: "enabled: true"},
		{key: "period", doc: "Of automatic rotation.", value: duration(&r.period, leastPeriod, mostPeriod)},
		{key: "next", doc: "The next automatic rotation: when; or in how long.", value: whenever(&r.next)},
		{key: "last", doc: "The last automatic rotation: when; or how long ago.", value: whenever(&r.last)},
		{key: "history", doc: "Completed rotations.", value: list[rotatedFacts]{
			fresh: func() rotatedFacts { return rotatedFacts{kind: "AUTOMATIC"} },
			shape: func(h *rotatedFacts) shape {
				return object{fields: []field{
					{key: "at", doc: "When; or how long ago.", value: whenever(&h.at), need: "at: 90d"},
					{key: "type", doc: "KMS's word.", value: word(&h.kind, []string{"AUTOMATIC", "ON_DEMAND"}, nil)},
				}}
			},
			keep: func(h rotatedFacts) { r.history = append(r.history, h) },
		}},
	}}
}

// whenever is a day, a time, or how far it is from now.
func whenever(to *instant) shape {
	return scalar{
		want: "a day, a time, or how far from now, such as 90d", text: durationText,
		about: map[string]any{"type": "string"},
		set: func(value string) error {
			if d, err := span.Parse(value); err == nil {
				*to = instant{away: d, told: true, relative: true}
				return nil
			}
			var at time.Time
			for _, layout := range []string{time.DateOnly, time.RFC3339} {
				var err error
				if at, err = time.Parse(layout, value); err == nil {
					*to = instant{at: at.UTC(), told: true}
					return nil
				}
			}
			return fmt.Errorf("%q is no time: write 2026-03-31, 2026-03-31T18:00:00Z, or how far from now, such as 90d",
				shorten(value))
		},
	}
}

// before is the time, a relative one being in the past; zero when none was told.
func (i instant) before(now time.Time) time.Time {
	if i.told && i.relative {
		return now.Add(-i.away)
	}
	return i.at
}

// after is the time, a relative one being in the future; nil when none was told.
func (i instant) after(now time.Time) *time.Time {
	if !i.told {
		return nil
	}
	at := i.at
	if i.relative {
		at = now.Add(i.away)
	}
	return &at
}

// build makes the key as rotd would have read it just now.
func (f *keyFacts) build(now time.Time) *inventory.Key {
	k := f.key
	if k.Usage == "" {
		k.Usage = usageOf(k.Spec)
	}
	if k.MultiRegion != "" && !strings.HasPrefix(k.ID, "mrk-") {
		k.ID = "mrk-" + strings.ReplaceAll(k.ID, "-", "")
	}
	k.ARN = fmt.Sprintf("arn:%s:kms:%s:%s:key/%s", k.Partition, k.Region, k.Account, k.ID)
	if k.MultiRegion == "REPLICA" {
		k.PrimaryARN = strings.Replace(k.ARN, ":"+k.Region+":", ":"+anotherRegion(k.Region)+":", 1)
	}
	slices.Sort(k.Aliases)
	k.Created = f.created.before(now)
	k.DeletionDate, k.ValidTo = f.deletion.after(now), f.validTo.after(now)
	k.ReadAt, k.FullAt, k.WholeBy, k.FirstRead = now, now, now, now
	if f.trackedSince.told {
		k.LastUsage = &inventory.LastUsage{ReadAt: now, TrackedSince: f.trackedSince.before(now)}
		if f.usedAt.told {
			at := f.usedAt.before(now)
			k.LastUsage.At = &at
		}
	}
	if k.Spec == "SYMMETRIC_DEFAULT" && (k.Origin == "AWS_KMS" || k.Origin == "EXTERNAL") &&
		!k.WasDenied("GetKeyRotationStatus") {
		k.Rotation = f.rotation.build(now)
	}
	return &k
}

func (r *rotationFacts) build(now time.Time) *inventory.Rotation {
	rotation := &inventory.Rotation{Enabled: r.enabled, Next: r.next.after(now), HistoryAt: now}
	if r.enabled {
		rotation.PeriodDays = int(r.period / day)
	}
	for _, h := range r.history {
		rotation.History = append(rotation.History, inventory.Rotated{At: h.at.before(now), Type: h.kind})
	}
	if r.last.told {
		rotation.History = append(rotation.History, inventory.Rotated{At: r.last.before(now), Type: "AUTOMATIC"})
	}
	slices.SortStableFunc(rotation.History, func(a, b inventory.Rotated) int { return a.At.Compare(b.At) })
	return rotation
}

// usageOf is what a spec is for, or mostly for.
func usageOf(spec string) string {
	switch {
	case spec == "SYMMETRIC_DEFAULT":
		return "ENCRYPT_DECRYPT"
	case strings.HasPrefix(spec, "HMAC_"):
		return "GENERATE_VERIFY_MAC"
	case strings.HasPrefix(spec, "ML_KEM_"):
		return "ENCAPSULATE_DECAPSULATE"
	}
	return "SIGN_VERIFY"
}

func anotherRegion(region string) string {
	if region == "us-west-2" {
		return "us-east-1"
	}
	return "us-west-2"
}

func checkKeyPolicy(s string) error {
	const most = 32 << 10
	if len(s) > most {
		return fmt.Errorf("%d bytes are more than the %d of a key policy", len(s), most)
	}
	return nil
}

var (
	keyStates = []string{
		"Enabled", "Disabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion", "Creating", "Unavailable",
		"Updating",
	}
	readOperations = []string{
		"DescribeKey", "GetKeyRotationStatus", "ListKeyRotations", "ListResourceTags", "GetKeyPolicy", "ListAliases",
		"ListGrants", "GetKeyLastUsage",
	}
)
