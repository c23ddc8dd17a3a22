# Messages about what the script does go to stderr; stdout has only what was requested.

said=''
say() { said=yes; printf 'sendcat: %s\n' "$*" >&2; }

# No verb fails without a line: what failed, unless this shell has said something, or `said` is set because a program says it. `refuse` says it, also in a subshell.
explain_failures() {
  set -E
  trap 'failed="$BASH_COMMAND (${BASH_SOURCE[0]##*/}, line $LINENO)"' ERR
  trap 'code=$?; case $code in 0 | 2) ;; *) [ -n "$said" ] || say "$verb failed with exit code $code: ${failed:-no command is known}" ;; esac' EXIT
}

# Cannot be done here.
refuse() { say "$*"; exit 2; }

# cause: why a program ended, from what it said (stdin): the message of its exception, not the last line of the stack below it; else its last sentence.
cause() {
  local said crash
  said=$(cat)
  crash=$(grep -m 1 'Unhandled exception' <<<"$said" | sed -E 's/.*Unhandled exception[.:]? *//' || true)
  [ -z "$crash" ] || { printf '%s\n' "$crash"; return; }
  grep -vE '^[[:space:]]*(at |--- )' <<<"$said" | tail -n 1 || true
}

# unknown_option VERB OPTION
unknown_option() { refuse "$1 has no option '$2' (./sendcat help)"; }

# quietly LOG COMMAND …: the output goes to a file of the state folder. In a subshell, so that a trap's messages do not go there too.
quietly() {
  local log=$state/logs/$1.log
  shift
  make_state
  ("$@") >"$log" 2>&1
}

# The user that Postgres runs as may pass through to its own folder, but read nothing.
make_state() {
  mkdir -p "$state/logs"
  chmod 711 "$state"
  chmod 700 "$state/logs"
}
