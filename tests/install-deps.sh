#!/bin/sh
# Debian packages that the tests need beside the fleet's: an office that recalculates and prints, real databases and servers.
# As root on Debian or Ubuntu it installs what is missing; otherwise it says so, and the tests that need it skip.
set -eu
sh "$(dirname "$0")/fleet/install-deps.sh"
missing=""
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}
package() { # package NAME, where no command tells that it is there
    ! command -v dpkg >/dev/null 2>&1 || dpkg -s "$1" >/dev/null 2>&1 || missing="$missing $1"
}
need soffice libreoffice-calc
package libreoffice-writer
package fonts-liberation
need pdftoppm poppler-utils
need mariadbd mariadb-server
need mariadb mariadb-client
need sqlite3 sqlite3
need sshd openssh-server
need zstd zstd
need php php-cli  # a drill starts the restored WordPress
package php-mysql
package php-xml
package php-mbstring
need restic restic  # a peer of the benches
need pg_dump postgresql
need faketime faketime
need nginx nginx-light
need xorriso xorriso
need par2 par2
need age age
need systemd-analyze systemd
need busybox busybox
need postfix postfix
need saslpasswd2 sasl2-bin
package libsasl2-modules
package libsasl2-modules-db
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "tests: not installed here:$missing (as root on Debian or Ubuntu: make test-deps)" >&2
    exit 0
fi
echo "installing for the tests:$missing"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1  # packages start no services of their own here
apt-get update -qq >/dev/null
# shellcheck disable=SC2086 # a list of package names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
