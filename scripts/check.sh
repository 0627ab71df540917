#!/usr/bin/env bash
# Everything CI runs, one line a step. A step that fails shows its output and does not stop the others. A tool that is
# missing is looked for first: with CI=true it is a failure, otherwise what needs it is skipped and said at the end.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

ci=${CI:-false}
logs=.cache/check
mkdir -p "$logs"
tool=(go tool -modfile=tools/go.mod)
kills=${N:-60}
passed=0
failed=0
missing=() # what could be installed
without=() # what cannot be had here

# All steps but the race detector's build in the same way, that of make build: what one has compiled the others find.
export CGO_ENABLED=0
GOFLAGS="$(go env GOFLAGS) -trimpath -tags=timetzdata"
export GOFLAGS
# There is more memory than time: garbage is collected less often than by default, in compilers, tests and daemons.
export GOGC=${GOGC:-400}
# What tests write is fsynced and thrown away. A process that is killed loses nothing of a file in memory either.
if [ "$(df --output=avail --block-size=1G /dev/shm 2>/dev/null | tail -n 1)" -ge 8 ] 2>/dev/null; then
  TMPDIR=$(mktemp -d -p /dev/shm rotd-check.XXXXXX)
  export TMPDIR
  chmod 1777 "$TMPDIR" # as /tmp: tests that begin as root become others
  trap 'rm -rf "$TMPDIR"' EXIT
fi

# need COMMAND INSTALL PURPOSE: is COMMAND there? If not, remembers what to install and what goes without.
need() {
  command -v "$1" >/dev/null 2>&1 && return 0
  missing+=("$3: no $1; install $2")
  return 1
}

# step NAME COMMAND...: runs COMMAND, prints one line with the time it took, and its output only if it failed.
step() {
  timed "$@"
  told "$1"
}

# beside NAME COMMAND...: runs COMMAND while other steps run; after a wait, told NAME prints its line.
beside() {
  timed "$@" &
}

timed() {
  local log="$logs/${1// /-}" status=0 began=$SECONDS
  shift
  rm -f "$log.ended"
  "$@" >"$log.log" 2>&1 || status=$?
  echo "$status $((SECONDS - began))" >"$log.ended"
}

told() {
  local name=$1 log="$logs/${1// /-}" status=1 took=0
  read -r status took <"$log.ended" || true
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
    printf 'ok    %-16s %4ds\n' "$name" "$took"
    return
  fi
  failed=$((failed + 1))
  printf 'FAIL  %-16s %4ds  (exit %d, %s)\n' "$name" "$took" "$status" "$log.log"
  grep -v -E '^(ok|\?) +' "$log.log" | tail -n 400 | sed 's/^/      /'
}

gofumpt() { # fails when it lists a file
  local unformatted
  unformatted=$(git ls-files -co --exclude-standard -- '*.go' | xargs "${tool[@]}" gofumpt -l) || return
  [ -z "$unformatted" ] || { printf 'not formatted (make fmt):\n%s\n' "$unformatted" && return 1; }
}

tidy() {
  local module
  for module in . tools tools/gremlins tools/nfpm tools/sbom test/contract test/templates; do
    (cd "$module" && go mod tidy -diff) || return
  done
}

vet() {
  local module
  for module in . test/contract test/templates; do
    go -C "$module" vet ./... || return
  done
}

# Under the race detector where there is a C compiler; vet has had its step.
raced() {
  local flags=(-vet=off -parallel=4) # they wait more than they compute
  local -x GORACE=atexit_sleep_ms=50 # not a second at the end of each process: goleak has seen that nothing runs
  [ "$race" = yes ] && flags+=(-race)
  CGO_ENABLED=$([ "$race" = yes ] && echo 1 || echo 0) go test "${flags[@]}" "$@"
}

plans=TestRandomPlansOnARealState
# Seconds of computation, not for the race detector either: what they have run side by side, other tests have too.
dear=$(tr '\n' '|' <<'TESTS'
TestEachAttackPagesOnce
TestTenMinutesOfThrottlingDelayASweepAndFalsifyNothing
TestAnInventoryThatWasCutOffGoesOnWhereItWas
TestADriftSweepThatWasCutOffGoesOnWhereItWas
TestAFleetOfEveryKindOfKeyGivesExactlyTheExpectedFindings
TestALargeFleetsDearFactsComeAfterItsFirstInventoryAndPageNobody
TestMoreGrantsThanAreKeptAreAllShownAndRevoked
TestAUsersRuleThatRemembersTooMuchForgetsItsOwnAlone
TestUsageIsExactHoweverItIsBatchedFoldedAndTrimmed
TestOpenADamagedState
TestWhateverIsDamagedWhatIsSavedIsWhole
TestInspectNamesRecordsThatCannotBeDecoded
TestAKillDuringCompactionLosesNothing
TestWhatWasReportedCommittedSurvivesSIGKILL
TestCompactionKeepsEveryEntryAndSequence
TestACompactionThatCannotBeWrittenKeepsTheOriginal
TestAStateIsCompactedWhenItIsWorthIt
TestTheOriginalIsKept
TestABusyDaysEventsTakeLittleRoom
TestALargeObjectIsWrittenInParts
TestAnUploadInPartsThatFailsLeavesNothing
TestOnePartIsRepeatedAlone
TestASweepReachesItsShareOfTheQuota
TestTheLongestMessagesFit
TESTS
)
dear=${dear%|}

# The race detector makes a test up to ten times as dear, and sees nothing where nothing runs beside something else: it
# watches the packages that start goroutines or lock something. What test/ and deploy/ start are processes of their own.
unit() {
  local package beside=() alone=()
  for package in $(go list ./... | grep -v '/test/crash$'); do
    if [[ $package != rotd/test/* && $package != rotd/deploy ]] &&
      grep -qE '\bgo (func|[A-Za-z.]+)\(|"sync(/atomic)?"|errgroup|t\.Parallel\(\)' "${package#rotd/}"/*.go; then
      beside+=("$package")
    else
      alone+=("$package")
    fi
  done
  raced -shuffle=on -skip="^($plans|$dear)\$" "${beside[@]}" || return
  go test -vet=off -run="^($dear)\$" ./internal/{engine,state,awss3,awskms,notify} || return
  go test -vet=off -shuffle=on "${alone[@]}"
}

# About a tenth of the random plans is watched for races. make soak makes 10,000.
random() {
  go test -vet=off -run="^$plans\$" ./internal/engine -rapid.checks=50 || return
  [ "$race" = no ] || raced -run="^$plans\$" ./internal/engine -rapid.checks=5
}

# Both stories of the demo, side by side: they mostly wait.
demos() {
  local status=0 incident
  bin/rotd demo --story incident >"$logs/incident.log" 2>&1 &
  incident=$!
  bin/rotd demo || status=$?
  wait "$incident" || status=$?
  cat "$logs/incident.log"
  return "$status"
}

need git "git" "format, build" || exit 1
race=yes
compiler=${CC:-gcc}
need "${compiler%% *}" "gcc and libc6-dev (or set CC)" "race detector" || race=no
need systemd-analyze "systemd" "test of the systemd unit" || true
need rpm "rpm" "test of the packages" || true
need buildah "buildah" "test of the image" || true
need minisign "minisign" "test of a release" || true
need chromium "chromium" "test of the printed report" || true
need pdftotext "poppler-utils" "test of the printed report" || true
export ROTD_CONTRACT_NPM=1
need npm "nodejs and npm" "contract with fauxqs" || ROTD_CONTRACT_NPM=0
if [ "$ci" = true ] && [ ${#missing[@]} -gt 0 ]; then
  printf 'missing  %s\n' "${missing[@]}"
  failed=${#missing[@]}
fi

step "format" gofumpt
step "modules tidy" tidy
step "build" make build
step "vet" vet
step "lint" "${tool[@]}" golangci-lint run ./...
step "unit tests" unit
step "crash points" go test -vet=off ./test/crash -count=1 -timeout=20m -crash.kills="$kills"
# These wait, or compute on one processor.
beside "prove some" go run ./test/prove -share 24
beside "random plans" random
beside "contract" scripts/contract.sh
beside "templates" go -C test/templates test -vet=off -count=1 ./... # deploy/ is outside of what go test caches by
beside "demos" demos
wait
for name in "prove some" "random plans" contract templates demos; do
  told "$name"
done
if timeout 5 bash -c '</dev/tcp/vuln.go.dev/443' 2>/dev/null; then
  step "vulnerabilities" make vuln
else
  without+=("known vulnerabilities (make vuln): vuln.go.dev cannot be reached from here")
fi

if [ $((${#missing[@]} + ${#without[@]})) -gt 0 ]; then
  echo "went without:"
  printf '  %s\n' ${missing[@]+"${missing[@]}"} ${without[@]+"${without[@]}"}
fi
echo "$((SECONDS / 60))m$((SECONDS % 60))s in all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
