// Package laws holds the project's laws as tests: which package may import which, which packages are pure, who talks to
// which AWS service, that no package keeps state, and that none destroys a key. It has no code of its own; go test
// reads the sources of the module, without network and without the go command, and names the law and its reason where
// one is broken.
//
// layers_test.go is the table to change when a package is added; the other files say how it is checked.
package laws
