# The servers of a local run and the programs of the tests: which are missing, and how they come here. Installing starts nothing.

has_redis() { command -v redis-server >/dev/null || command -v valkey-server >/dev/null; }
has_postgres() { command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || compgen -G '/*/*/opt/postgresql@*/bin/postgres' >/dev/null; }
has_rabbitmq() { command -v rabbitmq-server >/dev/null || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || compgen -G '/*/*/opt/rabbitmq/sbin/rabbitmq-server' >/dev/null; }

# Prometheus does not run here; the tests check its rules with promtool, which comes with it.
has_promtool() { command -v promtool >/dev/null; }

missing_servers() {
  has_redis || echo redis
  has_postgres || echo postgresql
  has_rabbitmq || echo rabbitmq
}

# The tests drive the operator console in it. Ubuntu has it as a snap alone, and brew as an application; there the tests use Chrome, or are skipped.
has_chromium() { command -v chromium >/dev/null || command -v google-chrome >/dev/null || ! grep -qs '^ID=debian' /etc/os-release; }

missing_test_programs() {
  has_promtool || echo prometheus
  has_chromium || echo chromium
}

need_servers() { need missing_servers; }

need_test_programs() { need missing_test_programs; }

# need MISSING: installs what the function MISSING lists.
need() {
  local missing
  missing=$("$1" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  if command -v brew >/dev/null; then
    local packages
    packages=$(sed 's/postgresql/postgresql@17/' <<<"$missing")
    say "installing $packages with brew"
    # shellcheck disable=SC2086
    HOMEBREW_NO_AUTO_UPDATE=1 quietly install brew install $packages
  elif command -v apt-get >/dev/null && sudo_word >/dev/null; then
    local packages
    packages=$(sed 's/redis/redis-server/; s/rabbitmq/rabbitmq-server/' <<<"$missing")
    say "installing $packages with apt-get (not starting them as system services)"
    # shellcheck disable=SC2086
    quietly install install_with_apt $packages
  else
    refuse "these programs are missing: $missing(Debian, Ubuntu: apt-get install redis-server postgresql rabbitmq-server prometheus; brew: redis postgresql@17 rabbitmq prometheus)"
  fi
  [ -z "$("$1")" ] || refuse "still missing after installing: $("$1" | tr '\n' ' ')"
}

# What to put before a command that needs root; fails when we may not be root.
sudo_word() {
  [ "$(id -u)" != 0 ] || return 0
  command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; } && echo sudo
}

# A package's own scripts start and restart services, unless this policy forbids it while they run.
install_with_apt() (
  sudo=$(sudo_word)
  policy=/usr/sbin/policy-rc.d
  kept=$policy.before-sendcat
  [ ! -e "$policy" ] || $sudo mv "$policy" "$kept"
  trap '$sudo rm -f "$policy"; [ ! -e "$kept" ] || $sudo mv "$kept" "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
  $sudo chmod 755 "$policy"
  $sudo apt-get update -q
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
)
