#!/usr/bin/env bash
# Builds the container image with whatever engine is there: image.sh IMAGE VERSION COMMIT DATE.
set -euo pipefail
cd "$(dirname "$0")/.."

image=$1
arguments=(--build-arg "VERSION=$2" --build-arg "COMMIT=$3" --build-arg "DATE=$4" --tag "$image:$2" --tag "$image:latest")

if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
  exec docker build "${arguments[@]}" .
elif command -v podman >/dev/null; then
  exec podman build --format docker "${arguments[@]}" . # docker's format: the OCI one knows no HEALTHCHECK
elif command -v buildah >/dev/null; then
  exec buildah build --format docker "${arguments[@]}" .
fi

echo "make image: no container engine to build with." >&2
if command -v docker >/dev/null; then
  echo "docker is installed but its daemon does not answer (docker info says why)." >&2
fi
echo "Start docker, or install podman or buildah (Debian: apt-get install buildah)." >&2
exit 1
