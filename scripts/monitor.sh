# The Monitor's verbs, from its built program.

# monitor VERB …
monitor() {
  need_dotnet
  local flavour monitor
  # Which flavour is running does not matter to a client: take the program that is there.
  for flavour in local aspire; do
    monitor=$(program "$flavour" Sendcat.Monitor)
    [ ! -f "$monitor" ] || break
  done
  if [ ! -f "$monitor" ]; then
    [ -d Sendcat.Monitor ] || refuse "this checkout has no Sendcat.Monitor"
    try_aspire
    say "building"
    quietly build dotnet build Sendcat.Monitor -v q
    monitor=$(program "$(flavour)" Sendcat.Monitor)
  fi
  local base
  base=$(known_port_base)
  SENDCAT_PORT_BASE=$base SENDCAT_API_URL=${SENDCAT_API_URL:-http://127.0.0.1:$((base + 80))} SENDCAT_STATE=$state exec dotnet "$monitor" "$@"
}
