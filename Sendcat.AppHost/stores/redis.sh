#!/bin/sh
# Redis for a local run: loopback only, with a password, no persistence.
# Environment: STORE_FOLDER (folder of its files), STORE_PORT, STORE_PASSWORD.
set -eu
umask 077

server=$(command -v redis-server || command -v valkey-server) || { echo "redis-server is not installed (Debian: redis-server, brew: redis)" >&2; exit 1; }

mkdir -p "$STORE_FOLDER"
# A file and not arguments, because every user of the machine can read the arguments of a process.
cat > "$STORE_FOLDER/redis.conf" <<CONF
bind 127.0.0.1
port $STORE_PORT
requirepass $STORE_PASSWORD
dir $STORE_FOLDER
save ""
appendonly no
daemonize no
CONF
unset STORE_PASSWORD

# A process title would overwrite the environment, which contains SENDCAT_RUN. Redis has the setting since 6.2.
case $("$server" --version) in *v=[1-5].* | *v=6.[01].*) ;; *) echo 'set-proc-title no' >> "$STORE_FOLDER/redis.conf" ;; esac

exec "$server" "$STORE_FOLDER/redis.conf"
