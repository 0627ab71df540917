#!/usr/bin/env bash
# Runs the benchmarks that packages keep beside their code.
set -euo pipefail
cd "$(dirname "$0")/.."

dirs=$(git ls-files -co --exclude-standard -- '*_test.go' ':!test/contract' ':!test/templates' |
  xargs grep -l '^func Benchmark' 2>/dev/null | xargs -r -n1 dirname | sort -u)
for dir in $dirs; do
  go test -run='^$' -bench=. -benchmem "./$dir"
done
