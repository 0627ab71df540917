package laws

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// report collects what is broken, one line each: where, what, and why it is a law.
type report struct{ lines []string }

func (r *report) add(at token.Position, format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf("%s:%d: %s", at.Filename, at.Line, fmt.Sprintf(format, args...)))
}

// importLaws checks one package's imports against the house.
func importLaws(p *pkg, house []layer, r *report) {
	if p.row == nil {
		r.add(p.fset.Position(p.files[0].Package),
			"%s has no row in the house: choose its layer in layers_test.go", p.path)
		return
	}
	p.eachImport(func(at token.Position, imported string) {
		if internal, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
			layerLaw(p, house, at, internal, r)
			return
		}
		pureImportLaw(p, at, imported, r)
		serviceLaw(p, at, imported, r)
	})
}

func layerLaw(p *pkg, house []layer, at token.Position, imported string, r *report) {
	from, to := p.row, rowOf(house, imported)
	switch {
	case to == nil:
		r.add(at, "%s imports %s, which has no row in the house: choose its layer in layers_test.go", p.path, imported)
	case to == from: // a package and its parts
	case within(imported, simulator):
		if demo, _ := path.Match(demoFiles, at.Filename); !demo && from.path != "test" {
			r.add(at, "%s imports the simulator: what runs in production never does, only %s", p.path, demoFiles)
		}
	case from.alone && !withinAny(imported, from.also):
		r.add(at, "%s imports %s: %s stands alone%s", p.path, imported, from.path, besides(from.also))
	case to.rank >= from.rank:
		r.add(at, "%s imports %s: imports point downwards, and %s (rank %d) is not below %s (rank %d)",
			p.path, imported, to.path, to.rank, from.path, from.rank)
	}
}

func besides(also []string) string {
	if len(also) == 0 {
		return ": it imports no other package of rotd"
	}
	return ": of rotd it imports only " + strings.Join(also, ", ")
}

func pureImportLaw(p *pkg, at token.Position, imported string, r *report) {
	if !p.row.pure {
		return
	}
	banned := imported == "net" || slices.ContainsFunc(impure, func(prefix string) bool {
		return strings.HasSuffix(prefix, "/") && strings.HasPrefix(imported, prefix) || within(imported, prefix)
	})
	if banned {
		r.add(at, "%s imports %s: it is pure, its answers depend on its arguments alone", p.path, imported)
	}
}

const sdk = "github.com/aws/aws-sdk-go-v2/"

func serviceLaw(p *pkg, at token.Position, imported string, r *report) {
	demo, _ := path.Match(demoFiles, at.Filename)
	if demo || within(p.path, simulator) || within(p.path, "test") {
		return
	}
	if within(imported, sdk+"config") && !withinAny(p.path, chainReaders) {
		r.add(at, "%s reads the SDK's configuration: only %s do, everybody else is given clients",
			p.path, strings.Join(chainReaders, " and "))
	}
	service, ok := strings.CutPrefix(imported, sdk+"service/")
	if !ok {
		return
	}
	service, _, _ = strings.Cut(service, "/")
	if owners := services[service]; !withinAny(p.path, owners) {
		r.add(at, "%s talks to %s: one AWS service, one package that talks to it, and that is %s",
			p.path, service, ownerNames(owners))
	}
}

func ownerNames(owners []string) string {
	if len(owners) == 0 {
		return "none yet (layers_test.go)"
	}
	return strings.Join(owners, " or ")
}

// clockLaw finds uses of the clock in a pure package, called or passed on.
func clockLaw(p *pkg, r *report) {
	if p.row == nil || !p.row.pure {
		return
	}
	p.inspect(func(node ast.Node) {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || !slices.Contains(clock, selector.Sel.Name) {
			return
		}
		if imported, ok := p.importedAs(selector.X); ok && imported == "time" {
			r.add(p.fset.Position(selector.Pos()), "%s uses time.%s: it is pure, callers tell it the time",
				p.path, selector.Sel.Name)
		}
	})
}

func (p *pkg) inspect(visit func(ast.Node)) {
	for _, file := range p.files {
		ast.Inspect(file, func(node ast.Node) bool {
			if node != nil {
				visit(node)
			}
			return true
		})
	}
}
