#!/bin/sh
# Postgres for a local run: loopback only, user "sendcat" with a password, database "sendcatdb". Creates its cluster at the first start.
# Environment: STORE_FOLDER (folder of its files), STORE_PORT, STORE_PASSWORD.
set -eu
umask 077

newest() { ls -d "$@" 2>/dev/null | sort -V | tail -n 1; }

bin=$(newest /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin)
[ -n "$bin" ] || bin=$(dirname "$(command -v postgres || echo /nowhere/postgres)")
[ -x "$bin/postgres" ] || { echo "postgres is not installed (Debian: postgresql, brew: postgresql@17)" >&2; exit 1; }

# Postgres refuses to run as root. Started by root, this script switches to the user that the package created; the parent-death signal stays set.
as=
data=$STORE_FOLDER/data
if [ "$(id -u)" = 0 ]; then
  command -v setpriv >/dev/null || { echo "run as root, postgres needs setpriv (util-linux) to become another user" >&2; exit 1; }
  as="setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig keep --"
  mkdir -p "$STORE_FOLDER"
  # That user cannot reach a checkout below a folder that only root can enter. The data is then in a folder under /var/tmp whose name is derived from STORE_FOLDER.
  chmod 711 "$STORE_FOLDER"
  if ! $as test -x "$STORE_FOLDER"; then
    data=/var/tmp/sendcat-postgres-$(printf %s "$STORE_FOLDER" | cksum | cut -d' ' -f1)
    echo "user postgres cannot reach $STORE_FOLDER; data is in $data"
  fi
  echo "$data" > "$STORE_FOLDER/where"
  mkdir -p "$data"
  case "$(stat -c %F:%U "$data")" in directory:root | directory:postgres) ;; *) echo "$data belongs to another user" >&2; exit 1 ;; esac
  chown postgres:postgres "$data"
  chmod 700 "$data"
else
  mkdir -p "$data"
fi
cd "$data"

# Created in another folder and then moved, so that an interrupted first start leaves no incomplete cluster.
cluster=$data/cluster
if [ ! -d "$cluster" ]; then
  echo "creating a new cluster in $cluster"
  new=$data/new
  rm -rf "$new"
  $as "$bin/initdb" --pgdata "$new" --username postgres --auth trust --encoding UTF8 --locale C --no-sync --no-instructions >/dev/null
  printf 'CREATE ROLE sendcat LOGIN;\n\nCREATE DATABASE sendcatdb OWNER sendcat;\n\n' | $as "$bin/postgres" --single -j -D "$new" postgres >/dev/null
  echo 'host all sendcat 127.0.0.1/32 scram-sha-256' | $as tee "$new/pg_hba.conf" >/dev/null
  $as mv "$new" "$cluster"
fi

# The password can be newer than the cluster.
printf "ALTER ROLE sendcat PASSWORD '%s';\n\n" "$STORE_PASSWORD" | $as "$bin/postgres" --single -j -D "$cluster" postgres >/dev/null
unset STORE_PASSWORD

exec $as "$bin/postgres" -D "$cluster" -p "$STORE_PORT" \
  -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 \
  -c log_min_messages=warning -c log_checkpoints=off
