package laws

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// The law of destruction: rotd deletes no key and no material, and writes no key policy, which can lock out everybody.
// Whoever takes over rotd must not find the code for it either. The simulator, tests and the demo's attackers are the
// other side.

// destructive are the operations of KMS that nothing in production calls.
var destructive = []string{"ScheduleKeyDeletion", "DeleteImportedKeyMaterial", "PutKeyPolicy", "DeleteCustomKeyStore"}

// destructionLaw finds calls of them, and their inputs.
func destructionLaw(p *pkg, r *report) {
	if within(p.path, simulator) || within(p.path, "test") {
		return
	}
	p.inspect(func(node ast.Node) {
		chosen, ok := node.(*ast.SelectorExpr)
		if !ok || !slices.Contains(destructive, strings.TrimSuffix(chosen.Sel.Name, "Input")) {
			return
		}
		at := p.fset.Position(chosen.Pos())
		if demo, _ := path.Match(demoFiles, at.Filename); !demo {
			r.add(at, "%s names KMS's %s: rotd destroys nothing and changes no key policy", p.path, chosen.Sel.Name)
		}
	})
}
