package laws

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const modulePath = "rotd"

// pkg is one directory of Go files, its tests left out.
type pkg struct {
	path  string // below the module: internal/finding
	row   *layer // nil when the house has none
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
}

// load parses every package of the module in fsys. Nested modules, testdata, and folders that the go command does not
// look into are left out.
func load(fsys fs.FS, house []layer) ([]*pkg, error) {
	found := map[string]*pkg{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(fsys, name)
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		dir := path.Dir(name)
		if found[dir] == nil {
			found[dir] = &pkg{path: dir, row: rowOf(house, dir), fset: token.NewFileSet()}
		}
		return found[dir].parse(fsys, name)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the module's sources: %w", err)
	}

	packages := make([]*pkg, 0, len(found))
	for _, p := range found {
		p.resolve()
		packages = append(packages, p)
	}
	slices.SortFunc(packages, func(a, b *pkg) int { return strings.Compare(a.path, b.path) })
	return packages, nil
}

func enter(fsys fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (p *pkg) parse(fsys fs.FS, name string) error {
	source, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(p.fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.files = append(p.files, file)
	return nil
}

// resolve finds out which declaration each identifier of the package means. Imports are not followed (nothing is
// compiled), so types stay unknown and errors are expected; what an identifier means is known all the same.
func (p *pkg) resolve() {
	p.info = &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}, FakeImportC: true}
	_, _ = conf.Check(modulePath+"/"+p.path, p.fset, p.files, p.info)
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not followed") }

// rowOf is the row of the house that dir stands in: the one with the longest path.
func rowOf(house []layer, dir string) *layer {
	var best *layer
	for i, row := range house {
		if within(dir, row.path) && (best == nil || len(row.path) > len(best.path)) {
			best = &house[i]
		}
	}
	return best
}

// within tells whether dir is parent or below it.
func within(dir, parent string) bool { return dir == parent || strings.HasPrefix(dir, parent+"/") }

func withinAny(dir string, parents []string) bool {
	return slices.ContainsFunc(parents, func(parent string) bool { return within(dir, parent) })
}

// eachImport calls visit for each import of the package, with its position and the file it is in.
func (p *pkg) eachImport(visit func(at token.Position, imported string)) {
	for _, file := range p.files {
		for _, spec := range file.Imports {
			visit(p.fset.Position(spec.Pos()), strings.Trim(spec.Path.Value, "`\""))
		}
	}
}

// importedAs is the path of the package that x names, if it names one.
func (p *pkg) importedAs(x ast.Expr) (string, bool) {
	ident, ok := x.(*ast.Ident)
	if !ok {
		return "", false
	}
	name, ok := p.info.Uses[ident].(*types.PkgName)
	if !ok {
		return "", false
	}
	return name.Imported().Path(), true
}
