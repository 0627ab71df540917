package laws

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// The law of globals: a package-level variable gets its value where it is declared and keeps it. Errors, compiled
// regular expressions, lookup tables, embedded files, interface assertions and strings that the linker sets are such
// values. So is a sync.Pool, which nobody can observe. What changes belongs to a struct that somebody makes and owns:
// only then can two daemons live in one process, and two tests in one run.

// globalLaws finds init functions, variables made to be changed, and changes of package-level variables.
func globalLaws(p *pkg, r *report) {
	for _, file := range p.files {
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil && decl.Name.Name == "init" {
					r.add(p.fset.Position(decl.Pos()), "%s has an init function: what a program does starts in main", p.path)
				}
			case *ast.GenDecl:
				if decl.Tok == token.VAR {
					declaredLaw(p, decl, r)
				}
			}
		}
	}
	p.inspect(func(node ast.Node) { changeLaw(p, node, r) })
}

func declaredLaw(p *pkg, decl *ast.GenDecl, r *report) {
	for _, spec := range decl.Specs {
		value := spec.(*ast.ValueSpec)
		blank := !slices.ContainsFunc(value.Names, func(name *ast.Ident) bool { return name.Name != "_" })
		if blank || embeds(decl.Doc) || embeds(value.Doc) {
			continue
		}
		at, name := p.fset.Position(value.Pos()), value.Names[0].Name
		if len(value.Values) == 0 && !linkerSets(p, value) && !p.isPool(value.Type) {
			r.add(at, "package-level %s has no value: it can only be there to be changed", name)
		}
		for _, initial := range value.Values {
			if what := p.changeable(initial); what != "" {
				r.add(at, "package-level %s is %s: state belongs to a struct that somebody owns", name, what)
			}
		}
	}
}

func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(line *ast.Comment) bool {
		return strings.HasPrefix(line.Text, "//go:embed ")
	})
}

// linkerSets tells whether the Makefile's -ldflags -X give the variables their value.
func linkerSets(p *pkg, value *ast.ValueSpec) bool {
	return p.path == "cmd/rotd" && !slices.ContainsFunc(value.Names, func(name *ast.Ident) bool {
		return name.Name != "version" && name.Name != "commit" && name.Name != "date"
	})
}

// changeable says what makes an initial value one that is there to be changed, or nothing.
func (p *pkg) changeable(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			return "a pointer"
		}
	case *ast.FuncLit:
		return "a function literal (declare a func)"
	case *ast.CallExpr:
		if name, ok := x.Fun.(*ast.Ident); ok && (name.Name == "make" || name.Name == "new") {
			return "made empty"
		}
	case *ast.CompositeLit:
		if _, isMap := x.Type.(*ast.MapType); isMap && len(x.Elts) == 0 {
			return "an empty map"
		}
		if selector, ok := x.Type.(*ast.SelectorExpr); ok && !p.isPool(x.Type) {
			if imported, _ := p.importedAs(selector.X); imported == "sync" || imported == "sync/atomic" {
				return "a " + imported + "." + selector.Sel.Name
			}
		}
	}
	return ""
}

func (p *pkg) isPool(x ast.Expr) bool {
	selector, ok := x.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Pool" {
		return false
	}
	imported, _ := p.importedAs(selector.X)
	return imported == "sync"
}

// changeLaw finds what assigns to a package-level variable, to a part of it, or takes its address.
func changeLaw(p *pkg, node ast.Node, r *report) {
	switch node := node.(type) {
	case *ast.AssignStmt:
		if node.Tok != token.DEFINE {
			for _, target := range node.Lhs {
				p.changed(target, r)
			}
		}
	case *ast.IncDecStmt:
		p.changed(node.X, r)
	case *ast.RangeStmt:
		if node.Tok == token.ASSIGN {
			p.changed(node.Key, r)
			p.changed(node.Value, r)
		}
	case *ast.UnaryExpr:
		if node.Op == token.AND {
			p.changed(node.X, r)
		}
	case *ast.CallExpr:
		name, ok := node.Fun.(*ast.Ident)
		if ok && slices.Contains([]string{"delete", "clear", "copy"}, name.Name) && len(node.Args) > 0 {
			p.changed(node.Args[0], r)
		}
	}
}

// changed reports target if it is, or is part of, a package-level variable of this package or of another of rotd's.
func (p *pkg) changed(target ast.Expr, r *report) {
	for {
		switch x := target.(type) {
		case *ast.IndexExpr:
			target = x.X
		case *ast.SliceExpr:
			target = x.X
		case *ast.StarExpr:
			target = x.X
		case *ast.ParenExpr:
			target = x.X
		case *ast.SelectorExpr:
			if imported, ok := p.importedAs(x.X); ok {
				if strings.HasPrefix(imported, modulePath+"/") && ast.IsExported(x.Sel.Name) {
					r.add(p.fset.Position(x.Pos()), "%s changes %s.%s: package-level variables keep their value",
						p.path, imported, x.Sel.Name)
				}
				return
			}
			target = x.X
		case *ast.Ident:
			if global, ok := p.info.Uses[x].(*types.Var); ok && global.Parent() == global.Pkg().Scope() {
				r.add(p.fset.Position(x.Pos()), "%s changes package-level %s, or lends it out to be changed",
					p.path, x.Name)
			}
			return
		default:
			return
		}
	}
}
