# Sourced by the entry scripts: there is no systemd here, so these few functions start what a host runs.
# shellcheck shell=sh

fleet_ssh_keys() {  # fleet_ssh_keys USER...: the host key, and the key with which the tests log in as each USER
    install -m 600 /fleet/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key
    install -m 644 /fleet/ssh_host_ed25519_key.pub /etc/ssh/ssh_host_ed25519_key.pub
    for fleet_user in "$@"; do
        fleet_home=$(getent passwd "$fleet_user" | cut -d: -f6)
        install -d -m 700 -o "$fleet_user" -g "$fleet_user" "$fleet_home/.ssh"
        install -m 600 -o "$fleet_user" -g "$fleet_user" /fleet/authorized_keys "$fleet_home/.ssh/authorized_keys"
    done
}

fleet_tls() {  # the certificate of this host's address, made by the fleet's own authority
    install -d -m 755 /etc/fleet-tls
    install -m 644 /fleet/tls.crt /etc/fleet-tls/tls.crt
    install -m 600 /fleet/tls.key /etc/fleet-tls/tls.key
}

fleet_mariadb_start() {
    install -d -m 755 -o mysql -g mysql /run/mysqld
    mariadbd --user=mysql >/var/log/mariadbd.log 2>&1 &
    fleet_tries=0
    until mariadb-admin --silent ping >/dev/null 2>&1; do
        fleet_tries=$((fleet_tries + 1))
        if [ "$fleet_tries" -gt 300 ]; then
            echo "mariadbd does not answer after 30 s:" >&2
            tail -n 20 /var/log/mariadbd.log >&2
            exit 1
        fi
        sleep 0.1
    done
}

fleet_mariadb_stop() {
    mariadb-admin shutdown
}

fleet_first_start() {  # true only on the first start of this container, not after a stop and start
    [ ! -e /var/lib/fleet-started ] && touch /var/lib/fleet-started
}

fleet_serve() {  # stay as process 1: reap orphans, and end the database in good order when told to stop
    trap 'fleet_mariadb_stop; exit 0' TERM INT
    echo "fleet: ready"
    while :; do
        sleep 3600 &
        wait $!
    done
}
