#!/usr/bin/env bash
# Changes one token of a package at a time and runs the package's quick tests: mutate.sh [PACKAGE|FILE...], all of the
# rules by default. A mutant that no test notices lives. Prints how many were killed, lived, ... in each file, then each
# that lived with why it may, as test/mutants.txt says. Fails when one lives that stands not there, or, of all of the
# rules or of packages, more than 5 % do.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- internal/detection internal/counting
declare -A asked # the files asked for of each package; none: all of them
share=20         # no more than one in so many may live
for what; do
  what=${what#./}
  case $what in
    *.go)
      [ -f "$what" ] || { echo "$what is no file" >&2 && exit 2; }
      package=$(dirname "$what") share=1
      asked[$package]="${asked[$package]-} $(basename "$what")"
      ;;
    *) asked[${what%/}]=${asked[${what%/}]-} ;;
  esac
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# What gremlins calls as go. Its exit status 2 says that a mutant does not compile; go test says 1, as of a test that
# failed, and such mutants would count as killed. What -short leaves out takes seconds and finds panics. Compiling costs
# more than the tests do: the package itself is not optimised, which takes a third off. The first run, without a mutant,
# is the measure of how long others may take: it must not come from the cache.
go=$(go env GOROOT)/bin/go
cat >"$scratch/go" <<EOF
#!/bin/sh
[ "\$1" = test ] || exec "$go" "\$@"
shift
out=\$("$go" test -short -count=1 '-gcflags=-N -l' '-ldflags=-s -w' "\$@" 2>&1)
status=\$?
printf '%s\n' "\$out"
case \$out in *'[build failed]'*) exit 2 ;; esac
exit \$status
EOF
chmod +x "$scratch/go"
"$go" build -modfile=tools/gremlins/go.mod -o "$scratch/gremlins" github.com/go-gremlins/gremlins/cmd/gremlins

# The copies that gremlins works in share compiled packages: with -trimpath it does not matter where they lie.
export CGO_ENABLED=0 GOFLAGS="$(go env GOFLAGS) -trimpath -vet=off" PATH="$scratch:$PATH"
for package in "${!asked[@]}"; do
  others=()
  if [ -n "${asked[$package]}" ]; then
    for file in "$package"/*.go; do
      file=$(basename "$file")
      [[ " ${asked[$package]} " == *" $file "* || $file == *_test.go ]] || others+=(--exclude-files "^${file//./\\.}\$")
    done
  fi
  "$scratch/gremlins" unleash "./$package" --invert-logical --timeout-coefficient 30 "${others[@]}" \
    >"$scratch/out" 2>&1 ||
    { cat "$scratch/out" >&2 && exit 1; } # stdout is the list
  # "      LIVED CONDITIONALS_BOUNDARY at words.go:26:10", the source line behind it.
  statuses='KILLED|LIVED|TIMED OUT|NOT COVERED|NOT VIABLE'
  sed -nE "s/^ *($statuses) ([A-Z_]+) at ([^:]+):([0-9]+):([0-9]+)\$/\1|\2|\3|\4|\5/p" "$scratch/out" |
    while IFS='|' read -r status kind file line column; do
      printf '%s|%s|%s|%s|%s|%s\n' "$status" "$kind" "$package/$file" "$line" "$column" \
        "$(sed -n "${line}{s/^[[:space:]]*//;p}" "$package/$file")"
    done
done | sort -t'|' -k3,3 -k4,4n -k5,5n >"$scratch/mutants"

awk -F'|' -v share="$share" '
  FILENAME == "test/mutants.txt" { # "FILE KIND: SOURCE LINE", and why beneath it, indented
    if ($0 ~ /^internal\//) { entry = $0; next }
    if ($0 ~ /^  / && entry != "") why[entry] = why[entry] substr($0, 2)
    next
  }
  { n[$3, $1]++; n["all", $1]++; if (!seen[$3]++) files[++count] = $3 }
  $1 == "LIVED" {
    source = $6
    for (i = 7; i <= NF; i++) source = source "|" $i
    entry = $3 " " $2 ": " source
    reason = why[entry]
    if (reason == "") { reason = " NOT LISTED"; unlisted++ }
    survivors = survivors sprintf("%s:%s:%s %s: %s\n   %s\n", $3, $4, $5, $2, source, reason)
  }
  function row(name, k, l, t, c, v) { printf "%-48s %6s %5s %9s %11s %10s\n", name, k, l, t, c, v }
  function numbers(f) {
    row(f, n[f, "KILLED"] + 0, n[f, "LIVED"] + 0, n[f, "TIMED OUT"] + 0, n[f, "NOT COVERED"] + 0,
      n[f, "NOT VIABLE"] + 0)
  }
  END {
    row("", "killed", "lived", "timed out", "not covered", "not viable")
    for (i = 1; i <= count; i++) numbers(files[i])
    numbers("all")
    printf "\n%s", survivors
    judged = n["all", "KILLED"] + n["all", "LIVED"] + n["all", "TIMED OUT"]
    lived = n["all", "LIVED"]
    printf "%d of %d mutants lived, %d of them for no reason that test/mutants.txt knows\n", lived, judged, unlisted
    exit unlisted > 0 || judged == 0 || lived * share > judged
  }' test/mutants.txt "$scratch/mutants"
