# shellcheck shell=bash
# Sourced by ./test and ./faults: PostgreSQL clusters of their own, each in a folder, on a free port of 127.0.0.1.
#
#   start_cluster DIR [NAME=VALUE…]      a new, empty cluster with these settings; whatever DIR held of an older one goes
#   start_cluster_tls DIR [NAME=VALUE…]  the same, which nobody reaches but by TLS under the name localhost
#   restart_cluster DIR MODE             MODE as pg_ctl has it; `immediate` is a crash: nothing is written on the way out
#   stop_cluster DIR                     ends it if it runs; keeps DIR
#   find_postgres                        sets PG_BIN; fails if PostgreSQL is not installed
#
# Both starters print the superuser's URL and set
#   PG_URL       that URL, password included: for an environment or a file
#   PG_PORT      its port
#   PG_PASSWORD  the password of `postgres`, made for this cluster
#   PG_CA        with TLS: certificate of the authority that signed the server's; made for this cluster
# They give status 1, and say why on standard error, if the cluster does not start.
#
# Whoever connects as a superuser can run programs as the user who runs the server, and on a shared machine everybody
# reaches 127.0.0.1: so there is a password.

start_cluster() {
    new_cluster "$1" || return
    printf 'host all all 127.0.0.1/32 scram-sha-256\n' | as_postgres tee "$1/data/pg_hba.conf" >/dev/null
    start_new_cluster "$@" || return
    PG_URL=postgres://postgres:$PG_PASSWORD@127.0.0.1:$PG_PORT/postgres
    echo "$PG_URL"
}

start_cluster_tls() {
    new_cluster "$1" || return
    make_certificate "$1" || return
    printf 'hostssl all all 127.0.0.1/32 scram-sha-256\n' | as_postgres tee "$1/data/pg_hba.conf" >/dev/null
    start_new_cluster "$@" ssl=on "ssl_cert_file='../server.pem'" "ssl_key_file='../server.key'" || return
    PG_CA=$1/ca.pem
    PG_URL="postgres://postgres:$PG_PASSWORD@localhost:$PG_PORT/postgres?sslmode=verify-full&sslrootcert=$PG_CA"
    echo "$PG_URL"
}

restart_cluster() {
    find_postgres || return
    control "$1" restart --mode="$2"
}

stop_cluster() {
    find_postgres || return
    runs "$1" || return 0
    control "$1" stop --mode=fast || control "$1" stop --mode=immediate
}

# Debian keeps all but the client out of PATH; the newest version wins.
find_postgres() {
    local initdb
    initdb=$(command -v initdb) ||
        initdb=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort --version-sort | tail -n 1)
    [[ -n $initdb ]] || return 1
    PG_BIN=$(dirname "$(readlink -f "$initdb")")
}

# --- making one ----------------------------------------------------------------------------------

# new_cluster DIR: an empty one that does not run yet, with DIR its server's
new_cluster() {
    local dir=$1
    if ! find_postgres; then
        echo "PostgreSQL is missing: install the package postgresql, then try again" >&2
        return 1
    fi
    stop_cluster "$dir" || return
    mkdir -p "$dir" || return
    ((EUID != 0)) || chown "$(postgres_user):" "$dir" || return
    if ! as_postgres test -w "$dir" -a -x "$dir"; then
        echo "the user $(postgres_user) cannot write to $dir: take a folder below /tmp" >&2
        return 1
    fi
    # Only what a cluster left there: a wrong DIR must cost nobody his files.
    [[ ! -e $dir/data/PG_VERSION ]] || rm -rf "$dir/data"
    PG_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && printf '%s\n' "$PG_PASSWORD" | as_postgres tee "$dir/password") >/dev/null || return
    # What is synced at creation matters to nobody here; the server itself syncs as it does by default.
    as_postgres "$PG_BIN/initdb" --pgdata="$dir/data" --username=postgres --pwfile="$dir/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >"$dir/initdb.txt" 2>&1 && return
    tail -n 5 "$dir/initdb.txt" >&2
    echo "initdb fails; all it says is in $dir/initdb.txt" >&2
    return 1
}

# start_new_cluster DIR [NAME=VALUE…]: sets PG_PORT. A port is free only once one has it, hence the tries.
start_new_cluster() {
    local dir=$1 tries
    shift
    {
        echo "listen_addresses = '127.0.0.1'"
        # A socket's path may have no more than 107 bytes, and DIR may be deep; nobody needs one.
        echo "unix_socket_directories = ''"
        echo 'max_connections = 200'
        printf '%s\n' "$@"
        echo "include = 'port.conf'"
    } | as_postgres tee -a "$dir/data/postgresql.conf" >/dev/null
    for ((tries = 0; tries < 20; tries++)); do
        # Below the ports that the system hands out by itself.
        PG_PORT=$((20000 + RANDOM % 12000))
        echo "port = $PG_PORT" | as_postgres tee "$dir/data/port.conf" >/dev/null
        as_postgres rm -f "$dir/log.txt"
        control "$dir" start && return
        grep -q 'could not bind' "$dir/log.txt" || break
    done
    tail -n 5 "$dir/log.txt" >&2
    echo "PostgreSQL does not start; all it says is in $dir/log.txt" >&2
    return 1
}

# make_certificate DIR: an authority, and one certificate for the name localhost: 127.0.0.1 is a wrong name for it
make_certificate() {
    local dir=$1
    (
        set -e
        umask 077
        cd "$dir"
        new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc)
        openssl req -x509 "${new_key[@]}" -days 2 -subj '/CN=test authority' \
            -addext 'keyUsage=critical,keyCertSign' -keyout ca.key -out ca.pem
        openssl req "${new_key[@]}" -subj '/CN=localhost' -keyout server.key -out server.csr
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
            -extfile <(printf '%s\n' basicConstraints=critical,CA:FALSE extendedKeyUsage=serverAuth subjectAltName=DNS:localhost)
        ((EUID != 0)) || chown "$(postgres_user):" server.key server.pem
        chmod a+r ca.pem
    ) >"$dir/openssl.txt" 2>&1 && return
    tail -n 5 "$dir/openssl.txt" >&2
    echo "openssl fails; all it says is in $dir/openssl.txt" >&2
    return 1
}

# --- running one ---------------------------------------------------------------------------------

# control DIR COMMAND…: pg_ctl, which waits until it is done
control() {
    local dir=$1
    shift
    as_postgres "$PG_BIN/pg_ctl" --pgdata="$dir/data" --log="$dir/log.txt" --wait --timeout=60 --silent "$@"
}

# runs DIR: not by pg_ctl, which waits a minute for a killed server that its parent has not fetched, and signals whichever
# process has a dead server's number by now
runs() {
    local pid process
    pid=$(as_postgres head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || return 1
    process=$(cat "/proc/$pid/stat" 2>/dev/null) && [[ $process == *'(postgres) '[!Z]* ]]
}

# The server refuses to run as root. Settings for libpq that somebody has in his environment are not for it.
as_postgres() {
    local switch=()
    ((EUID != 0)) || switch=(setpriv --reuid="$(postgres_user)" --regid="$(id -g "$(postgres_user)")" --clear-groups)
    # From a folder that every user may stand in.
    (cd / && "${switch[@]}" env -i PATH="$PATH" LC_ALL=C "$@")
}

# postgres_user: who runs the servers
postgres_user() {
    if ((EUID != 0)); then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}
