#!/usr/bin/env bash
# Builds the container image: image.sh IMAGE VERSION COMMIT DATE [DIRECTORY]. An engine that can fetch the Go image
# builds everything in it. buildah takes the binary from this machine's Go, fetches nothing and gives the same bytes for
# the same commit; with DIRECTORY it leaves the image there (containers/image's dir: layout) instead of in its store.
set -euo pipefail
cd "$(dirname "$0")/.."

image=$1 version=$2 commit=$3 date=$4 directory=${5:-}
arguments=(--build-arg "VERSION=$version" --build-arg "COMMIT=$commit" --build-arg "DATE=$date")
tags=(--tag "$image:$version" --tag "$image:latest")

if [ -z "$directory" ]; then
  if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    exec docker build "${arguments[@]}" "${tags[@]}" .
  elif command -v podman >/dev/null; then
    exec podman build --format docker "${arguments[@]}" "${tags[@]}" . # docker's format: the OCI one knows no HEALTHCHECK
  fi
fi
if ! command -v buildah >/dev/null; then
  echo "make image: no container engine to build with." >&2
  if command -v docker >/dev/null; then
    echo "docker is installed but its daemon does not answer (docker info says why)." >&2
  fi
  echo "Start docker, or install podman or buildah (Debian: apt-get install buildah)." >&2
  exit 1
fi

# What the Dockerfile's first stage would leave behind stands in for it.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
built=$scratch/built
mkdir -p "$built/out" "$built/etc/ssl/certs"
install -d -m 0700 "$built/out/state"
install -d -m 0750 "$built/out/run"
cp /etc/ssl/certs/ca-certificates.crt "$built/etc/ssl/certs/"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags timetzdata \
  -ldflags "-s -w -X main.version=$version -X main.commit=$commit -X main.date=$date" -o "$built/out/rotd" ./cmd/rotd

store=(--storage-driver vfs --root "$scratch/store" --runroot "$scratch/run")
buildah "${store[@]}" build --format docker --isolation chroot --build-context "builder=$built" \
  --timestamp "$(date -u -d "$date" +%s)" --tag "$image:$version" .
made=${directory:-$scratch/made}
mkdir -p "$made"
buildah "${store[@]}" push --format v2s2 "$image:$version" "dir:$made"

# buildah tells of the container it worked in: two builds of one commit would differ by its id and its host name.
was=$(sed -E 's/.*"config":\{[^}]*"digest":"sha256:([0-9a-f]{64}).*/\1/' "$made/manifest.json")
sed -E -i 's/"container":"[0-9a-f]{64}",//; s/"Hostname":"[0-9a-f]{12}"/"Hostname":""/g' "$made/$was"
is=$(sha256sum "$made/$was" | cut -d ' ' -f 1)
mv "$made/$was" "$made/$is"
sed -E -i "s/(\"config\":\{[^}]*\"size\":)[0-9]+/\1$(stat -c %s "$made/$is")/; s/$was/$is/" "$made/manifest.json"

if [ -z "$directory" ]; then
  pulled=$(buildah pull "dir:$made")
  buildah tag "$pulled" "$image:$version" "$image:latest"
fi
