#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other: fuzz.sh FUZZTIME.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${1:-20s}
targets=0
failed=0

# `go test -list` prints a package's targets, then "ok <package> ...".
names=()
listing=$(go test -list '^Fuzz' ./...)
while read -r first second _; do
  case $first in
    Fuzz*) names+=("$first") ;;
    ok)
      for name in ${names[@]+"${names[@]}"}; do
        targets=$((targets + 1))
        echo "== $name ($second) for $fuzztime"
        go test -run='^$' -fuzz="^$name\$" -fuzztime="$fuzztime" "$second" || failed=$((failed + 1))
      done
      names=()
      ;;
  esac
done <<<"$listing"

echo "$targets fuzz targets, $failed failed"
[ "$targets" -gt 0 ] && [ "$failed" -eq 0 ]
