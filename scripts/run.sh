# up, down, status, logs, command: one run of the AppHost per checkout.

up() {
  local detach= infra= options=()
  while [ $# -gt 0 ]; do
    case $1 in
      --detach) detach=yes ;;
      --replicas) options+=("--Parameters:api-replicas=${2:?--replicas needs a number}"); shift ;;
      --workers) options+=("--Parameters:worker-replicas=${2:?--workers needs a number}"); shift ;;
      --no-emulator) options+=(--emulator=false) ;;
      --infra) infra=${2:?--infra needs local, external or containers}; options+=("--infra=$2"); shift ;;
      --infra=*) infra=${1#*=}; options+=("$1") ;;
      *) options+=("$1") ;;
    esac
    shift
  done

  if [ -n "$(apphost_pid)" ]; then
    say "already up"
    status
    return
  fi

  need_dotnet
  try_aspire
  local flavour
  flavour=$(flavour)
  needs_no_servers "$infra" "$flavour" || need_servers
  say "building"
  quietly build dotnet build Sendcat.AppHost -v q
  choose_port_base
  start "$detach" "$flavour" ${options[@]+"${options[@]}"}
}

needs_no_servers() {
  case $1 in
    external | containers) return 0 ;;
    local) return 1 ;;
  esac
  [ -n "${ConnectionStrings__redis:-}" ] && [ -n "${ConnectionStrings__sendcatdb:-}" ] && [ -n "${ConnectionStrings__messaging:-}" ] && return 0
  [ "$2" = aspire ] && { docker info || podman info; } >/dev/null 2>&1
}

# start DETACH FLAVOUR [options]
start() {
  local detach=$1 flavour=$2
  shift 2
  # The mark that every process of this run inherits, and what Aspire's dashboard wants to be told.
  export SENDCAT_RUN=$state SENDCAT_STATE=$state
  export ASPNETCORE_ENVIRONMENT=${ASPNETCORE_ENVIRONMENT:-Development} DOTNET_ENVIRONMENT=${DOTNET_ENVIRONMENT:-Development}
  export ASPNETCORE_URLS=http://localhost:$((SENDCAT_PORT_BASE + 60)) ASPIRE_ALLOW_UNSECURED_TRANSPORT=true
  export ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://localhost:$((SENDCAT_PORT_BASE + 61)) ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL=http://localhost:$((SENDCAT_PORT_BASE + 62))
  rm -f "$state/run/phase"
  local apphost
  apphost=$(program "$flavour" Sendcat.AppHost)
  if [ -z "$detach" ]; then
    echo $$ >"$state/run/apphost.pid"
    exec dotnet "$apphost" "$@"
  fi

  if command -v setsid >/dev/null; then
    setsid nohup dotnet "$apphost" "$@" >"$state/logs/runner.log" 2>&1 </dev/null &
  else
    nohup dotnet "$apphost" "$@" >"$state/logs/runner.log" 2>&1 </dev/null &
  fi
  echo $! >"$state/run/apphost.pid"
  await_ready "$!" "$flavour"
}

await_ready() {
  local pid=$1 flavour=$2 patience=180 api=$((SENDCAT_PORT_BASE + 80))
  while [ $((patience--)) -gt 0 ]; do
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -n 20 "$state/logs/runner.log" >&2
      local code=0
      wait "$pid" || code=$?
      say "it did not start"
      exit "$((code == 0 ? 1 : code))"
    fi
    if [ "$(cat "$state/run/phase" 2>/dev/null)" = ready ] || { [ "$flavour" = aspire ] && somebody_listens "$api"; }; then
      status
      say "up: http://127.0.0.1:$api (./sendcat down stops it)"
      return
    fi
    sleep 1
  done
  status || true
  say "not everything came up; ./sendcat logs NAME says why"
  exit 1
}

# The AppHost of this checkout, if it runs.
apphost_pid() {
  local file pid
  for file in runner.pid apphost.pid; do
    pid=$(cat "$state/run/$file" 2>/dev/null) || continue
    case $(ps -o args= -p "$pid" 2>/dev/null) in
      *Sendcat.AppHost*) echo "$pid"; return ;;
    esac
  done
}

status() {
  local pid
  pid=$(apphost_pid)
  if [ -z "$pid" ]; then
    say "not running"
    return 1
  fi
  if [ -f "$state/run/resources.txt" ]; then
    cat "$state/run/resources.txt"
  else
    echo "AppHost runs as process $pid; its dashboard: http://localhost:$(($(known_port_base) + 60))"
  fi
}

down() {
  local pid left
  pid=$(apphost_pid)
  left=$(marked_processes)
  if [ -z "$pid$left" ]; then
    say "nothing of this checkout is running"
  else
    if [ -n "$pid" ]; then
      kill -TERM "$pid" 2>/dev/null || true
      await_end 90 "$pid"
    fi
    # What a killed AppHost could not stop itself.
    # shellcheck disable=SC2086
    for signal in TERM KILL; do
      left=$(marked_processes)
      [ -n "$left" ] || break
      kill -$signal $left 2>/dev/null || true
      await_end 10 $left
    done
    say "stopped"
  fi
  rm -f "$state"/run/{phase,runner.pid,apphost.pid,resources.txt,resources.json}
}

await_end() {
  local patience=$(($1 * 5))
  shift
  while [ $((patience--)) -gt 0 ] && kill -0 "$@" 2>/dev/null; do sleep 0.2; done
}

# Processes that carry this run's mark in their environment, whoever their parent is by now.
marked_processes() {
  if [ -d /proc/self ]; then
    grep -lzsxF "SENDCAT_RUN=$state" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | grep -vx "$$" || true
  else
    ps -axEww -o pid=,command= | grep -F "SENDCAT_RUN=$state " | grep -v grep | awk '{print $1}' || true
  fi
}

logs() {
  local name= follow=
  while [ $# -gt 0 ]; do
    case $1 in -f) follow=yes ;; *) name=$1 ;; esac
    shift
  done
  local files=()
  local file
  for file in "$state/logs/$name.log" "$state/logs/$name"-[0-9]*.log; do
    [ -z "$name" ] || [ ! -f "$file" ] || files+=("$file")
  done
  if [ ${#files[@]} -eq 0 ]; then
    say "logs of: $(cd "$state/logs" 2>/dev/null && ls | sed -n 's/\.log$//p' | tr '\n' ' ')"
    [ -z "$name" ] || return 1
  elif [ -n "$follow" ]; then
    tail -n 100 -F "${files[@]}"
  else
    tail -n 500 "${files[@]}"
  fi
}

# command RESOURCE NAME: asks the runner by a file, and waits for its answer.
run_command() {
  if [ $# -lt 2 ]; then
    cat "$state/run/commands.txt" 2>/dev/null || say "not running"
    return
  fi
  [ -n "$(apphost_pid)" ] || refuse "not running"
  local id=$state/run/commands/$$ patience=300
  rm -f "$id.answer"
  echo "$1 $2" >"$id.new"
  mv "$id.new" "$id.request"
  while [ ! -f "$id.answer" ] && [ $((patience--)) -gt 0 ]; do sleep 0.1; done
  [ -f "$id.answer" ] || refuse "no answer (with Aspire, commands are in its dashboard)"
  local answer
  answer=$(cat "$id.answer")
  rm -f "$id.answer"
  echo "$answer"
  [ "${answer%% *}" = ok ]
}
