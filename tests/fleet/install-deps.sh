#!/bin/sh
# Installs what the fleet and its media need, on Debian and Ubuntu, as root; quiet, and only what is missing.
set -eu

packages="podman runc netavark aardvark-dns mmdebstrap iproute2 iptables uidmap openssl openssh-client e2fsprogs mount
zstd mariadb-client mariadb-server sqlite3 openssh-server sudo busybox"

if ! command -v apt-get >/dev/null 2>&1; then
    echo "fleet: no apt-get here; install by your own means: podman 4 or newer, openssl, ssh, e2fsprogs, zstd, MariaDB, sqlite3"
    exit 0
fi

missing=""
for package in $packages; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "fleet: not installed:$missing (run this as root: sudo sh tests/fleet/install-deps.sh)"
    exit 0
fi

# A release may lack one (older ones have no netavark): install what it has, and name the rest.
apt-get update -qq
known=""
for package in $missing; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        known="$known $package"
    else
        echo "fleet: this release has no package $package"
    fi
done
[ -n "$known" ] || exit 0
echo "fleet: installing$known"
# Packages start no services of their own here: the tests start what they need.
# shellcheck disable=SC2086
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $known >/dev/null
