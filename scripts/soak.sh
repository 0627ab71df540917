#!/usr/bin/env bash
# The long run before a release (hours): every break, SOAK_KILLS kills, SOAK_PLANS random plans, SOAK_FUZZTIME for each
# fuzz target.
# Its last lines belong into docs/soak.md, with the release's version.
set -euo pipefail
cd "$(dirname "$0")/.."

kills=${SOAK_KILLS:-1000}
plans=${SOAK_PLANS:-10000}
fuzztime=${SOAK_FUZZTIME:-1h}
began=$SECONDS

make prove
make crash N="$kills"

# Property tests are those that draw with rapid; only their packages know the flag.
properties=$(go list -f '{{$p := .ImportPath}}{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$p}}
{{end}}{{end}}{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{$p}}
{{end}}{{end}}' ./... | sort -u)
for package in $properties; do
  go test -count=1 -timeout=6h -rapid.checks="$plans" "$package"
done

scripts/fuzz.sh "$fuzztime"

echo "soak of $(git describe --tags --always --dirty) on $(date -u +%Y-%m-%d): $kills kills, $plans random plans" \
  "for $(wc -w <<<"$properties") packages, $fuzztime a fuzz target: passed in $(((SECONDS - began) / 60)) minutes"
