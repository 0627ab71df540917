package impact

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/usage"
)

// Contents is what is known to be under a key, and how it is moved to another one.
type Contents struct {
	KeyARN   string   `json:"key_arn"`
	Alias    string   `json:"alias,omitempty"`
	To       string   `json:"to"` // the key that commands name; NewKey: not chosen yet
	Unknowns []string `json:"unknowns"`
	Coverage Coverage `json:"coverage"`
	Groups   []Group  `json:"groups"` // by service
	// Applications are encryption contexts that are no service's: what they encrypted lies wherever they keep it.
	Applications []usage.Context `json:"applications"`
}

// NewKey stands for the key to move to where none was named.
const NewKey = "NEW-KEY-ARN"

// Coverage says how many of the calls that rotd counted told what they were about.
type Coverage struct {
	From      time.Time `json:"from"`           // counts go back to here
	Calls     uint64    `json:"calls"`          // all
	Named     uint64    `json:"named"`          // that named a resource of a service
	Own       uint64    `json:"own"`            // with an application's own context
	Bare      uint64    `json:"bare"`           // without any context, or through a service that gives none
	Resources int       `json:"resources"`      // known by name
	More      bool      `json:"more,omitempty"` // there are more resources than rotd keeps
	// Unnamed are services that used the key and whose resources no context named.
	Unnamed []string `json:"unnamed"`
}

// Group is a service's resources.
type Group struct {
	Service string   `json:"service"`
	What    string   `json:"what"`
	How     string   `json:"how"`     // in a sentence
	Caveats []string `json:"caveats"` // to know before
	Items   []Held   `json:"items"`
}

// ErrTarget says that nothing can be moved to the key that was named.
var ErrTarget = errors.New("cannot be moved to")

// Plan says what is known to be under a key and how to move it to another one, "" while that is not chosen.
func Plan(f *Facts, to string) (*Contents, error) {
	if err := checkTarget(f.Key, to); err != nil {
		return nil, err
	}
	k := f.Key
	c := &Contents{
		KeyARN: k.ARN, To: cmp.Or(to, NewKey), Unknowns: unknowns(f), Groups: []Group{}, Applications: []usage.Context{},
	}
	if len(k.Aliases) > 0 {
		c.Alias = k.Aliases[0]
	}
	groups := make([]Group, len(services))
	for _, h := range holdings(f) {
		s, g := services[h.row()], &groups[h.row()]
		m := s.move(resource{name: h.Name, value: h.Value, key: k, to: c.To})
		if g.Items == nil {
			*g = Group{Service: s.name, What: s.what.one, How: m.how, Caveats: m.caveats}
		}
		h.Commands = m.commands
		g.Items = append(g.Items, h)
		c.Coverage.Resources++
	}
	for i := range groups {
		if groups[i].Items != nil {
			c.Groups = append(c.Groups, groups[i])
		}
	}
	c.cover(f)
	return c, nil
}

// checkTarget refuses what is no key's name, the key itself, and a key of another Region.
func checkTarget(k *inventory.Key, to string) error {
	var why string
	switch parts := strings.SplitN(to, ":", 6); {
	case to == "":
		return nil
	case !isName(to):
		why = "it is no key's id, ARN, alias or alias ARN"
	case to == k.ARN || to == k.ID:
		why = "it is the key itself"
	case len(parts) == 6 && parts[3] != k.Region:
		why = fmt.Sprintf("it is in %s, and what is under a key of %s needs one there", parts[3], k.Region)
	default:
		return nil
	}
	return fmt.Errorf("%q %w: %s", to, ErrTarget, why)
}

// cover counts what calls told.
func (c *Contents) cover(f *Facts) {
	u := f.Record.Summarize(usage.NewWindow(f.Now.Add(-usage.KeepDays*day), f.Now), f.Name)
	v := &c.Coverage
	v.From, v.Calls, v.Unnamed = later(u.From, f.WatchedSince), u.Calls, []string{}
	v.More = f.Record.Held.Contents(f.Name).More
	withContext := uint64(0)
	for _, one := range u.Contexts {
		withContext += one.Calls
		if slices.ContainsFunc(one.Names, func(name string) bool { _, ok := owners[name]; return ok }) {
			v.Named += one.Calls
			continue
		}
		v.Own += one.Calls
		c.Applications = append(c.Applications, one)
	}
	v.Bare = u.Calls - min(withContext, u.Calls)
	for _, one := range u.Services {
		name := one.Name
		if s, ok := serviceOf(name); ok {
			name = s.name
		}
		if name == "" || name == awsInternal || slices.Contains(v.Unnamed, name) ||
			slices.ContainsFunc(c.Groups, func(g Group) bool { return g.Service == name }) {
			continue
		}
		v.Unnamed = append(v.Unnamed, name)
	}
}

// afterARN is the last part of an ARN, what stands behind its resource type: `orders` of …:table/orders.
func afterARN(value, typ string) string {
	if i := strings.Index(value, ":"+typ); i >= 0 {
		return value[i+len(typ)+1:]
	}
	return value
}
