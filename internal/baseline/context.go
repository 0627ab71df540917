package baseline

import (
	"strings"

	"rotd/internal/compact"
)

// Class is what an encryption context is about. How many different ones are many depends on it: a person reads hundreds
// of log files in minutes and never dozens of secrets.
type Class uint8

// Classes. They are written in the state: none changes its number.
const (
	NoContext  Class = iota // no encryption context
	Logs                    // log files: CloudTrail's
	Objects                 // objects in S3
	Secrets                 // secrets of Secrets Manager
	Parameters              // parameters of Systems Manager
	Volumes                 // volumes and snapshots
	Services                // what else AWS services encrypt: tables, databases, streams
	Own                     // contexts that an application makes up
	classes
)

// classSet is a set of classes.
type classSet uint16

func setOf(class Class) classSet { return 1 << class }

func (s classSet) has(class Class) bool { return s>>class&1 != 0 }

// alike are the classes of what is read by the same people and programs for the same ends: a pipeline hands on secrets
// and parameters.
func alike(class Class) classSet {
	if class == Secrets || class == Parameters {
		return setOf(Secrets) | setOf(Parameters)
	}
	return setOf(class)
}

// Context is what is remembered of an encryption context.
type Context struct {
	Class Class
	// Thing stands for what the context is about: the secret, whichever of its versions; the object. The whole context
	// where it is nothing that AWS's services name.
	Thing uint64
}

// classOf gives the names in encryption contexts that say what a call is about.
func classOf(name string) (c Class, rank int) {
	switch name {
	case "aws:cloudtrail:arn":
		return Logs, 3 // beside aws:s3:arn, which names the file
	case "SecretARN":
		return Secrets, 2
	case "PARAMETER_ARN":
		return Parameters, 2
	case "aws:s3:arn":
		return Objects, 2
	case "aws:ebs:id":
		return Volumes, 2
	}
	if strings.HasPrefix(name, "aws:") {
		return Services, 1
	}
	return Own, 0
}

// ContextMaker makes a Context of an encryption context's pairs. The zero value has none yet.
type ContextMaker struct {
	context Context
	rank    int
	all     uint64
}

// Add adds a pair.
func (m *ContextMaker) Add(name, value string) {
	hash := compact.Pair(name, value)
	m.all += hash // a sum, so that the order does not matter
	if class, rank := classOf(name); m.context.Class == NoContext || rank > m.rank {
		m.context, m.rank = Context{Class: class, Thing: hash}, rank
	}
}

// Context is the context of the pairs added.
func (m *ContextMaker) Context() Context {
	c := m.context
	if c.Class == Own || c.Class == Services {
		c.Thing = compact.Spread(m.all)
	}
	return c
}
