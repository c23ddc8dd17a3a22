# The port base of this checkout: every port is base + something (Sendcat.AppHost/LocalPorts.cs, docs/configuration.md).

offsets=(70 71 80 90 101 110 131 51379 50432 50672 50673 50674)

somebody_listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

base_is_free() {
  local offset
  for offset in "${offsets[@]}"; do
    ! somebody_listens $(($1 + offset)) || return 1
  done
}

# The base that was used last, so that status, chat and commands find a run again.
known_port_base() { echo "${SENDCAT_PORT_BASE:-$(cat "$state/port-base" 2>/dev/null || echo 5000)}"; }

# Takes the given base as it is (a taken port is then an error that names it), else the first free one: 5000, 5200, ….
choose_port_base() {
  make_state
  if [ -z "${SENDCAT_PORT_BASE:-}" ]; then
    local base last
    last=$(known_port_base)
    for base in "$last" $(seq 5000 200 8000); do
      if base_is_free "$base"; then
        SENDCAT_PORT_BASE=$base
        break
      fi
    done
    [ -n "${SENDCAT_PORT_BASE:-}" ] || refuse "no free ports between base 5000 and 8000; set SENDCAT_PORT_BASE"
    [ "$SENDCAT_PORT_BASE" = 5000 ] || say "using port base $SENDCAT_PORT_BASE, since base 5000 is or was taken (SENDCAT_PORT_BASE decides)"
  fi
  export SENDCAT_PORT_BASE
  echo "$SENDCAT_PORT_BASE" >"$state/port-base"
}
