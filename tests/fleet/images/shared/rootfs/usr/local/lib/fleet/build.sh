#!/bin/sh
# Runs once, while the image is built: the account, what it owns and what it may not read, and its database.
set -eu
. /usr/local/lib/fleet/services.sh

if command -v python3 || command -v python || [ -e /usr/bin/python3 ]; then
    echo "this host must have no Python" >&2
    exit 1
fi
useradd -M -d /home/agency -s /bin/bash agency
install -d /home/agency/logs
ln -s public_html /home/agency/www
printf 'source ~/.bashrc\n' > /home/agency/.bash_profile
install -d -m 755 /var/log/domlogs/agency
ln -s /var/log/domlogs/agency /home/agency/access-logs
chown -hR agency:agency /home/agency
chmod 711 /home/agency
chmod 640 /home/agency/public_html/config.php
# The host's own, inside the account: the customer can list it and not read it.
install -d -m 755 /home/agency/private_root
printf 'kunci milik penyedia\n' > /home/agency/private_root/kunci.txt
chmod 600 /home/agency/private_root/kunci.txt

mariadb-install-db --user=mysql --auth-root-authentication-method=socket --skip-test-db >/dev/null
fleet_mariadb_start
mariadb < /usr/local/lib/fleet/database.sql
fleet_mariadb_stop
wait
