package deploy

import (
	"bufio"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// instruction is one of a Dockerfile, its continuation lines joined and spaces collapsed.
type instruction struct{ name, arguments string }

// stage is what lies between two FROMs.
type stage struct {
	base         string // "scratch", "${GO_IMAGE} AS builder"
	instructions []instruction
}

// parseDockerfile gives the arguments before the first FROM, and the stages.
func parseDockerfile(t *testing.T, path string) (args []string, stages []stage) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	var logical strings.Builder
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		part, continued := strings.CutSuffix(line, `\`)
		logical.WriteString(part + " ")
		if continued {
			continue
		}
		fields := strings.Fields(logical.String())
		logical.Reset()
		name, arguments := strings.ToUpper(fields[0]), strings.Join(fields[1:], " ")
		switch {
		case name == "FROM":
			stages = append(stages, stage{base: arguments})
		case len(stages) == 0 && name == "ARG":
			args = append(args, arguments)
		case len(stages) == 0:
			t.Fatalf("%s before the first FROM", name)
		default:
			last := &stages[len(stages)-1]
			last.instructions = append(last.instructions, instruction{name, arguments})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return args, stages
}

func (s stage) all(name string) []string {
	var arguments []string
	for _, i := range s.instructions {
		if i.name == name {
			arguments = append(arguments, i.arguments)
		}
	}
	return arguments
}

func TestTheImageIsRotdAndWhatItNeeds(t *testing.T) {
	args, stages := parseDockerfile(t, "../Dockerfile")
	if diff := cmp.Diff([]string{"GO_IMAGE=golang:1.26"}, args); diff != "" {
		t.Errorf("arguments of the file (-want +got):\n%s", diff)
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages, want a builder and the image", len(stages))
	}
	builder, image := stages[0], stages[1]
	if builder.base != "${GO_IMAGE} AS builder" || image.base != "scratch" {
		t.Errorf("built from %q into %q, want ${GO_IMAGE} AS builder into scratch", builder.base, image.base)
	}

	tests := []struct {
		name        string
		instruction string
		want        []string
	}{
		{"it holds certificates, the binary and its two directories", "COPY", []string{
			"--from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
			"--from=builder /out/rotd /rotd",
			"--from=builder --chown=65532:65532 /out/state /var/lib/rotd",
			"--from=builder --chown=65532:65532 /out/run /run/rotd",
		}},
		{"it does not run as root", "USER", []string{"65532:65532"}},
		{"it keeps its state outside", "VOLUME", []string{"/var/lib/rotd"}},
		{"it knows whether it is healthy", "HEALTHCHECK", []string{
			`--interval=30s --timeout=5s --start-period=30s CMD ["/rotd", "health"]`,
		}},
		{"it starts rotd without a shell", "ENTRYPOINT", []string{`["/rotd"]`}},
		{"it runs the daemon", "CMD", []string{`["run", "--config", "/etc/rotd/rotd.yaml"]`}},
		{"it runs nothing while being put together", "RUN", nil},
		{"it opens no port", "EXPOSE", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, image.all(test.instruction)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.instruction, diff)
			}
		})
	}
}

func TestTheImagesBinaryIsStatic(t *testing.T) {
	_, stages := parseDockerfile(t, "../Dockerfile")
	static := slices.ContainsFunc(stages[0].all("RUN"), func(run string) bool {
		return strings.HasPrefix(run, "CGO_ENABLED=0 go build -trimpath ")
	})
	if !static {
		t.Errorf("no static, reproducible build in %q", stages[0].all("RUN"))
	}
}

func TestTheImageIsBuiltWithTheModulesGo(t *testing.T) {
	args, _ := parseDockerfile(t, "../Dockerfile")
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if want := "GO_IMAGE=golang:" + string(version[1]); args[0] != want {
		t.Errorf("%s, go.mod asks for %s", args[0], want)
	}
}

func TestNoImageRegistryIsNamed(t *testing.T) {
	args, stages := parseDockerfile(t, "../Dockerfile")
	for _, image := range []string{args[0], stages[0].base, stages[1].base} {
		if strings.Contains(image, "/") {
			t.Errorf("%q names where it comes from", image)
		}
	}
}
