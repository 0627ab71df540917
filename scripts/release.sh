#!/usr/bin/env bash
# Builds a release into dist/, or an empty DIRECTORY: release.sh VERSION COMMIT DATE [DIRECTORY]. For each of
# ARCHITECTURES an archive and both packages, the parts list (SBOM) of the binary, SHA256SUMS of all of them, and a
# signature of that: by minisign with MINISIGN_KEY=FILE, by cosign with COSIGN_KEY=FILE (or any key that cosign takes).
# The same commit gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1 commit=$2 date=$3 dist=${4:-dist}
case $version in
  v[0-9]*-dirty | *-g*) echo "make release: $version is no release: commit, and tag that (git tag v1.2.3)" >&2 && exit 2 ;;
  v[0-9]*) ;;
  *) echo "make release: the commit has no tag such as v1.2.3" >&2 && exit 2 ;;
esac
for signer in minisign cosign; do
  key=${signer^^}_KEY
  [ -z "${!key:-}" ] || command -v "$signer" >/dev/null ||
    { echo "make release: $key is given, but there is no $signer: install it" >&2 && exit 2; }
done
[ -z "${MINISIGN_KEY:-}" ] || [ -r "$MINISIGN_KEY" ] ||
  { echo "make release: cannot read MINISIGN_KEY=$MINISIGN_KEY" >&2 && exit 2; }
SOURCE_DATE_EPOCH=$(date -u -d "$date" +%s)
export SOURCE_DATE_EPOCH
[ $# -gt 3 ] || rm -rf dist
mkdir -p "$dist" .cache
[ -z "$(ls -A "$dist")" ] || { echo "make release: $dist is not empty" >&2 && exit 2; }
architectures=${ARCHITECTURES:-amd64 arm64}

CGO_ENABLED=0 go build -trimpath -modfile=tools/sbom/go.mod -o .cache/cyclonedx-gomod \
  github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
for arch in $architectures; do
  GOARCH=$arch scripts/packages.sh "$version" "$commit" "$date" "$dist"
  name=rotd-$version-linux-$arch
  stage=.cache/release/$name
  rm -rf "$stage" && mkdir -p "$stage"
  CGO_ENABLED=0 GOARCH=$arch go build -trimpath -tags timetzdata \
    -ldflags "-s -w -X main.version=$version -X main.commit=$commit -X main.date=$date" -o "$stage/rotd" ./cmd/rotd
  cp -r LICENSE README.md CHANGELOG.md docs deploy "$stage/"
  rm -f "$stage"/deploy/*_test.go
  tar --sort=name --mode=u=rwX,go=rX --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    -C .cache/release -cf - "$name" | gzip -9n >"$dist/$name.tar.gz"
done
.cache/cyclonedx-gomod bin -json -notimestamp -version "$version" -output "$dist/rotd-$version.cdx.json" \
  ".cache/release/rotd-$version-linux-${architectures%% *}/rotd"

(cd "$dist" && sha256sum -- * >SHA256SUMS)
[ -z "${MINISIGN_KEY:-}" ] || minisign -S -s "$MINISIGN_KEY" -m "$dist/SHA256SUMS" -t "rotd $version"
[ -z "${COSIGN_KEY:-}" ] ||
  cosign sign-blob --yes --key "$COSIGN_KEY" --output-signature "$dist/SHA256SUMS.sig" "$dist/SHA256SUMS"
[ -n "${MINISIGN_KEY:-}${COSIGN_KEY:-}" ] || echo "not signed: give MINISIGN_KEY or COSIGN_KEY" >&2
ls -l "$dist"
