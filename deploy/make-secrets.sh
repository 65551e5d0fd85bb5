#!/bin/sh
# Makes the secrets that compose.yaml reads, in deploy/secrets, once: what is there already stays as it is. Run as root, so
# that only the users inside the containers may read them; otherwise the folder alone keeps others out, and Holdfast warns.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

# put NAME TEXT GROUP: a bind mount keeps owner and mode, so the group is the one that the container's user has.
put() {
    [ -e "secrets/$1" ] && return
    printf '%s\n' "$2" > "secrets/$1.new"
    if [ "$(id -u)" = 0 ]; then
        chgrp "$3" "secrets/$1.new"
        chmod 640 "secrets/$1.new"
    else
        chmod 644 "secrets/$1.new"
    fi
    mv "secrets/$1.new" "secrets/$1"
}

HOLDFAST=65532
POSTGRES=999
# The group of the user of Grafana's image.
GRAFANA=0
put jwt_secret "$(openssl rand -base64 48)" "$HOLDFAST"
put encryption_key "$(openssl rand -base64 48)" "$HOLDFAST"
put grafana_password "$(openssl rand -hex 24)" "$GRAFANA"
# Hexadecimal, so that it needs no encoding in a URL.
put postgres_password "$(openssl rand -hex 24)" "$POSTGRES"
password=$(cat secrets/postgres_password)
put pgbouncer_users "\"holdfast\" \"$password\"" "$POSTGRES"
put database_url "postgresql://holdfast:$password@/holdfast?host=/run/postgresql&port=6432&pgbouncer=true" "$HOLDFAST"
put database_url_unpooled "postgresql://holdfast:$password@/holdfast?host=/run/postgresql" "$HOLDFAST"
echo "deploy/secrets is complete; keep a copy of jwt_secret and encryption_key where the database's backups are not"
