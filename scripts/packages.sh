#!/usr/bin/env bash
# Builds the Debian and RPM packages, or those of KINDS, into dist/, or DIRECTORY: packages.sh VERSION COMMIT DATE
# [DIRECTORY]. The same commit gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

described=$1 commit=$2 date=$3 dist=${4:-dist}
STAGE=$(mktemp -d)
trap 'rm -rf "$STAGE"' EXIT
mkdir -p .cache "$dist" "$STAGE/man"

# Package managers compare versions: 1.2.0-rc.1 comes before 1.2.0 and 1.2.0-3-gabcdef0 after it, what has no tag yet
# before everything. A hyphen would begin their own revision.
version=${described#v}
case $version in
  [0-9]*.[0-9]*) version=${version/-rc/\~rc} ;;
  *) version=0.0.0+$(date -u -d "$date" +%Y%m%d%H%M%S)+$version ;;
esac
version=${version//-/+}
ARCH=$(go env GOARCH) VERSION=$version SOURCE_DATE_EPOCH=$(date -u -d "$date" +%s)
export STAGE ARCH VERSION SOURCE_DATE_EPOCH

CGO_ENABLED=0 go build -trimpath -tags timetzdata \
  -ldflags "-s -w -X main.version=$described -X main.commit=$commit -X main.date=$date" -o "$STAGE/rotd" ./cmd/rotd
here=$(go env GOHOSTARCH)
CGO_ENABLED=0 GOARCH=$here go build -trimpath -modfile=tools/nfpm/go.mod -o .cache/nfpm \
  github.com/goreleaser/nfpm/v2/cmd/nfpm

rotd=$STAGE/rotd
[ "$here" = "$ARCH" ] || # the pages are the same on all machines
  { rotd=$STAGE/rotd-here && CGO_ENABLED=0 GOARCH=$here go build -o "$rotd" ./cmd/rotd; }
"$rotd" man "$STAGE/man"
gzip -9n "$STAGE"/man/*
gzip -9nc CHANGELOG.md >"$STAGE/CHANGELOG.gz"
for shell in bash zsh fish; do
  "$rotd" completion "$shell" >"$STAGE/rotd.$shell"
done

for kind in ${KINDS:-deb rpm}; do
  .cache/nfpm package --config deploy/packages/nfpm.yaml --packager "$kind" --target "$dist/"
done
