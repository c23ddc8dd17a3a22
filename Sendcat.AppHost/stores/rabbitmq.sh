#!/bin/sh
# RabbitMQ for a local run: loopback only, user "sendcat" with a password; the node, the cookie and the port mapper belong to this run only.
# Environment: STORE_FOLDER (folder of its files), STORE_PORT, STORE_PASSWORD; for Erlang STORE_DIST_PORT and STORE_EPMD_PORT.
set -eu
umask 077

# Not the wrapper in /usr/sbin: it switches to another user and stays the parent of the server.
for server in /usr/lib/rabbitmq/bin/rabbitmq-server /opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server /usr/local/opt/rabbitmq/sbin/rabbitmq-server "$(command -v rabbitmq-server || true)"; do
  [ -x "$server" ] && break
done
[ -x "$server" ] || { echo "rabbitmq-server is not installed (Debian: rabbitmq-server, brew: rabbitmq)" >&2; exit 1; }

mkdir -p "$STORE_FOLDER"
cd "$STORE_FOLDER"

# RabbitMQ creates the user together with the node, so a new password requires a new node. The lost messages are published again from Postgres.
password=$(printf %s "$STORE_PASSWORD" | cksum)
[ "$(cat password.sum 2>/dev/null)" = "$password" ] || rm -rf mnesia
echo "$password" > password.sum

cat > rabbitmq.conf <<CONF
listeners.tcp.1 = 127.0.0.1:$STORE_PORT
default_user = sendcat
default_pass = $STORE_PASSWORD
log.console = true
log.console.level = warning
log.console.use_colors = off
log.file = false
log.connection.level = error
disk_free_limit.absolute = 50MB
CONF
unset STORE_PASSWORD
: > env.conf
echo '[].' > enabled_plugins

export HOME="$STORE_FOLDER"
export RABBITMQ_CONF_ENV_FILE="$STORE_FOLDER/env.conf"
export RABBITMQ_CONFIG_FILE="$STORE_FOLDER/rabbitmq.conf"
export RABBITMQ_ADVANCED_CONFIG_FILE="$STORE_FOLDER/advanced.config"
export RABBITMQ_ENABLED_PLUGINS_FILE="$STORE_FOLDER/enabled_plugins"
export RABBITMQ_MNESIA_BASE="$STORE_FOLDER/mnesia"
export RABBITMQ_LOG_BASE="$STORE_FOLDER/log"
export RABBITMQ_NODENAME="sendcat-$STORE_PORT@localhost"
export RABBITMQ_DIST_PORT="$STORE_DIST_PORT"
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"

# Erlang would start its port mapper as a daemon that survives the node. This one is a child process that ends with this process and has its own port.
export ERL_EPMD_PORT="$STORE_EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1
export ERL_FLAGS="-start_epmd false"
epmd=$(command -v epmd || ls -d /usr/lib/erlang/erts-*/bin/epmd | sort -V | tail -n 1)
if command -v setpriv >/dev/null; then
  setpriv --pdeathsig KILL -- "$epmd" >/dev/null 2>&1 </dev/null &
else
  { "$epmd" >/dev/null 2>&1 </dev/null & mapper=$!; while kill -0 $$ 2>/dev/null; do sleep 1; done; kill $mapper; } >/dev/null 2>&1 </dev/null &
fi

# As under a service manager: the script replaces itself with the server, which shuts down gracefully on SIGTERM.
export RUNNING_UNDER_SYSTEMD=true ERL_CRASH_DUMP=/dev/null
exec "$server"
