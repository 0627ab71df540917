package keypolicy

import "strings"

func (p *parser) statements() ([]Statement, error) {
	var statements []Statement
	err := p.list(func() error {
		s, err := p.statement()
		statements = append(statements, s)
		return err
	})
	return statements, err
}

func (p *parser) statement() (Statement, error) {
	var s Statement
	given := make(map[string]bool, 8)
	err := p.object(func(name string) error {
		given[name] = isElement(name)
		return p.element(&s, name)
	})
	if err != nil {
		return s, err
	}
	for _, pair := range [...][2]string{
		{"Principal", "NotPrincipal"}, {"Action", "NotAction"}, {"Resource", "NotResource"},
	} {
		if given[strings.ToLower(pair[0])] && given[strings.ToLower(pair[1])] {
			return s, p.fail("has both " + pair[0] + " and " + pair[1])
		}
	}
	switch {
	case s.Effect == "":
		return s, p.fail("has no Effect")
	case !given["principal"] && !given["notprincipal"]:
		return s, p.fail("has neither Principal nor NotPrincipal")
	case !given["action"] && !given["notaction"]:
		return s, p.fail("has neither Action nor NotAction")
	}
	return s, nil
}

func (p *parser) element(s *Statement, name string) (err error) {
	switch name {
	case "sid":
		s.Sid, err = p.str()
	case "effect":
		s.Effect, err = p.effect()
	case "principal", "notprincipal":
		s.NotPrincipal = name == "notprincipal"
		s.Principals, err = p.principals()
	case "action", "notaction":
		s.NotAction = name == "notaction"
		s.Actions, err = p.strs()
	case "resource", "notresource":
		s.NotResource = name == "notresource"
		s.Resources, err = p.strs()
	case "condition":
		s.Conditions, err = p.conditions()
	default:
		err = p.skip()
	}
	return err
}

func (p *parser) effect() (string, error) {
	text, err := p.str()
	if err != nil {
		return "", err
	}
	for _, effect := range [...]string{Allow, Deny} {
		if strings.EqualFold(text, effect) {
			return effect, nil
		}
	}
	return "", p.fail("must be Allow or Deny, not " + quote(text))
}

// principals reads "*", or an object of types with a string or a list each. A bare string or list other than "*", which
// IAM refuses, is read as AWS principals.
func (p *parser) principals() ([]Principal, error) {
	var principals []Principal
	read := func(typ string) error {
		return p.list(func() error {
			value, err := p.str()
			principals = append(principals, classifyPrincipal(typ, value))
			return err
		})
	}
	if p.dec.PeekKind() != '{' {
		err := read("AWS")
		return principals, err
	}
	err := p.object(func(lower string) error {
		switch lower {
		case "aws":
			return read("AWS")
		case "service":
			return read("Service")
		case "federated":
			return read("Federated")
		case "canonicaluser":
			return read("CanonicalUser")
		default:
			return read(p.path[len(p.path)-1])
		}
	})
	return principals, err
}

// conditions reads operators, their keys and values. Two spellings of one operator and key become one condition with
// the values of both, the wider reading.
func (p *parser) conditions() ([]Condition, error) {
	var conditions []Condition
	at := make(map[[2]string]int)
	err := p.object(func(string) error {
		operator := canonicalOperator(p.path[len(p.path)-1])
		return p.object(func(string) error {
			key := p.path[len(p.path)-1]
			id := [2]string{operator, lowerKey(key)}
			i, ok := at[id]
			if !ok {
				i = len(conditions)
				at[id] = i
				conditions = append(conditions, Condition{Operator: operator, Key: key})
			}
			return p.list(func() error {
				value, err := p.scalar()
				conditions[i].Values = append(conditions[i].Values, value)
				return err
			})
		})
	})
	return conditions, err
}
