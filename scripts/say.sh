# How the script speaks: about what it does on stderr, so that what was asked for stands alone on stdout.

say() { printf 'sendcat: %s\n' "$*" >&2; }

# Cannot be done here.
refuse() { say "$*"; exit 2; }

# Runs a command quietly; when it fails, shows the end of what it said.
quietly() {
  local log=$state/logs/$1.log
  shift
  make_state
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    say "failed: $* (all of it: $log)"
    return 1
  fi
}

# Others may pass through to a folder of theirs (Postgres, run as its own user), but see nothing.
make_state() {
  mkdir -p "$state/logs" "$state/run"
  chmod 711 "$state"
  chmod 700 "$state/logs" "$state/run"
}
