# The SDK, the two flavours of the build, and the built programs.

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

need_dotnet() {
  command -v dotnet >/dev/null && dotnet --list-sdks | grep -q '^10\.' && return
  refuse "the .NET 10 SDK is missing; get it from https://dot.net/download (Debian, Ubuntu: package dotnet-sdk-10.0, macOS: brew install dotnet)"
}

# Tries once whether this machine's package feed has Aspire. Its packages in the cache move every later build to that flavour
# (Directory.Build.props); a feed without them is remembered in .sendcat/aspire, by version. The end-to-end tests need all of Aspire's packages.
# A restore that runs out of time has not learned anything: the next run goes on where it stopped.
try_aspire() {
  [ -z "${UseAspire:-}" ] || return 0
  local version code=0 answer=$state/aspire
  version=$(sed -n 's/.*"Aspire.AppHost.Sdk": *"\([^"]*\)".*/\1/p' global.json)
  make_state
  if [ "$(cat "$answer" 2>/dev/null)" = "no $version" ]; then
    export UseAspire=false
  elif [ "$(cat "$answer" 2>/dev/null)" != "yes $version" ]; then
    within 60 dotnet restore tests/Sendcat.EndToEndTests -p:UseAspire=true -v q >"$state/logs/aspire.log" 2>&1 || code=$?
    if [ "$code" = 0 ]; then
      say "this machine can have Aspire $version; using it"
      echo "yes $version" >"$answer"
    elif [ "$code" = 124 ]; then
      say "Aspire $version has not come within 60 s; this time the same AppHost runs with Sendcat.LocalRunner"
      export UseAspire=false
    else
      say "Aspire $version is not in this machine's package feed; running the same AppHost with Sendcat.LocalRunner"
      echo "no $version" >"$answer"
      export UseAspire=false
    fi
  fi
}

within() {
  local seconds=$1
  shift
  if command -v timeout >/dev/null; then timeout "$seconds" "$@"; else "$@"; fi
}

flavour() { if [ "$(dotnet msbuild Sendcat.AppHost/Sendcat.AppHost.csproj -getProperty:UseAspire)" = true ]; then echo aspire; else echo local; fi; }

# program FLAVOUR PROJECT
program() { echo "$root/artifacts/$1/bin/$2/debug/$2.dll"; }
