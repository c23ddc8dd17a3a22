# up, down, status, logs, command: one run of the AppHost per checkout, through the Aspire CLI.

up() {
  local attach='' infra='' stores='' options=()
  while [ $# -gt 0 ]; do
    case $1 in
      --detach) ;; # as it is without
      --attach) attach=yes ;;
      --replicas) options+=("--Parameters:api-replicas=$(number "$@")"); shift ;;
      --workers) options+=("--Parameters:worker-replicas=$(number "$@")"); shift ;;
      --no-emulator) options+=(--emulator=false) ;;
      --infra) infra=${2:-}; [ -n "$infra" ] || refuse "--infra needs local, external or containers"; shift ;;
      --infra=*) infra=${1#*=} ;;
      --emulator=*) options+=("$1") ;;
      --Parameters:*=*) known_parameter "${1%%=*}"; options+=("$1") ;;
      *) unknown_option up "$1" ;;
    esac
    shift
  done
  [ -z "$infra" ] || options+=("--infra=$infra")

  need_aspire
  if is_running; then
    say "already up; options of this call have no effect (./sendcat down stops it)"
    status || true
    return
  fi
  if [ -n "$(marked_processes)" ]; then
    say "stopping what an earlier run has left"
    down
  fi
  check_infra "$infra"
  build_apphost
  export SENDCAT_STATE=$state
  [ -z "$attach" ] || exec dotnet aspire run --no-build --apphost "$apphost" --non-interactive --nologo -- ${options[@]+"${options[@]}"}

  trap 'say "interrupted"; down; exit 130' INT TERM
  start ${options[@]+"${options[@]}"}
  say "started; waiting until the API, the tool workers and the monitor are healthy"
  await_healthy 300
  status || true
  trap - INT TERM
  local base
  base=$(cat "$state/port-base")
  [ -n "${SENDCAT_PORT_BASE:-}" ] || [ "$base" = 5000 ] || say "ports are counted from $base, because those from 5000 are or were taken (SENDCAT_PORT_BASE decides)"
  say "up (./sendcat down stops it)"
}

# A parameter of AppHost.cs; the AppHost itself takes any name without a word.
known_parameter() {
  local name=${1#--Parameters:}
  grep -qrF "\"$name\"" Sendcat.AppHost --include='*.cs' || refuse "there is no parameter '$name' (docs/configuration.md)"
}

# number OPTION VALUE
number() {
  case ${2:-} in
    '' | *[!0-9]* | 0*) refuse "$1 needs a number from 1, not '${2:-}'" ;;
    *) echo "$2" ;;
  esac
}

# Decides on the stores as the AppHost does (Sendcat.AppHost/StoreChoice.cs), for people to read in $stores, and installs the servers where the AppHost will start them itself.
check_infra() {
  case $1 in
    external) stores='those of the connection strings'; answers redis "${ConnectionStrings__redis:-}" 6379; answers sendcatdb "${ConnectionStrings__sendcatdb:-}" 5432; answers messaging "${ConnectionStrings__messaging:-}" 5672 ;;
    local) stores='servers of this machine'; need_servers ;;
    containers) stores='containers'; engine_answers || refuse "--infra containers needs a container engine, and neither docker nor podman answers; start one, or use --infra local" ;;
    '')
      if [ -n "${ConnectionStrings__redis:-}" ] && [ -n "${ConnectionStrings__sendcatdb:-}" ] && [ -n "${ConnectionStrings__messaging:-}" ]; then stores='those of the connection strings'
      elif engine_answers; then stores='containers'
      else stores='servers of this machine, since neither docker nor podman answers'; need_servers
      fi ;;
    *) refuse "--infra is local, external or containers, not '$1'" ;;
  esac
}

# answers NAME CONNECTION_STRING DEFAULT_PORT: refuses when nobody listens there. `host:port,…`, `Host=…;Port=…` or `amqp://user:password@host:port/…`; what else it may be, the client will see.
answers() {
  local host port place=${2##*@}
  case $2 in
    '') refuse "--infra external needs ConnectionStrings__$1 in the environment" ;;
    *[Hh]ost=*) host=$(sed -E 's/.*[Hh]ost=([^;]*).*/\1/' <<<"$2"); port=$(sed -nE 's/.*[Pp]ort=([0-9]+).*/\1/p' <<<"$2") ;;
    *) place=${place#*://}; place=${place%%[,/?]*}; host=${place%%:*}; port=$(sed -nE 's/.*:([0-9]+)$/\1/p' <<<"$place") ;;
  esac
  port=${port:-$3}
  case $host in '' | *[!A-Za-z0-9.-]*) return ;; esac
  timeout 5 bash -c "exec 3<>/dev/tcp/$host/$port" 2>/dev/null || [ $? = 127 ] || refuse "$1 does not answer at $host:$port (ConnectionStrings__$1)"
}

engine_answers() { { docker info || podman info; } >/dev/null 2>&1; }

start() {
  say "starting; Redis, PostgreSQL and RabbitMQ are $stores"
  local code=0 said
  quietly start aspire start --no-build --format Json -- "$@" || code=$?
  [ "$code" = 0 ] && return
  # What the AppHost said before it ended; exit code 2 is its refusal, in one sentence, or an exception.
  said=$(sed -n '/Recent AppHost startup output/,/AppHost process exited/p' "$state/logs/start.log" | grep -vE 'Recent AppHost startup|AppHost process exited|NativeCertificateToolRunner' || true)
  [ "$code" != 2 ] || [ -z "$said" ] || refuse "$(cause <<<"$said")"
  tail -n 20 <<<"${said:-$(cat "$state/logs/start.log")}" >&2
  down
  say "the AppHost did not start (everything that was said: $state/logs/start.log)"
  exit 1
}

# await_healthy SECONDS: waits so long for the instances that serve; a busy machine needs minutes for what takes 20 s otherwise. What ends by itself is started again (Sendcat.AppHost/RestartOnExit.cs): that is a failure when it does not help.
await_healthy() {
  local began=$SECONDS end=$((SECONDS + $1)) told=$SECONDS names='' missing name culprit
  until [ -n "$names" ] || ! is_running; do names=$(resources | awk -F'\t' '$2 ~ /^(api|tool-worker|monitor)$/ { print $1 }'); done
  missing=$(in_state ValueMissing | tr '\n' ' ')
  if [ -n "$missing" ]; then
    down
    refuse "no value is given for: $missing(a connection string is ConnectionStrings__NAME in the environment, a parameter --Parameters:NAME=VALUE)"
  fi
  for name in $names; do
    until quietly wait aspire wait "$name" --timeout 10; do
      is_running || break 2
      culprit=$(failing)
      [ -z "$culprit" ] || not_healthy "$culprit" "ends again and again"
      if [ $SECONDS -ge $end ]; then
        culprit=$(in_state 'Running|Starting' | head -n 1)
        not_healthy "${culprit:-$name}" "has not become healthy in $1 s"
      fi
      [ $((SECONDS - told)) -lt 30 ] || { told=$SECONDS; say "still waiting for $name after $((SECONDS - began)) s"; }
    done
  done
  is_running && return
  down
  say "the AppHost ended while everything was starting"
  exit 1
}

# Resources in a state: in_state 'REGULAR EXPRESSION'
in_state() { resources | awk -F'\t' -v states="^($1)\$" '$3 ~ states && $4 != "Healthy" { print $1 }'; }

# Resources that ended, and still wait for their next start 5 s later: that is the pause after the fourth end.
failing() {
  local ended
  ended=$(in_state 'Finished|Exited|FailedToStart|RuntimeUnhealthy')
  [ -n "$ended" ] || return 0
  sleep 5
  in_state 'Finished|Exited|FailedToStart|RuntimeUnhealthy' | grep -xF "$ended" | head -n 1 || true
}

# not_healthy NAME WHY: shows the end of its output, and stops everything.
not_healthy() {
  local log=$state/logs/$1.log
  NO_COLOR=1 aspire logs "$1" 2>&1 | grep -v '^Getting logs' >"$log" || true
  tail -n 15 "$log" >&2
  down
  say "$1 $2; its last lines are above, the rest is in $log; everything is stopped again"
  exit 1
}

down() {
  [ $# -eq 0 ] || unknown_option down "$1"
  local pid left
  if is_running; then
    pid=$(cat "$state/running")
    quietly stop aspire stop || kill -TERM "$pid" 2>/dev/null || true
  elif [ -z "$(marked_processes)" ]; then
    rm -f "$state/running"
    say "nothing of this checkout is running"
    return
  fi
  # DCP ends the processes after the AppHost has ended, also when that was killed.
  await_end 40
  left=$(marked_processes)
  if [ -n "$left" ]; then
    say "ending $(wc -w <<<"$left" | tr -d ' ') processes that did not end by themselves"
    for signal in TERM KILL; do
      # shellcheck disable=SC2086
      kill -$signal $left 2>/dev/null || true
      await_end 5
      left=$(marked_processes)
      [ -n "$left" ] || break
    done
  fi
  rm -f "$state/running"
  say "stopped"
}

await_end() {
  local end=$((SECONDS + $1))
  while [ $SECONDS -lt "$end" ] && { is_running || [ -n "$(marked_processes)" ]; }; do sleep 0.3; done
}

# The AppHost writes its process id there, and removes it when it ends by itself.
is_running() {
  local pid
  pid=$(cat "$state/running" 2>/dev/null) || return 1
  case $(ps -o args= -p "$pid" 2>/dev/null) in */Sendcat.AppHost*) ;; *) return 1 ;; esac
}

# Processes of this run by the mark in their environment, whoever their parent is by now.
marked_processes() {
  if [ -d /proc/self ]; then
    grep -lzsxF "SENDCAT_RUN=$state" /proc/[0-9]*/environ 2>/dev/null | awk -F/ '{ print $3 }' || true
  else
    ps -axEww -o pid=,command= | grep -F "SENDCAT_RUN=$state " | grep -v grep | awk '{print $1}' || true
  fi
}

# A line per resource (of parameters, those that lack their value), fields separated by tabs: name (of the instance, when there are replicas), resource, state, health, commands.
# Reads the CLI's JSON by its indentation. Nothing, when the AppHost does not answer.
resources() {
  { aspire describe --format Json 2>/dev/null || true; } | awk -F'"' -v OFS='\t' '
    /^      "[a-zA-Z]+": "/ { value[$2] = $4 }
    /^      "[a-zA-Z]+": [[{]/ { section = $2 }
    /^        "[^"]+": [{]/ && section == "commands" { commands = commands " " $2 }
    /^    }/ {
      if (value["resourceType"] !~ /^(Parameter|ConnectionString)$/ || value["state"] != "Running") {
        instances[value["displayName"]]++
        name[++n] = value["name"]; resource[n] = value["displayName"]
        rest[n] = value["state"] OFS (value["healthStatus"] ? value["healthStatus"] : "-") OFS commands
      }
      split("", value); section = commands = ""
    }
    END { for (i = 1; i <= n; i++) print (instances[resource[i]] > 1 ? name[i] : resource[i]), resource[i], rest[i] }'
}

# address OFFSET [HOST]: where that part of this checkout answers, or answered last (docs/configuration.md, Ports).
address() {
  local base
  base=$(cat "$state/port-base" 2>/dev/null || echo "${SENDCAT_PORT_BASE:-5000}")
  echo "http://${2:-127.0.0.1}:$((base + $1))"
}

status() {
  [ $# -eq 0 ] || unknown_option status "$1"
  if ! is_running; then
    [ -z "$(marked_processes)" ] || say "the AppHost has ended, and processes of it are left; ./sendcat down ends them"
    say "not running"
    return 1
  fi
  need_aspire
  local list run log
  list=$(resources)
  [ -n "$list" ] || { say "the AppHost runs, and does not respond; ./sendcat down ends it"; return 2; }
  run=$(aspire_ps)
  awk -F'\t' '{ printf "%-22s %-10s %s\n", $1, $3, $4 }' <<<"$list"
  echo
  # The name: pages of localhost:3000 and the API must be of one site for cookies.
  printf '%-10s %s\n' API "$(address 80 localhost)" console "$(address 90)" dashboard "$(sed -n 's/.*"dashboardUrl": "\(.*\)".*/\1/p' <<<"$run")"
  if grep -q $'\tupstreams\t' <<<"$list"; then
    printf '%-10s %s\n' emulator "$(address 70)"
    log=$(sed -n 's/.*"logFilePath": "\(.*\)".*/\1/p' <<<"$run")
    # `dotnet run` writes to its terminal instead.
    [ -z "$log" ] || sed -n 's/.*\(Answered by the local emulator.*\)/\1/p' "$log" | head -n 1
  fi
  # What became of the turns of the last minute decides the exit code (docs/slo.md), and the Monitor says it.
  said=yes
  (monitor verdict)
}

# What the CLI knows of this checkout's AppHost.
aspire_ps() { dotnet aspire ps --format Json --non-interactive --nologo | awk -v RS='}' -v path="\"$root/$apphost\"" 'index($0, path)'; }

need_running() {
  is_running || refuse "not running; ./sendcat up starts it"
  need_aspire
}

logs() {
  need_running
  said=yes # by the CLI
  aspire logs "$@" || return 1
}

# command RESOURCE COMMAND [arguments]
run_command() {
  need_running
  if [ $# -lt 2 ]; then
    resources | awk -F'\t' '{ printf "%-22s%s\n", $1, $5 }'
    return
  fi
  local instance command=$2
  # Of several replicas the first.
  instance=$(resources | awk -F'\t' -v wanted="$1" '$1 == wanted || $2 == wanted { print $1; exit }')
  [ -n "$instance" ] || refuse "there is no resource '$1'; ./sendcat command lists them"
  shift 2
  said=yes # by the CLI
  aspire resource "$instance" "$command" ${1+-- "$@"} || return 1
}
