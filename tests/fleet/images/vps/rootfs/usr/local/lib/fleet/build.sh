#!/bin/sh
# Runs once, while the image is built: users, database, WordPress with its posts, uploads, the SQLite application.
set -eu
. /usr/local/lib/fleet/services.sh

ln -sf /usr/share/zoneinfo/Asia/Jakarta /etc/localtime
echo Asia/Jakarta > /etc/timezone
useradd -m -s /bin/bash -G adm laman
chmod 440 /etc/sudoers.d/laman
chown www-data:www-data /var/www/laman/wp-config.php
chmod 640 /var/www/laman/wp-config.php

mariadb-install-db --user=mysql --auth-root-authentication-method=socket --skip-test-db >/dev/null
fleet_mariadb_start
mariadb < /usr/local/lib/fleet/database.sql
mkdir -p /var/www/laman/wp-content/uploads
chown -R www-data:www-data /var/www/laman/wp-content
runuser -u www-data -- php /usr/local/lib/fleet/install.php
runuser -u www-data -- php /usr/local/lib/fleet/content.php
runuser -u www-data -- php /usr/local/lib/fleet/permalinks.php
runuser -u www-data -- sh -eu /usr/local/lib/fleet/uploads.sh
mariadb --database wordpress < /usr/local/lib/fleet/extras.sql
date +%s > /etc/fleet-built
fleet_mariadb_stop
wait

install -d -o laman -g laman /srv/app /srv/app/data
runuser -u laman -- sqlite3 -bail /srv/app/data/app.sqlite < /usr/local/lib/fleet/app.sql
