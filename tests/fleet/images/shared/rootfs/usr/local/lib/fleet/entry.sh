#!/bin/sh
# Process 1. SSH comes last: when it answers, everything else does.
set -eu
. /usr/local/lib/fleet/services.sh

fleet_ssh_keys agency
fleet_tls
fleet_mariadb_start
if fleet_first_start; then
    cp /fleet/logs/dinas-contoh.test* /var/log/domlogs/agency/
    chmod 644 /var/log/domlogs/agency/*
    install -m 644 -o agency -g agency /fleet/archive/* /home/agency/logs/
    install -d -o agency -g agency /home/agency/public_html/feed
    install -m 644 -o agency -g agency /fleet/site/feed.xml /home/agency/public_html/feed/index.xml
    install -m 644 -o agency -g agency /fleet/site/sitemap.xml /home/agency/public_html/sitemap.xml
fi
nginx
install -d -m 755 /run/sshd
/usr/sbin/sshd
fleet_serve
