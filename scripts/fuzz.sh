#!/usr/bin/env bash
# Runs the module's fuzz targets one after the other: fuzz.sh FUZZTIME CHOICE. CHOICE is a regular expression over
# package.Target, such as internal/detection.FuzzRules; none: all. It ends with a table, as the documentation has them.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${1:-20s}
choice=${2:-.}
targets=0
failed=0
table=''

log=$(mktemp)
trap 'rm -f "$log"' EXIT

while read -r target; do
  targets=$((targets + 1))
  echo "== $target for $fuzztime"
  outcome=passed
  # An input that is news is not made smaller for a minute, the default: that would be most of the time.
  go test -run='^$' -fuzz="^${target##*.}\$" -fuzztime="$fuzztime" -fuzzminimizetime=100x "./${target%.*}" 2>&1 |
    tee "$log" || outcome=FAILED
  [ "$outcome" = passed ] || failed=$((failed + 1))
  # fuzz: elapsed: 1m0s, execs: 113245 (4083/sec), new interesting: 18 (total: 309)
  row=$(sed -nE 's/^fuzz: elapsed: (.*), execs: ([0-9]+) .*interesting: ([0-9]+) \(total: ([0-9]+)\)$/\1 | \2 | \3 | \4/p' \
    "$log" | tail -n 1)
  table+="| \`$target\` | ${row:-- | - | - | -} | $outcome |"$'\n'
done < <(git ls-files -co --exclude-standard -- '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]*' |
  sed -E 's|/[^/]*:func |.|' | sort -u | grep -E "$choice")

echo
echo '| target | time | inputs tried | new | corpus | |'
echo '|---|---|---|---|---|---|'
printf '%s' "$table"
echo
echo "$targets fuzz targets, $failed failed"
[ "$targets" -gt 0 ] && [ "$failed" -eq 0 ]
