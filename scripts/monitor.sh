# The Monitor's verbs, from its built program.

# monitor VERB …
monitor() {
  need_dotnet
  [ -f "$(program Sendcat.Monitor)" ] || build Sendcat.Monitor
  SENDCAT_STATE=$state SENDCAT_API_URL=${SENDCAT_API_URL:-$(address 80)} exec dotnet "$(program Sendcat.Monitor)" "$@"
}
