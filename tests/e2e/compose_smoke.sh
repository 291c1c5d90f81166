#!/usr/bin/env bash
# Brings docker-compose.yml up as a project of its own and checks it as a user would, in a few minutes:
# health, each kind of trigger, an import, refusals, kill -9, stores away under load, scaling, data across down and up.
# Needs Docker with Compose, and curl. COMPOSE and DOCKER name other commands; KEEP=1 leaves it running.
set -euo pipefail
cd "$(dirname "$0")/../.."

read -ra compose <<<"${COMPOSE:-docker compose}"
docker=${DOCKER:-docker}
export COMPOSE_PROJECT_NAME=triggerfish-smoke TRIGGERFISH_PORT=${SMOKE_PORT:-18083}
# A user's .env shall not change what is tested, nor a running platform be touched.
export TRIGGERFISH_RECEIVERS_SUBNET=${SMOKE_SUBNET:-10.83.84.0/24}
export TRIGGERFISH_RECEIVER_ADDRESS=${SMOKE_RECEIVER:-10.83.84.200}
export TRIGGERFISH_EGRESS_ALLOW=$TRIGGERFISH_RECEIVER_ADDRESS TRIGGERFISH_BOOTSTRAP_API_KEY=
export TRIGGERFISH_OBJECT_STORE= TRIGGERFISH_S3_ENDPOINT_URL=
unset COMPOSE_FILE TRIGGERFISH_PUBLIC_URL
url=http://127.0.0.1:$TRIGGERFISH_PORT
services="postgres elasticmq seaweedfs receiver gateway scheduler worker"

c() { "${compose[@]}" "$@"; }
say() { printf '[%4ss] %s\n' "$SECONDS" "$*"; }
fail() { { say "FAILED: $*"; c ps -a; c logs --no-color --tail 15; } >&2; exit 1; }
equal() { [ "$2" = "$3" ] || fail "$1: expected '$3', found '$2'"; }

holds() { grep "$1" >/dev/null; }  # not -q: that ends before its input, which pipefail takes for a failure

within() {  # within SECONDS WHAT COMMAND…: repeat until the command succeeds
  local until=$((SECONDS + $1)) what=$2; shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || fail "$what"
    sleep 1
  done
}

up() { c up -d --wait --wait-timeout 180 "$@" >/dev/null 2>&1 || fail "up $*"; }
first_of() { c ps -aq "$1" | sed -n 1p; }
health_of() { $docker inspect -f '{{.State.Status}} {{.State.Health.Status}}' "$(first_of "$1")"; }
is() { [ "$(health_of "$1")" = "running $2" ]; }

api() {  # api METHOD PATH [BODY]: the answer's body; 000 and the like end up in the callers' checks
  curl -sS -X "$1" "$url$2" -H "Authorization: Bearer $key" -H 'content-type: application/json' ${3:+-d "$3"}
}
status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
field() { grep -o "\"$1\":\"[^\"]*\"" | sed -n 1p | cut -d'"' -f4; }
create() {  # create NAME PROPERTIES [ENDPOINT]: answers with the trigger
  local made; made=$(api POST /api/v1/triggers "{\"name\":\"$1\",$2,\"endpoint\":{\"url\":\"${3:-http://receiver:9000/$1}\"}}")
  [ -n "$(field id <<<"$made")" ] || fail "create $1: $made"
  echo "$made"
}
delivered() { c logs --no-color --no-log-prefix receiver | grep -c " /$1 webhook-id=" || true; }
has_delivered() { [ "$(delivered "$1")" -ge "$2" ]; }
logs_of() { api GET "/api/v1/event-logs?trigger_id=$1&limit=250"; }
has_status() { [ "$(logs_of "$1" | grep -o "\"status\":\"$2\"" | wc -l)" -ge "$3" ]; }
platform_is_up() { [ "$(status_of "$url/health")" = 200 ]; }
new_key() { c run --rm --no-deps -T --entrypoint cat migrate /var/lib/triggerfish/api-key 2>/dev/null; }

comes_up_whole() {
  c config -q
  c --profile observability config -q
  c build --quiet gateway >/dev/null 2>&1 || c build gateway || fail "build"  # one image for all
  up
  for service in $services; do is "$service" healthy || fail "$service is $(health_of "$service")"; done
  equal "migrate" "$($docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$(first_of migrate)")" "exited 0"
  within 60 "the platform calls itself healthy" platform_is_up
  for service in gateway scheduler worker receiver; do
    equal "$service runs as" "$(c exec -T "$service" id -u)" 10001
    equal "what $service can write to" "$(c exec -T "$service" sh -c 'touch /app/x /opt/venv/x 2>/dev/null || echo nothing')" nothing
    equal "compilers in $service" "$(c exec -T "$service" sh -c 'command -v cc gcc c++ ld || true')" ""
  done
  equal "workers" "$(c ps -q worker | wc -l | tr -d ' ')" 2
  # shellcheck disable=SC2046
  equal "ports are bound to" "$($docker inspect -f '{{range $p, $b := .HostConfig.PortBindings}}{{range $b}}{{.HostIp}}{{"\n"}}{{end}}{{end}}' $(c ps -q) | sort -u | tr -d '\n')" 127.0.0.1
  key=$(new_key)
  case $key in tf_*) ;; *) fail "no key in the state volume";; esac
  c logs --no-color migrate | holds "$key" || fail "migrate did not show the key"
  equal "without a key" "$(status_of "$url/api/v1/triggers")" 401
  say "all healthy, not root, on loopback only, with a key"
}

fires_every_kind() {
  local at timed=() hook name id
  at=$(c exec -T gateway python -c 'import datetime as d; print((d.datetime.now(d.UTC) + d.timedelta(seconds=4)).isoformat())')
  timed+=("$(create in '"type":"scheduled","schedule":{"in":"3s"},"payload":{"kind":"in"}' | field id)")
  timed+=("$(create at "\"type\":\"scheduled\",\"schedule\":{\"at\":\"$at\"}" | field id)")
  timed+=("$(create every '"type":"scheduled","schedule":{"every":"5s"}' | field id)")
  cron=$(create cron '"type":"scheduled","schedule":{"cron":"* * * * *","timezone":"Europe/Berlin"}' | field id)
  orders=$(create orders '"type":"api","schema":{"type":"object","required":["id"]}')
  hook=$(field webhook_url <<<"$orders"); orders=$(field id <<<"$orders"); hook=$url/${hook#*://*/}
  equal "a valid payload" "$(status_of "$hook" -H 'content-type: application/json' -d '{"id": 7.0}')" 202
  equal "an invalid payload" "$(status_of "$hook" -H 'content-type: application/json' -d '{"no": 1}')" 400
  for name in orders in at every; do within 60 "a delivery for '$name'" has_delivered $name 1; done
  c logs --no-color receiver | holds ' /orders .* {"id": 7.0}' || fail "the payload has changed on its way"
  for id in "$orders" "${timed[@]}"; do within 30 "a log with success" has_status "$id" success 1; done
  equal "logs of one valid and one invalid payload" "$(logs_of "$orders" | grep -o '"trigger_id"' | wc -l)" 1
  api DELETE "/api/v1/triggers/${timed[2]}"
  say "each kind of trigger fired; every log is a success"
}

fires_by_cron() {  # made long before it is asked for: it fires at a full minute
  within 90 "a delivery for 'cron'" has_delivered cron 1
  within 30 "a log with success" has_status "$cron" success 1
  api DELETE "/api/v1/triggers/$cron"
  say "cron fired"
}

runs_the_catalogue() {
  local event text
  event=$(api POST /events '{"title":"Smoke Night","startAt":"2999-01-01T20:00:00Z","endAt":"2999-01-01T22:00:00Z","location":"Berlin"}' | field id)
  equal "a draft in public" "$(status_of "$url/public/events/$event")" 404
  api PATCH "/events/$event" '{"status":"PUBLISHED"}' >/dev/null
  equal "a published event in public" "$(status_of "$url/public/events/$event")" 200
  curl -sSN "$url/public/events/$event/summary" | holds '^event: done' || fail "the summary did not end"
  for text in "New event created: Smoke Night" "Event published: Smoke Night"; do
    within 90 "'$text' is told" is_told "$text"
    equal "times that '$text' was told" "$(told "$text")" 1
  done
  say "an event of the catalogue went public, told once a change, with a summary"
}
told() { c logs --no-color --no-log-prefix worker | grep -c "\"text\":\"$1\"" || true; }
is_told() { [ "$(told "$1")" -ge 1 ]; }

imports_a_file() {  # 20,000 lines, every hundredth bad; larger than one part of an upload
  local id
  id=$(upload 20000)
  within 120 "the import is completed" has_ended "$id" completed
  equal "lines" "$(api GET "/api/v1/jobs/$id" | grep -o '"lines":{[^}]*}')" '"lines":{"total":20000,"accepted":19800,"rejected":200}'
  equal "objects" "$(objects)" "$id"
  equal "an upload that is no JSON" "$(status_of "$url/api/v1/files/upload" -H "Authorization: Bearer $key" -F 'file=no;filename=a.jsonl')" 400
  equal "objects after a refused upload" "$(objects)" "$id"
  equal "objects for another key" "$(objects -e AWS_ACCESS_KEY_ID=nobody)" 403
  imported=$id
  say "a file of 20,000 lines was imported through S3: 19,800 accepted, 200 rejected"
}
lines() {  # lines N: a log file of N lines of about 500 bytes, every hundredth without a message
  c exec -T gateway python -c 'import json, sys
for n in range(1, int(sys.argv[1]) + 1):
    message = {"message": f"order {n}"} if n % 100 else {}
    print(json.dumps({"timestamp": "2999-01-01T20:00:00Z", "level": "info", "service": "smoke", "pad": "x" * 400, **message}))' "$1"
}
upload() {  # upload N: the job that imports N lines
  lines "$1" | curl -sS "$url/api/v1/files/upload" -H "Authorization: Bearer $key" -F 'file=@-;filename=smoke.jsonl' | field job_id
}
has_ended() { api GET "/api/v1/jobs/$1" | holds "\"status\":\"$2\""; }
objects() {  # objects [OPTION…]: the keys in the bucket, or the status of a refusal
  c exec -T "$@" gateway python -c 'import os, boto3, botocore
s3 = boto3.client("s3", endpoint_url=os.environ["TRIGGERFISH_S3_ENDPOINT_URL"], region_name="us-east-1")
try:
    found = s3.list_objects_v2(Bucket=os.environ["TRIGGERFISH_OBJECT_STORE"].removeprefix("s3://"))
    print(*(one["Key"] for one in found.get("Contents", [])))
except botocore.exceptions.ClientError as error:
    print(error.response["ResponseMetadata"]["HTTPStatusCode"])'
}

forgets_a_file() {  # with its job goes its object
  equal "objects after down and up" "$(objects)" "$imported"
  api DELETE "/api/v1/jobs/$imported"
  equal "the deleted job" "$(status_of "$url/api/v1/jobs/$imported" -H "Authorization: Bearer $key")" 404
  within 60 "the object is deleted" is_empty
  say "the imported file survived down and up, and was deleted with its job"
}
is_empty() { [ -z "$(objects)" ]; }

lets_no_function_fail() {  # while nothing is away
  equal "functions that failed" "$(c logs --no-color --no-log-prefix gateway worker scheduler | grep function_failed | head -1 | cut -c1-500)" ""
  say "no function failed so far"
}

keeps_deliveries_out() {  # Postgres and the queue are not in the network that is open
  local id; id=$(create inward '"type":"scheduled","schedule":{"in":"1s"}' http://elasticmq:9324/ | field id)
  within 60 "a delivery to the queue is refused" refused "$id"
  api DELETE "/api/v1/triggers/$id"
  say "no delivery reaches the platform's own services: $(logs_of "$id" | field last_error)"
}
refused() { logs_of "$1" | holds '"last_error":"'; }

kill_9() {  # as the host does it: 'docker kill' counts as a manual stop, after which nothing restarts
  $docker run --rm --pid host --network none --user 0 --entrypoint sh triggerfish -c "kill -9 $1"
}
restarted() { [ "$($docker inspect -f '{{.RestartCount}}' "$1")" -gt "$2" ]; }

survives_kill_9() {
  local service id before
  for service in $services; do
    id=$(first_of "$service"); before=$($docker inspect -f '{{.RestartCount}}' "$id")
    kill_9 "$($docker inspect -f '{{.State.Pid}}' "$id")"
    within 60 "$service is started again" restarted "$id" "$before"
    within 120 "$service is healthy again" is "$service" healthy
    say "$service came back after kill -9"
  done
  within 60 "the platform is healthy after kill -9" platform_is_up
  fire after-kill 5
}

fire() {  # fire NAME COUNT: accepted, and each delivered, once. A killed worker's message is sent again after a minute
  local made hook number
  made=$(create "$1" '"type":"api","schema":{}'); hook=$(field webhook_url <<<"$made"); hook=$url/${hook#*://*/}
  for number in $(seq "$2"); do
    equal "$1 $number" "$(status_of "$hook" -H 'content-type: application/json' -d "{\"n\":$number}")" 202
  done
  within 180 "$2 deliveries for '$1'" has_delivered "$1" "$2"
  within 60 "$2 successes for '$1'" has_status "$(field id <<<"$made")" success "$2"
  equal "deliveries for '$1'" "$(delivered "$1")" "$2"
  say "$2 of $2 delivered, each once: $1"
}

load() {  # load URL FILE: calls a webhook until FILE.stop exists; a line in FILE for each answer of the API
  while [ ! -e "$2.stop" ]; do
    curl -s -o /dev/null -m 20 -w '%{http_code}\n' "$1" -H 'content-type: application/json' -d '{}' >>"$2" || true
    sleep 0.1
  done
}
answers() { grep -c "^$1\$" "$loaded" || true; }
more_than() { [ "$(answers 202)" -gt "$1" ]; }

survives_stores_away() {  # under load; the health checks can fail, and recover without a restart of ours
  local made hook id before accepted
  made=$(create loaded '"type":"api","schema":{}'); hook=$(field webhook_url <<<"$made"); id=$(field id <<<"$made")
  loaded=$(mktemp); load "$url/${hook#*://*/}" "$loaded" & loader=$!
  within 30 "calls are accepted" more_than 20
  c stop elasticmq >/dev/null 2>&1
  before=$(answers 202); within 30 "calls are accepted without the queue" more_than $((before + 20))
  c stop postgres >/dev/null 2>&1
  before=$(answers 202); sleep 5
  equal "calls accepted without Postgres" "$(($(answers 202) - before))" 0
  for service in gateway scheduler; do within 120 "$service is unhealthy" is $service unhealthy; done
  [ "$(answers 503)" -gt 0 ] || fail "nobody was told 503"
  c start postgres elasticmq >/dev/null 2>&1
  for service in $services; do within 120 "$service is healthy again" is "$service" healthy; done
  before=$(answers 202); within 30 "calls are accepted again" more_than $((before + 20))
  touch "$loaded.stop"; wait "$loader"; accepted=$(answers 202)
  equal "answers that are neither 202 nor 503" "$(grep -cv -e '^202$' -e '^503$' "$loaded" || true)" 0
  within 180 "$accepted successes" delivered_all "$id" "$accepted"
  [ "$(delivered loaded)" -ge "$accepted" ] || fail "$accepted accepted, $(delivered loaded) delivered"
  say "the queue and Postgres went away under load: $accepted accepted, all delivered; $(answers 503) calls were told 503"
}
delivered_all() {  # delivered_all TRIGGER N: at least N events of it, every one a success (an answer may be lost)
  api GET "/api/v1/event-logs/summary?hours=1" | c exec -T worker python -c 'import json, sys
counts = [one["counts"] for one in json.load(sys.stdin)["data"] if one["trigger_id"] == sys.argv[1]]
open_or_failed = [n for one in counts for status, n in one.items() if n and status != "success"]
sys.exit(open_or_failed != [] or not counts or counts[0]["success"] < int(sys.argv[2]))' "$@"
}

verifies() {  # a killed worker's jobs may have become dead letters by now: they are sent back first
  c exec -T worker triggerfish dlq redrive --all >/dev/null || fail "triggerfish dlq redrive"
  within 90 "triggerfish verify: $(c exec -T worker triggerfish verify 2>&1 | tail -5)" is_sound
  say "triggerfish verify: every invariant holds"
}
is_sound() { c exec -T worker triggerfish verify >/dev/null 2>&1; }

scales() {
  up --scale worker=4
  equal "workers" "$(c ps -q worker | wc -l | tr -d ' ')" 4
  fire scaled 30
  say "four workers"
}

keeps_data() {
  c down >/dev/null 2>&1
  up
  equal "the key after down and up" "$(new_key)" "$key"
  has_status "$orders" success 1 || fail "the log did not survive down and up"
  fire after-down 1
  say "key, triggers and logs survived down and up"
}

closes_egress_when_told() {
  local id
  TRIGGERFISH_EGRESS_ALLOW='' up worker
  id=$(create closed '"type":"scheduled","schedule":{"in":"1s"}' | field id)
  within 60 "a delivery to a private address is refused" refused "$id"
  equal "deliveries while closed" "$(delivered closed)" 0
  say "set but empty, TRIGGERFISH_EGRESS_ALLOW closes what is private"
}

clean() { [ -z "${loaded:-}" ] || touch "$loaded.stop"; [ -n "${KEEP:-}" ] || c down -v --timeout 5 >/dev/null 2>&1; }
trap clean EXIT
clean
comes_up_whole
fires_every_kind
runs_the_catalogue
imports_a_file
lets_no_function_fail
keeps_deliveries_out
survives_kill_9
fires_by_cron
survives_stores_away
verifies
scales
keeps_data
forgets_a_file
closes_egress_when_told
say "compose smoke test passed"
