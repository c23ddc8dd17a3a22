# The SDK, the Aspire CLI, and building.

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
[ -t 1 ] || export NO_COLOR=1
apphost=Sendcat.AppHost/Sendcat.AppHost.csproj

need_dotnet() {
  command -v dotnet >/dev/null && dotnet --list-sdks | grep -q '^10\.' && return
  refuse "the .NET 10 SDK is missing; get it from https://dot.net/download (Debian, Ubuntu: package dotnet-sdk-10.0, macOS: brew install dotnet)"
}

# The tools of .config/dotnet-tools.json. On an empty cache the SDK confuses two tools that it restores at once, and finds both the second time.
need_aspire() {
  need_dotnet
  [ -f .config/dotnet-tools.json ] || refuse "the Aspire CLI is not declared: .config/dotnet-tools.json is missing; 'git checkout .config' brings it back"
  quietly tools dotnet tool restore || quietly tools dotnet tool restore || refuse_feed tools || refuse "the Aspire CLI could not be restored: $(tail -n 1 "$state/logs/tools.log")"
}

# aspire VERB …: a command of the CLI, about this checkout's AppHost alone.
aspire() {
  local verb=$1
  shift
  dotnet aspire "$verb" --apphost "$apphost" --non-interactive --nologo "$@"
}

# build PROJECT [OPTION …]
build() {
  local code=0 progress
  say "building$([ -f "$(program "$(basename "${1%.csproj}")")" ] || echo ' (the first time, packages are fetched and all projects compiled: some minutes)')"
  while sleep 30; do say "still building after $SECONDS s ($state/logs/build.log)"; done &
  progress=$!
  quietly build dotnet build "$@" -v q || code=$?
  kill "$progress" 2>/dev/null || true
  wait "$progress" 2>/dev/null || true
  [ "$code" != 0 ] || return 0
  refuse_feed build || true
  grep -E ': error ' "$state/logs/build.log" | sort -u | head -n 20 >&2 || tail -n 20 "$state/logs/build.log" >&2
  say "$1 does not build (all messages: $state/logs/build.log)"
  exit 1
}

# The AppHost and what it starts. MSBuild needs several seconds to find that nothing has changed since the last time; the file times say so at once.
build_apphost() {
  local mark=artifacts/built-for-up
  [ -f "$mark" ] && [ -f "$(program Sendcat.AppHost)" ] && [ -z "$(find Sendcat.* tests ./*.props global.json -newer "$mark" | head -n 1)" ] && return
  rm -f "$mark"
  mkdir -p artifacts
  touch "$mark.new"
  build Sendcat.AppHost
  mv "$mark.new" "$mark"
}

# Ends the script when a log says that a package could not be found.
refuse_feed() {
  local said
  said=$(grep -oE 'Unable to load the service index for source [^ ]+[^. ]' "$state/logs/$1.log" ||
    grep -oE 'Unable to find package [^ ]+[^. ]( with version [^ ]+ [^ ]+)?|Version [^ ]+ of package [^ ]+ is not found' "$state/logs/$1.log") || return 1
  refuse "a NuGet package cannot be fetched: $(head -n 1 <<<"$said"). 'dotnet nuget list source' shows the feeds, a nuget.config changes them ($state/logs/$1.log)"
}

# The program that a project was built to.
program() { echo "$root/artifacts/bin/$1/debug/$1.dll"; }
