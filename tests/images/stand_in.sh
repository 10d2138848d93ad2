#!/bin/sh
# Make an image that stands in for Docker Hub's `python:3.11-slim-bookworm` where it cannot be pulled: Debian with its
# own Python, by debootstrap. Needs root. Usage: stand_in.sh TAG
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv bookworm "$folder"
ln -s /usr/bin/python3 "$folder/usr/local/bin/python"

# As Docker's Debian does: no documentation, no translations, no archive of what was installed.
rm -rf "$folder"/usr/share/doc/* "$folder"/usr/share/man/* "$folder"/usr/share/locale/*
rm -rf "$folder"/var/cache/apt/* "$folder"/var/lib/apt/lists/*
cat >"$folder/etc/dpkg/dpkg.cfg.d/slim" <<EOF
path-exclude /usr/share/doc/*
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
EOF
cat >"$folder/etc/apt/apt.conf.d/slim" <<EOF
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
EOF
tar -C "$folder" -c . | ${PODMAN:-podman} import - "$1"
