# deliver: mails and messages that arrive in a local run, through the emulator.

# deliver mail … | deliver message …
deliver() {
  local what=${1:-}
  [ $# -eq 0 ] || shift
  case $what in
    mail | message) "deliver_$what" "$@" ;;
    *) refuse "deliver needs mail or message, not '$what' (./sendcat help)" ;;
  esac
}

deliver_mail() {
  local to='' sample='' domain='' file='' again='' query=''
  while [ $# -gt 0 ]; do
    case $1 in
      --to) to=$(value "$@"); shift ;;
      --sample) sample=$(value "$@"); shift ;;
      --number) query+="&number=$(number "$@")"; shift ;;
      --domain) domain=$(value "$@"); shift ;;
      --again) again=yes ;;
      --help | -h) usage; exit ;;
      -*) unknown_option 'deliver mail' "$1" ;;
      *) [ -z "$file" ] || refuse "deliver mail takes one file, not also '$1'"; file=$1 ;;
    esac
    shift
  done
  [ -n "$to" ] || refuse "deliver mail needs --to ADDRESS, the mailbox"
  case "${sample:+s}${file:+f}${again:+a}" in
    s | f | a) ;;
    *) refuse "deliver mail needs --sample NAME, a file with a raw mail, or --again" ;;
  esac
  # The path counts from the caller's folder, not from that of the checkout.
  case $file in '' | /*) ;; *) file=$OLDPWD/$file ;; esac
  [ -z "$file" ] || [ -r "$file" ] || refuse "there is no file $file"

  local route=deliver
  [ -z "$again" ] || route=push
  [ -z "$sample" ] || query+="&sample=$(encoded "$sample")"
  [ -z "$domain" ] || query+="&domain=$(encoded "$domain")"
  at_emulator "/gmail/emulator/$route?to=$(encoded "$to")$query" "${file:-/dev/null}"
}

deliver_message() {
  local from='' user='' kind=text id='' text=''
  while [ $# -gt 0 ]; do
    case $1 in
      --from) from=$(value "$@"); shift ;;
      --user-id) user=$(value "$@"); shift ;;
      --id) id=$(value "$@"); shift ;;
      --image) kind=image ;;
      --document) kind=document ;;
      --help | -h) usage; exit ;;
      -*) unknown_option 'deliver message' "$1" ;;
      *) [ -z "$text" ] || refuse "deliver message takes one text: put it in quotes"; text=$1 ;;
    esac
    shift
  done
  [ -n "$from$user" ] || refuse "deliver message needs --from NUMBER (or --user-id ID), the sender"
  [ -n "$text" ] || refuse "deliver message needs a text: of the message, or what its picture shows"

  printf '%s' "$text" | at_emulator "/whatsapp/emulator/deliver?kind=$kind${from:+&from=$(encoded "$from")}${user:+&userId=$(encoded "$user")}${id:+&id=$(encoded "$id")}" -
}

# at_emulator PATH FILE: posts the file, and prints what the emulator says about the delivery. Fails when Sendcat refused it.
at_emulator() {
  need_emulator
  local response code status
  response=$(curl -sS --max-time 60 -w '\n%{http_code}' --data-binary @"$2" -H 'Content-Type: application/octet-stream' "$emulator$1") || refuse "the emulator at $emulator ended the connection"
  code=${response##*$'\n'}
  response=${response%$'\n'*}
  case $code in
    200) ;;
    409) refuse "this provider is not emulated: $response" ;;
    502) say "Sendcat does not accept deliveries: $response"; exit 1 ;;
    *) refuse "the emulator answered $code: $response" ;;
  esac
  printf '%s\n' "$response"

  status=$(sed -n 's/.*"status":\([0-9]*\).*/\1/p' <<<"$response")
  case $status in
    200) ;;
    '') say "nobody was notified: the mailbox is not watched. It is read when its user connects it, or requests it" ;;
    0) say "Sendcat does not answer at its webhook (./sendcat status)"; exit 1 ;;
    *) say "Sendcat refused the delivery: $status"; exit 1 ;;
  esac
}

# Sets `emulator` to its address; says why there is none.
need_emulator() {
  command -v curl >/dev/null || refuse "deliver needs curl"
  case ${SENDCAT_API_URL:-} in
    '' | http://localhost | http://localhost[:/]* | http://127.0.0.1 | http://127.0.0.1[:/]*) ;;
    *) refuse "deliver works with the emulator of a local system, and SENDCAT_API_URL is $SENDCAT_API_URL" ;;
  esac
  emulator=$(address 70)
  curl -s --max-time 10 -o /dev/null "$emulator/health" && return
  is_running || refuse "not running; ./sendcat up starts it"
  refuse "the emulator does not run: either all providers have keys, or it was switched off (./sendcat up --no-emulator)"
}

# value OPTION VALUE
value() { case ${2:-} in '' | -*) refuse "$1 needs a value" ;; *) printf '%s' "$2" ;; esac; }

# encoded TEXT: for a query.
encoded() {
  local LC_ALL=C text=$1 i code
  for ((i = 0; i < ${#text}; i++)); do
    case ${text:i:1} in
      [a-zA-Z0-9._~-]) printf '%s' "${text:i:1}" ;;
      *) printf -v code %d "'${text:i:1}"; printf '%%%02X' $((code & 255)) ;;
    esac
  done
}
