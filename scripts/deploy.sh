#!/usr/bin/env bash
# Brings the platform up in AWS, moves it to the commit that is checked out, or takes it down. Can be repeated: what is
# done already is not done again. docs/deployment.md says what has to be there before the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
usage: scripts/deploy.sh -e staging|prod [-r REGION] [-p | -d [-d]]

  -e ENVIRONMENT  staging or prod
  -r REGION       the region in AWS (us-east-1)
  -p              plan only: show what Terraform would change, and change nothing
  -d              destroy all but the buckets with the lake and MLflow's files; given twice, these as well
  -h              this text

The platform's version is the commit that is checked out: an earlier one is brought back by checking it out.
PLATFORM (linux/arm64) is what the image is built for, POLL_SECONDS (10) how often ECS is asked how far it is,
STEADY_SECONDS (1200) for how long services may take to become steady.
TEXT
}

environment='' region=us-east-1 plan_only=false destroy=0
while getopts e:r:pdh option; do
  case $option in
    e) environment=$OPTARG ;;
    r) region=$OPTARG ;;
    p) plan_only=true ;;
    d) destroy=$((destroy + 1)) ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [[ ! $environment =~ ^(staging|prod)$ || $# -gt 0 ]] || { $plan_only && ((destroy)); }; then
  usage >&2
  exit 2
fi

platform=${PLATFORM:-linux/arm64}
poll_seconds=${POLL_SECONDS:-10} steady_seconds=${STEADY_SECONDS:-1200}
folder=terraform/environments/$environment
plan=celec.tfplan
export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER='' TF_IN_AUTOMATION=1 TF_INPUT=0
[[ -t 1 ]] || export TF_CLI_ARGS_plan="-no-color ${TF_CLI_ARGS_plan:-}" TF_CLI_ARGS_apply=-no-color

step() { printf '\n%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
tell() { printf '          %s\n' "$*"; }
fail() {
  printf '\ndeploy.sh: %s\n' "$*" >&2
  exit 1
}
terraform_here() { terraform -chdir="$folder" "$@"; }
output() { jq -er --arg name "$1" '.[$name].value | if type == "object" then tojson else . end' <<< "$outputs"; }

# --- what has to be there ---------------------------------------------------------------------------------------------

check_tools() {
  local tools=(terraform aws git jq) missing=() tool version
  if ! $plan_only && ! ((destroy)); then tools+=(docker curl); fi
  for tool in "${tools[@]}"; do command -v "$tool" > /dev/null || missing+=("$tool"); done
  if ((${#missing[@]})); then fail "these programs are missing, install them: ${missing[*]}"; fi
  version=$(terraform version -json | jq -r .terraform_version)
  if [[ $(printf '%s\n' 1.11.0 "$version" | sort -V | head -n 1) != 1.11.0 ]]; then
    fail "Terraform $version is too old: 1.11 or later is needed"
  fi
  if [[ " ${tools[*]} " == *' docker '* ]]; then
    docker buildx version > /dev/null 2>&1 || fail 'Docker has no buildx, which builds the image: install the plugin'
    docker version > /dev/null 2>&1 || fail 'no Docker engine answers: start it'
  fi
}

check_account() {
  local identity
  identity=$(aws sts get-caller-identity --output json 2>&1) \
    || fail "AWS does not accept the credentials: log in again (aws sso login), or set AWS_PROFILE. $identity"
  account=$(jq -r .Account <<< "$identity")
  tell "account $account, region $region, as $(jq -r .Arn <<< "$identity")"
  bucket=celec-terraform-$account-$region
  aws s3api head-bucket --bucket "$bucket" > /dev/null 2>&1 \
    || fail "this account has no bucket $bucket for Terraform's state, or does not let you in. Is it the right account? \
Make the bucket once: terraform -chdir=terraform/bootstrap init && terraform -chdir=terraform/bootstrap apply -var region=$region"
}

check_tree() {
  [[ -f $folder/terraform.tfvars ]] \
    || fail "$folder/terraform.tfvars is missing: copy terraform.tfvars.example beside it and fill it in"
  commit=$(git rev-parse HEAD)
  local changes
  # Terraform writes its lock file at the first init; it is committed afterwards.
  changes=$(git status --porcelain -- . ':!*.terraform.lock.hcl')
  if [[ -n $changes ]] && ! $plan_only && ! ((destroy)); then
    fail "the image bears the commit's name, so commit (or put aside) what has changed first:"$'\n'"$changes"
  fi
  variables=(-var "image_tag=$commit" -var "region=$region")
}

initialise() {
  step "Terraform: init $folder, state in s3://$bucket"
  terraform_here init -reconfigure -backend-config="bucket=$bucket" -backend-config="region=$region" > /dev/null
  read_outputs
}

read_outputs() { outputs=$(terraform_here output -json); }

# Whether services have been let run; before there are image and tables they would only fail. Scaling is made after that.
is_started() { [[ $(terraform_here state list) == *aws_appautoscaling_target.* ]]; }

# --- one task of ECS, from start to end -------------------------------------------------------------------------------

# run_task WHAT DEFINITION CONTAINER NETWORK [COMMAND...]: its log is shown while it runs; fails unless it ends with 0.
run_task() {
  local what=$1 definition=$2 container=$3 network=$4
  shift 4
  local overrides='{}' started task logs stream shown=0 lines described
  if (($#)); then
    overrides=$(printf '%s\n' "$@" \
      | jq -Rnc --arg name "$container" '{containerOverrides: [{name: $name, command: [inputs]}]}')
  fi
  started=$(aws ecs run-task --cluster "$cluster" --task-definition "$definition" --launch-type FARGATE \
    --network-configuration "$network" --overrides "$overrides" --started-by deploy-sh \
    --propagate-tags TASK_DEFINITION --output json)
  task=$(jq -r '.tasks[0].taskArn // empty' <<< "$started")
  [[ -n $task ]] || fail "$what: ECS starts no task: $(jq -r '[.failures[].reason] | join("; ")' <<< "$started")"
  logs=$(aws ecs describe-task-definition --task-definition "$definition" --output json \
    | jq -c --arg name "$container" '.taskDefinition.containerDefinitions[] | select(.name == $name).logConfiguration.options')
  stream=$(jq -r '."awslogs-stream-prefix"' <<< "$logs")/$container/${task##*/}
  while
    described=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" --output json | jq -c '.tasks[0]')
    lines=$(aws logs get-log-events --log-group-name "$(jq -r '."awslogs-group"' <<< "$logs")" --log-stream-name "$stream" \
      --start-from-head --output json 2> /dev/null | jq -r '.events[].message' || true)
    if [[ -n $lines ]]; then
      tail -n "+$((shown + 1))" <<< "$lines" | sed 's/^/          | /'
      shown=$(wc -l <<< "$lines")
    fi
    [[ $(jq -r .lastStatus <<< "$described") != STOPPED ]]
  do sleep "$poll_seconds"; done
  local code
  code=$(jq -r --arg name "$container" '.containers[] | select(.name == $name).exitCode // "none"' <<< "$described")
  [[ $code == 0 ]] || fail "$what failed, exit code $code: $(jq -r \
    '[.stoppedReason, .containers[].reason] | map(select(.)) | join("; ")' <<< "$described"). Its log: \
aws logs tail $(jq -r '."awslogs-group"' <<< "$logs") --log-stream-names $stream --region $region"
}

# --- deployment -------------------------------------------------------------------------------------------------------

make_plan() {
  local code=0
  step "Terraform: plan"
  terraform_here plan -detailed-exitcode -out="$plan" "${variables[@]}" "$@" || code=$?
  ((code == 0 || code == 2)) || fail 'Terraform cannot plan this; it says why above'
  changes=$((code == 2))
}

apply_plan() {
  if ((changes)); then
    step "Terraform: apply"
    terraform_here apply "$plan"
  fi
  rm "$folder/$plan"
  read_outputs
  cluster=$(output cluster_name)
}

database_status() {
  aws rds describe-db-instances --db-instance-identifier "$1" --query 'DBInstances[0].DBInstanceStatus' --output text
}

# The database that was woken, while it is night.
asleep=''

# In staging the database is stopped at night, and can then neither be changed nor used.
wake_database() {
  local instance status
  instance=$(output database_instance 2> /dev/null) || return 0
  status=$(database_status "$instance" 2> /dev/null) || return 0
  [[ $status =~ ^(stopp|starting) ]] || return 0
  step "the database $instance is $status; until it answers it takes some minutes"
  while [[ $(database_status "$instance") == stopping ]]; do sleep "$poll_seconds"; done
  if [[ $status != starting ]]; then
    aws rds start-db-instance --db-instance-identifier "$instance" > /dev/null
    asleep=$instance
  fi
  aws rds wait db-instance-available --db-instance-identifier "$instance"
}

# Nothing else would before the next evening, and nights are half of the bill.
go_back_to_sleep() {
  local service
  [[ -n $asleep ]] || return 0
  step "it is night in $environment: services and database sleep on until the morning"
  for service in "${!before[@]}"; do update_service "$service" "${target[$service]}" 0; done
  aws rds stop-db-instance --db-instance-identifier "$asleep" > /dev/null
}

# push_image TARGET TAG
push_image() {
  local image told
  image=$(output ecr_repository_url):$2
  if told=$(docker buildx imagetools inspect "$image" 2>&1); then
    tell "$image is there"
  elif [[ $told == *'not found'* ]]; then
    docker buildx build --platform "$platform" --provenance=false --target "$1" --tag "$image" --push .
  else
    fail "the registry does not say whether it has $image: $told"
  fi
}

push_images() {
  local repository
  repository=$(output ecr_repository_url)
  step "image: build for $platform and push to $repository"
  aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}" > /dev/null 2>&1 \
    || fail "the registry ${repository%%/*} does not let you in: ecr:GetAuthorizationToken is needed"
  push_image runtime "$commit"
  if jq -e '.service_task_definitions.value | has("jupyter")' <<< "$outputs" > /dev/null; then
    push_image notebook "$commit-notebook"
  fi
}

prepare_database() {
  step "database: users, databases and tables, by a task of its own"
  tell "should it have to go back: point-in-time restore to $(date -u +%Y-%m-%dT%H:%M:%SZ) (docs/operations.md)"
  run_task "the database task" "$(output database_task_definition_arn)" database "$(output network_configuration)"
}

# What each service should run, and what it and how many of it ran before this deployment moved it.
declare -A target=() before=()

look_at_services() {
  services=$(aws ecs describe-services --cluster "$cluster" --services "${!target[@]}" --output json)
}

# of_service NAME FILTER
of_service() { jq -r --arg name "$1" ".services[] | select(.serviceName == \$name) | $2" <<< "$services"; }

move_services() {
  local service definition count
  step "services: to the new task definitions"
  while IFS=$'\t' read -r service definition; do target[$service]=$definition; done \
    < <(jq -r '.service_task_definitions.value | to_entries[] | [.key, .value] | @tsv' <<< "$outputs")
  look_at_services
  # By name: the code location, in `orchestration`, goes ahead of those that ask it.
  for service in $(printf '%s\n' "${!target[@]}" | sort); do
    definition=$(of_service "$service" .taskDefinition)
    count=$(of_service "$service" .desiredCount)
    if [[ $definition == "${target[$service]}" && $count != 0 ]]; then
      tell "$service has ${definition##*/}"
      continue
    fi
    before[$service]="$definition $count"
    tell "$service: ${target[$service]##*/}, before ${definition##*/}"
    # At night, or at the first deployment, there is none.
    update_service "$service" "${target[$service]}" "$((count ? count : 1))"
  done
}

update_service() {
  aws ecs update-service --cluster "$cluster" --service "$1" --task-definition "$2" --desired-count "$3" > /dev/null
}

# Until every service of `target` is steady; false when ECS gives up on one, or when it takes too long.
wait_until_steady() {
  local service state under_way end=$((SECONDS + steady_seconds))
  local -A told=()
  while
    look_at_services
    under_way=()
    for service in "${!target[@]}"; do
      # Where only the number of tasks changes, ECS begins no deployment, and the one before stays completed.
      state=$(of_service "$service" '.deployments[] | select(.status == "PRIMARY")
        | "\(.taskDefinition | sub(".*/"; "")): \(.runningCount) of \(.desiredCount) running, "
          + if .rolloutState == "COMPLETED" and .runningCount < .desiredCount then "in_progress"
            else .rolloutState // "IN_PROGRESS" | ascii_downcase end')
      if [[ $state != "${told[$service]:-}" ]]; then tell "$service, $state"; fi
      told[$service]=$state
      case $state in
        "${target[$service]##*/}:"*completed) ;;
        "${target[$service]##*/}:"*in_progress) under_way+=("$service") ;;
        *) explain "$service"; return 1 ;;
      esac
    done
    ((${#under_way[@]} && SECONDS < end))
  do sleep "$poll_seconds"; done
  if ((${#under_way[@]} == 0)); then return 0; fi # within a trap, without its number, what failed before counts
  tell "not steady after $((steady_seconds / 60)) minutes"
  for service in "${under_way[@]}"; do explain "$service"; done
  return 1
}

# What ECS says of a service that does not become steady, and of its tasks that stopped.
explain() {
  local tasks
  tell "$1 does not become steady. What ECS says of it:"
  of_service "$1" '.events[:5][].message' | sed 's/^/          | /'
  mapfile -t tasks < <(aws ecs list-tasks --cluster "$cluster" --service-name "$1" --desired-status STOPPED \
    --output json | jq -r '.taskArns[:3][]')
  if ((${#tasks[@]})); then
    aws ecs describe-tasks --cluster "$cluster" --tasks "${tasks[@]}" --output json \
      | jq -r '.tasks[] | [.stoppedReason, (.containers[] | "\(.name): exit code \(.exitCode), \(.reason // "")")] | join("; ")' \
      | sed 's/^/          | /'
  fi
}

# --- smoke test -------------------------------------------------------------------------------------------------------

smoke_test() {
  local service group url
  step "smoke test: the pages, as the load balancer sees them and as this machine does"
  for service in "${!target[@]}"; do
    for group in $(of_service "$service" '.loadBalancers[].targetGroupArn'); do wait_until_healthy "$service" "$group"; done
  done
  for url in $(jq -r '.connection_info.value.urls | "\(.dagster)/server_info \(.mlflow)/health \(.report)/health"' <<< "$outputs"); do
    ask "$url"
  done
  step "smoke test: a run, launched from beside the webserver"
  run_task "the smoke test" "${target[webserver]}" webserver "$(of_service webserver '.networkConfiguration | tojson')" \
    celec smoke --workspace /opt/celec/deploy/workspace.yaml
}

# wait_until_healthy SERVICE TARGET_GROUP
wait_until_healthy() {
  local states end=$((SECONDS + 300))
  while
    states=$(aws elbv2 describe-target-health --target-group-arn "$2" \
      --query 'TargetHealthDescriptions[].TargetHealth.State' --output text)
    # Targets of the tasks before are still draining.
    [[ ! $states =~ (^|[[:space:]])healthy || $states =~ initial|unhealthy ]] && ((SECONDS < end))
  do sleep "$poll_seconds"; done
  [[ $states =~ (^|[[:space:]])healthy && ! $states =~ unhealthy ]] \
    || fail "$1: the load balancer's health check fails (${states:-no target}); see the service's log"
  tell "$1: healthy to $(cut -d/ -f2 <<< "$2")"
}

# ask URL: a page may ask to log in first, or be closed to this machine; the load balancer has seen it already.
ask() {
  local code
  code=$(curl --silent --output /dev/null --write-out '%{http_code}' --connect-timeout 10 --max-time 30 "$1") || true
  case $code in
    200) tell "$1 answers" ;;
    302 | 401) tell "$1 asks to log in" ;;
    000) tell "$1 cannot be reached from this machine: is it in allowed_cidrs, does the domain lead there?" ;;
    *) fail "$1 answers with $code" ;;
  esac
}

# --- when something fails ---------------------------------------------------------------------------------------------

roll_back() {
  local status=$? service definition count outcome="runs what it ran before"
  trap - EXIT INT TERM
  set +e
  if ((${#before[@]} == 0)); then
    go_back_to_sleep
    exit "$status"
  fi
  step "the deployment failed: services go back to what they were"
  target=()
  for service in "${!before[@]}"; do
    read -r definition count <<< "${before[$service]}"
    tell "$service: back to ${definition##*/}, $count tasks"
    update_service "$service" "$definition" "$count" || tell "$service could not be moved back: do it in the ECS console"
    target[$service]=$definition
  done
  wait_until_steady || outcome="was told to run what it ran before, and is not well: see above, and the ECS console"
  go_back_to_sleep
  cat >&2 <<TEXT

deploy.sh: $environment $outcome; commit $commit is not deployed. What went wrong stands above. Terraform's
changes and the database's tables stay: correct the cause and run this again, or check out the commit before and deploy it.
TEXT
  exit 1
}

deploy() {
  local started=true
  trap roll_back EXIT
  trap 'exit 130' INT TERM
  wake_database
  if ! is_started; then started=false; fi
  make_plan -var "started=$started"
  apply_plan
  push_images
  prepare_database
  move_services
  step "services: wait until each is steady"
  wait_until_steady || fail 'not every service is steady'
  smoke_test
  trap - EXIT INT TERM
  if ! $started; then
    # From now on scaling, alarms and the night look after them.
    make_plan -var started=true
    apply_plan
  fi
  go_back_to_sleep
  step "$environment runs $commit"
  jq . <<< "$(output connection_info)"
}

# --- destruction ------------------------------------------------------------------------------------------------------

destroy_all() {
  local answer there rest=()
  if [[ $environment == prod ]]; then
    read -r -p 'This destroys prod. To go on, type its name: ' answer || true
    [[ $answer == prod ]] || fail 'nothing was destroyed'
  fi
  there=$(terraform_here state list)
  [[ -n $there ]] || fail "there is nothing of $environment in the state"
  stop_everything
  lift_protection
  if ((destroy > 1)); then
    step "Terraform: the lake may be destroyed"
    terraform_here apply -auto-approve "${variables[@]}" -var lake_may_be_destroyed=true \
      -target 'module.platform.module.storage.aws_s3_bucket.this["lake"]' > /dev/null
    make_plan -destroy -var lake_may_be_destroyed=true
  else
    mapfile -t rest < <(grep -Ev '(^|\.)data\.|\.module\.storage\.aws_s3_' <<< "$there" | sed 's/^/-target=/')
    ((${#rest[@]})) || fail "of $environment only the buckets are left: -d -d destroys them"
    make_plan -destroy "${rest[@]}"
    # A target takes with it what depends on it.
    if terraform_here show -json "$plan" | jq -er \
      '.resource_changes[] | select((.change.actions | contains(["delete"])) and (.type | startswith("aws_s3_"))) | .address'; then
      fail 'these are of the buckets and would have been destroyed with the rest; nothing was'
    fi
  fi
  step "Terraform: destroy"
  terraform_here apply "$plan"
  rm "$folder/$plan"
  step "$environment is destroyed$( ((destroy > 1)) || printf ', its buckets are not')"
}

# Tasks hold the network in which they are, and the daemon would start new ones.
stop_everything() {
  local service task
  cluster=$(output cluster_name 2> /dev/null) || return 0
  step "services and runs: stop"
  for service in $(jq -r '.service_task_definitions.value // {} | keys[]' <<< "$outputs"); do
    aws ecs update-service --cluster "$cluster" --service "$service" --desired-count 0 > /dev/null 2>&1 \
      || tell "$service is gone already"
  done
  for task in $(aws ecs list-tasks --cluster "$cluster" --query 'taskArns' --output text 2> /dev/null | tr '\t' '\n'); do
    aws ecs stop-task --cluster "$cluster" --task "$task" --reason 'deploy.sh -d' > /dev/null 2>&1 || true
  done
}

lift_protection() {
  local instance balancer
  if instance=$(output database_instance 2> /dev/null); then
    wake_database
    aws rds modify-db-instance --db-instance-identifier "$instance" --no-deletion-protection --apply-immediately > /dev/null 2>&1 \
      || tell "$instance is gone already"
  fi
  for balancer in $(aws elbv2 describe-load-balancers --names "celec-$environment" \
    --query 'LoadBalancers[].LoadBalancerArn' --output text 2> /dev/null); do
    aws elbv2 modify-load-balancer-attributes --load-balancer-arn "$balancer" \
      --attributes Key=deletion_protection.enabled,Value=false > /dev/null
  done
}

# ----------------------------------------------------------------------------------------------------------------------

step "checks"
check_tools
check_tree
check_account
initialise
if ((destroy)); then
  destroy_all
elif $plan_only; then
  started=true
  if ! is_started; then started=false; fi
  make_plan -var "started=$started"
else
  deploy
fi
