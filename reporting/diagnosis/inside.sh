# Read on the host by a POSIX sh, from its standard input: nothing is staged there, nothing is written, no word of what
# is secret is in an argument. Every answer comes between two lines that begin with $N, a word that nobody could foresee.
# shellcheck shell=sh disable=SC2154  # N is set by the lines before
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin; export PATH
exec 2>/dev/null

section() { printf '\n%s %s\n' "$N" "$*"; }
clip() { head -n 40 | cut -c1-500; }

T=
timeout -s KILL 5 true </dev/null && T=timeout
bounded() { # SECONDS COMMAND…: the command has our input, and no longer than that
    limit=$1; shift
    if [ -n "$T" ]; then timeout -s KILL "$limit" "$@"; return; fi
    exec 4<&0
    "$@" <&4 & task=$!
    (exec 4<&-; trap 'kill $nap; exit' TERM; sleep "$limit" & nap=$!; wait $nap; kill -KILL $task) >/dev/null & guard=$!
    exec 4<&-
    wait $task; code=$?
    kill $guard
    return $code
}

clock() {
    section clock
    date -u '+now %Y-%m-%dT%H:%M:%S'
    date '+zone %z'
}

system() {
    section system
    [ -r /proc/loadavg ] && { printf 'load '; cat /proc/loadavg; }
    [ -r /proc/cpuinfo ] && { printf 'cpus '; grep -c '^processor' /proc/cpuinfo; }
    grep -E '^(MemTotal|MemAvailable|SwapTotal|SwapFree):' /proc/meminfo
    [ -r /proc/uptime ] && { printf 'uptime '; cat /proc/uptime; }
    bounded 3 dmesg </dev/null | grep -iE 'out of memory: kill|oom-kill:' | tail -n 3 | cut -c1-300 | sed 's/^/dmesg /'
}

storage() { # PATH…
    section storage
    number=0; hung=
    for place; do
        if [ -e "$place" ]; then
            echo "path $number"
            said=$(bounded 3 df -P -k -- "$place" </dev/null)
            case $? in
                137) hung="$hung."; echo hangs ;; # a network file system whose server is gone: each look costs 3 s
                *)
                    printf '%s\n' "$said" | tail -n 1 | sed 's/^/blocks /'
                    bounded 3 df -P -i -- "$place" </dev/null | tail -n 1 | sed 's/^/inodes /'
                    ;;
            esac
            [ "$hung" = .. ] && break
        else
            echo "absent $number"
        fi
        number=$((number + 1))
    done
    echo mounts
    head -n 400 /proc/mounts
}

services() {
    section services
    if [ -d /run/systemd/system ]; then
        echo systemd
        bounded 5 systemctl list-units --all --type=service --plain --no-legend --no-pager \
            'nginx*' 'apache2*' 'httpd*' 'php*fpm*' 'mariadb*' 'mysql*' </dev/null | clip | sed 's/^/unit /'
        bounded 5 systemctl list-unit-files --type=service --no-legend --no-pager \
            'nginx*' 'apache2*' 'httpd*' 'php*fpm*' 'mariadb*' 'mysql*' </dev/null | clip | sed 's/^/file /'
    fi
    for program in /usr/sbin/nginx /usr/local/sbin/nginx /usr/local/nginx/sbin/nginx /usr/sbin/apache2 \
        /usr/sbin/httpd /usr/local/apache/bin/httpd /usr/sbin/mariadbd /usr/sbin/mysqld /usr/libexec/mysqld \
        /usr/libexec/mariadbd /usr/sbin/php-fpm* /usr/local/sbin/php-fpm* /opt/cpanel/ea-php*/root/usr/sbin/php-fpm
    do
        [ -x "$program" ] && echo "installed $program"
    done
    if [ -r /proc/1/stat ]; then
        echo visible
        cat /proc/[0-9]*/stat | sed -n 's/^[0-9]* (\(.*\)) \([A-Zt]\) .*/\2 \1/p' \
            | grep -E '^. (nginx|apache2|httpd|mariadbd|mysqld|php-fpm.*|php.*-fpm)$' | sort | uniq -c | sed 's/^/process /'
    fi
}

php_runs() {
    section php
    if command -v php >/dev/null; then
        bounded 6 php -r 'echo "laman-php ", PHP_VERSION, "\n";' </dev/null 2>&1 | clip
    else
        echo none
    fi
}

as_nobody() { # root only: the test opens files, and root would make those that are missing
    if command -v setpriv >/dev/null; then bounded 6 setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else echo 'laman: not tested as root'; return 1; fi
}

web_config() {
    section web nginx
    if command -v nginx >/dev/null; then
        if [ "$(id -u)" = 0 ] && ! pid_lives /run/nginx.pid /var/run/nginx.pid; then
            as_nobody nginx -t </dev/null 2>&1 | clip
        else
            bounded 6 nginx -t </dev/null 2>&1 | clip
        fi
    else
        echo none
    fi
    section web apache
    if command -v apache2 >/dev/null; then
        ([ -r /etc/apache2/envvars ] && . /etc/apache2/envvars; bounded 6 apache2 -t) </dev/null 2>&1 | clip
    elif command -v httpd >/dev/null; then
        bounded 6 httpd -t </dev/null 2>&1 | clip
    else
        echo none
    fi
}

pid_lives() {
    for pid_file; do
        [ -s "$pid_file" ] && [ -d "/proc/$(cat "$pid_file")" ] && return 0
    done
    return 1
}

ask_database() { # DATABASE OPTION_FILE OPTIONS: one query; the account comes on standard input or from the file
    # --local-infile=0: a server that a hostile wp-config.php names could else ask the client for files
    client=$(command -v mariadb || command -v mysql) || { echo noclient; return; }
    query='SELECT "laman-db", VERSION(), @@global.read_only'
    if [ -n "$2" ]; then
        bounded 8 "$client" --defaults-file="$2" --local-infile=0 --connect-timeout=5 --batch --skip-column-names -e "$query" -- "$1" </dev/null
    else
        printf '%s' "$3" | bounded 8 "$client" --defaults-file=/dev/stdin --local-infile=0 --connect-timeout=5 \
            --batch --skip-column-names -e "$query" -- "$1"
    fi 2>&1
    echo "code $?"
}

database() { # NUMBER DATABASE OPTION_FILE OPTIONS
    section database "$1"
    ask_database "$2" "$3" "$4" | clip
}

postgres() { # NUMBER SERVICE: one query; the account is a service file on standard input
    section database "$1"
    {
        if command -v psql >/dev/null; then
            printf '%s' "$2" | bounded 8 env PGSERVICEFILE=/dev/stdin PGSERVICE=laman PGCONNECT_TIMEOUT=5 psql -XAtqw \
                -c "SELECT 'laman-db' || chr(9) || current_setting('server_version') || chr(9) || '0'" 2>&1
            echo "code $?"
        else echo noclient; fi
    } | clip
}

sqlite_file() { # NUMBER PATH
    section sqlite "$1"
    if [ ! -e "$2" ]; then echo absent
    elif [ ! -f "$2" ]; then echo nofile
    elif [ ! -r "$2" ]; then echo unreadable
    else printf 'head '; dd if="$2" bs=15 count=1; echo; fi
}

setting_of() { # NAME: the value of define('NAME', 'value') in $config; nothing where it is no plain text
    sed -n "s/^[[:space:]]*define([[:space:]]*['\"]$1['\"][[:space:]]*,[[:space:]]*'\([^'\\\\]*\)'[[:space:]]*)[[:space:]]*;.*/\1/p" "$config" | tail -n 1
}

wordpress() { # NUMBER TREE: log in as the site itself does; what wp-config.php says stays on the host
    for config in "$2/wp-config.php" "${2%/*}/wp-config.php"; do
        [ -f "$config" ] && [ ! -L "$config" ] && break
        config=
    done
    [ -n "$config" ] || return 0
    section wordpress "$1"
    printf 'file %s\n' "$config" | cut -c1-300
    [ -r "$config" ] || { echo unreadable; return 0; }
    name=$(setting_of DB_NAME); user=$(setting_of DB_USER); password=$(setting_of DB_PASSWORD); server=$(setting_of DB_HOST)
    case $name$user$password$server in *\"*) echo unclear; return 0 ;; esac
    [ -n "$name" ] && [ -n "$user" ] && [ -n "$server" ] || { echo unclear; return 0; }
    where="host=\"${server%%:*}\""
    case $server in
        *:/*) where="socket=\"${server#*:}\"" ;;
        *:*) where="$where
port=\"${server#*:}\"" ;;
    esac
    printf 'account %s on %s\n' "$user" "$name" | cut -c1-200
    ask_database "$name" '' "[client]
user=\"$user\"
password=\"$password\"
$where
" | clip
}

logs() { # FILE…
    for log; do
        [ -e "$log" ] || continue
        section log "$log"
        if [ -L "$log" ] || [ ! -f "$log" ]; then echo notafile
        elif [ ! -r "$log" ]; then echo unreadable
        else echo readable; tail -c 49152 "$log" | tail -n 150 | cut -c1-1000; fi
    done
}

certificates() { # FILE…: those, and what the web server's configuration names; the certificates only, never a key
    for file; do printf '%s\n' "$file"; done | {
        cat
        grep -hsE '^[[:space:]]*(ssl_certificate|SSLCertificateFile)[[:space:]]' /etc/nginx/nginx.conf \
            /etc/nginx/conf.d/*.conf /etc/nginx/sites-enabled/* /etc/apache2/sites-enabled/* /etc/httpd/conf.d/*.conf \
            | sed 's/^[[:space:]]*[A-Za-z_]*[[:space:]]*//; s/[[:space:]]*;.*//; s/"//g'
    } | sort -u | head -n 8 | while read -r file; do
        section certificate "$file"
        if [ ! -f "$file" ]; then echo absent
        elif [ ! -r "$file" ]; then echo unreadable
        else sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' "$file" | head -n 120; fi
    done
}
