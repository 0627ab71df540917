# make, make demo: need Go, git and make. make check says by itself what else it would like to have.

GO         ?= go
FUZZTIME   ?= 20s
FUZZ       ?= .
N          ?= 60
BENCHFLAGS ?=
# A shorter look: make accuracy ACCURACYFLAGS='-seeds 2 -keys 300'
ACCURACYFLAGS ?=
IMAGE      ?= rotd

# The commit's own date, not the clock's: the same commit builds the same bytes.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
DATE    := $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
# Schedules may name a time zone; a container or a bare machine has no zone files of its own.
TAGS    := timetzdata
TOOL    := $(GO) tool -modfile=tools/go.mod

# Packages whose tests need more than `go test`: the crash tests have targets and flags of their own.
UNIT = $(shell $(GO) list ./... | grep -v '/test/crash$$')

.PHONY: build
build: ## Build bin/rotd (the default)
	@CGO_ENABLED=0 $(GO) build -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o bin/rotd ./cmd/rotd

.PHONY: demo
demo: ## Build rotd and tell its story on a simulated AWS (about 30 s)
	@echo "Building bin/rotd (about a minute the first time) ..."
	@$(MAKE) --no-print-directory build
	@bin/rotd demo

.PHONY: check
check: ## Everything CI runs
	@scripts/check.sh

.PHONY: test
test: ## Unit tests, in random order
	$(GO) test -shuffle=on $(UNIT)

.PHONY: race
race: ## Unit tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -shuffle=on $(UNIT)

.PHONY: bench
bench: ## End-to-end benchmark, the packages' own benchmarks, then how right the rules are
	$(GO) run ./test/bench $(BENCHFLAGS)
	scripts/bench.sh
	@$(MAKE) --no-print-directory accuracy

.PHONY: accuracy
accuracy: ## Which simulated attacks the rules find, and every false alert in 20 worlds (20 minutes on 2 quiet CPUs)
	$(GO) run ./test/accuracy $(ACCURACYFLAGS)

.PHONY: fuzz
fuzz: ## Every fuzz target, or those that FUZZ matches (FUZZ='detection|events'), for FUZZTIME (20s)
	scripts/fuzz.sh '$(FUZZTIME)' '$(FUZZ)'

.PHONY: crash
crash: ## Every crash point once, then N (60) kills at random times
	$(GO) test ./test/crash -count=1 -timeout=60m -v -crash.kills=$(N)

.PHONY: prove
prove: ## Break each guarantee in a copy and see its test fail
	$(GO) run ./test/prove

.PHONY: mutate
mutate: ## Change the rules, or MUTATE ('internal/detection/key_*.go'), token by token; list what no test notices
	@scripts/mutate.sh $(MUTATE)

.PHONY: contract
contract: ## One contract suite against awssim and against independent servers
	scripts/contract.sh

.PHONY: soak
soak: ## Per release, takes hours: every break, 1,000 kills, 10,000 random plans, an hour of each fuzz target
	scripts/soak.sh

.PHONY: vuln
vuln: ## Known vulnerabilities in what rotd calls; fails when the database cannot be reached
	$(TOOL) govulncheck ./...

.PHONY: image
image: ## Container image IMAGE (rotd), by docker, podman or buildah
	@scripts/image.sh '$(IMAGE)' '$(VERSION)' '$(COMMIT)' '$(DATE)'

.PHONY: packages
packages: ## Debian and RPM packages, into dist/
	@scripts/packages.sh '$(VERSION)' '$(COMMIT)' '$(DATE)'

.PHONY: release
release: ## Archives, packages, SBOM and checksums of a tagged commit, into dist/; signed with MINISIGN_KEY or COSIGN_KEY
	@scripts/release.sh '$(VERSION)' '$(COMMIT)' '$(DATE)'

.PHONY: fmt
fmt: ## Format all Go files
	@git ls-files -co --exclude-standard -- '*.go' | xargs $(TOOL) gofumpt -l -w

.PHONY: lint
lint: ## golangci-lint with .golangci.yml
	$(TOOL) golangci-lint run ./...

.PHONY: clean
clean: ## Remove what the targets above leave behind
	rm -rf bin dist .cache

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
