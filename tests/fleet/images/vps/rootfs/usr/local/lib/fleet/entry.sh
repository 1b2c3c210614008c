#!/bin/sh
# Process 1. SSH comes last: when it answers, everything else does.
set -eu
. /usr/local/lib/fleet/services.sh

fleet_ssh_keys root laman
fleet_tls
fleet_mariadb_start
if fleet_first_start; then
    # The image may be months old: keep the posts as old as they were on the day it was built.
    passed=$(( $(date +%s) - $(cat /etc/fleet-built) ))
    mariadb --database wordpress --execute "UPDATE wp_posts SET
        post_date = post_date + INTERVAL $passed SECOND, post_date_gmt = post_date_gmt + INTERVAL $passed SECOND,
        post_modified = post_modified + INTERVAL $passed SECOND,
        post_modified_gmt = post_modified_gmt + INTERVAL $passed SECOND
        WHERE post_type IN ('post', 'page') AND post_status = 'publish'"
    cp /fleet/logs/* /var/log/nginx/
    chown www-data:adm /var/log/nginx/access.log*
    chmod 640 /var/log/nginx/access.log*
fi
install -d -o www-data -g www-data /run/php
php-fpm8.2 --daemonize
nginx
install -d -m 755 /run/sshd
/usr/sbin/sshd
fleet_serve
