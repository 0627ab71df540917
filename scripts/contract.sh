#!/usr/bin/env bash
# Runs the contract suite, a module of its own so that its servers stay out of rotd's go.sum. The npm server is
# fetched on first use; with ROTD_CONTRACT_NPM=0, or without npm, that one is skipped.
set -euo pipefail
cd "$(dirname "$0")/../test/contract"

if [ "${ROTD_CONTRACT_NPM:-1}" = 1 ] && command -v npm >/dev/null; then
  if [ ! -x fauxqs/node_modules/.bin/node ] || [ fauxqs/package-lock.json -nt fauxqs/node_modules/.bin/node ]; then
    npm ci --prefix fauxqs --no-audit --no-fund --loglevel=error
    touch -h fauxqs/node_modules/.bin/node
  fi
fi
# Most behaviours wait for a timeout to pass: many at a time.
go test -count=1 -parallel=32 "$@" ./...
