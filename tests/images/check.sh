#!/bin/sh
# Build the CPU's image twice, as it is and with a changed source, and test both: `make image-check`.
# PODMAN, BUILD_FLAGS and RUN_FLAGS say what a machine needs besides, such as BUILD_FLAGS="--isolation chroot".
set -eu
cd "$(dirname "$0")/../.."
export PODMAN="${PODMAN:-podman}" RUN_FLAGS="${RUN_FLAGS:-}"
base=3.11-slim-bookworm

if ! command -v podman >/dev/null; then
    echo "image-check: SKIPPED. No image was built and nothing was checked: podman is missing (Debian's package podman)." >&2
    exit 0
fi
if ! $PODMAN pull --quiet "docker.io/library/python:$base"; then
    echo "image-check: python:$base CANNOT BE PULLED. A stand-in takes its place, made by debootstrap: Debian's Python." >&2
    base=3.11-stand-in
    $PODMAN image exists "docker.io/library/python:$base" || tests/images/stand_in.sh "docker.io/library/python:$base"
fi

build() { # TAG FOLDER
    # shellcheck disable=SC2086 # flags are words
    $PODMAN build --layers --pull=never --build-arg "PYTHON=$base" ${BUILD_FLAGS:-} --tag "$1" "$2"
}
changed=$(mktemp -d)
trap 'rm -rf "$changed"' EXIT
build localhost/flexrl:check .
cp -a Dockerfile .dockerignore requirements.lock requirements-model.lock pyproject.toml setup.py README.md LICENSE \
    envs algos flexrl launch examples pretrained "$changed"
echo "# changed" >>"$changed/flexrl/__init__.py"
build localhost/flexrl:changed "$changed"
IMAGE=localhost/flexrl:check CHANGED=localhost/flexrl:changed .venv/bin/python -m pytest tests/images "$@"
