"""Faults planted one at a time into plans that have none: the rule that is there for it finds each.

Most are changes of the plan's JSON. Those of the code itself are planned anew by Terraform, and slow.
"""

import copy
from pathlib import Path
from typing import Any

import pytest

from celec_assets_tests.terraform_faults import (
    Fault,
    also,
    container,
    inner,
    new,
    put,
    resources,
    said,
    told,
    without,
)
from celec_assets_tests.terraform_plan import PlanFailed, ShownPlan, code_to_plan, make_plans, needs_plans
from celec_assets_tests.terraform_rules.catalogue import RULES

pytestmark = needs_plans

IN, OUT = "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"
TASK, SERVICE, ALARM = "aws_ecs_task_definition", "aws_ecs_service", "aws_cloudwatch_metric_alarm"
ROLE, POLICY, DATABASE = "aws_iam_role", "aws_iam_role_policy", "aws_db_instance"
DEPLOY, OWN, NEW = "aws_iam_policy", "aws:ResourceTag/environment", "aws:RequestTag/environment"
TOPIC = "arn:aws:sns:us-east-1:123456789012:celec-staging-alerts"
LAKE = 'this["lake"]'
WORLD = {"cidr_ipv4": "0.0.0.0/0", "referenced_security_group_id": None}


def within_default_group(shown: dict[str, Any]) -> None:
    (group,) = resources(shown, "aws_default_security_group")
    group["values"]["ingress"] = [{"cidr_blocks": ["10.0.0.0/8"]}]


def password_as_variable(shown: dict[str, Any]) -> None:
    shown["variables"]["database_password"] = {"value": "hunter2"}


def no_tags(shown: dict[str, Any]) -> None:
    del shown["configuration"]["provider_config"]["aws"]["expressions"]["default_tags"]


def public_subnets_for_the_database(shown: dict[str, Any]) -> None:
    public = [subnet["values"]["id"] for subnet in resources(shown, "aws_subnet", "public")]
    put("aws_db_subnet_group", subnet_ids=public)(shown)


def no_public_address(network: str) -> str:
    return network.replace('"ENABLED"', '"DISABLED"')


FAULTS: list[tuple[str, str, Fault]] = [
    # rule, environment, fault
    ("sizes_are_those_of_fargate", "staging", put(TASK, "module.run.", cpu="256", memory="4096")),
    ("tasks_run_on_arm_in_fargate", "prod", put(TASK, "pages", runtime_platform=inner("cpu_architecture", "X86_64"))),
    ("tasks_run_on_arm_in_fargate", "prod", put(TASK, "pages", network_mode="bridge")),
    ("roles_of_tasks_are_in_the_plan", "prod", put(TASK, "webserver", task_role_arn="arn:aws:iam::1:role/admin")),
    ("containers_have_the_names_that_others_use", "staging", container("run", name="runner")),
    ("containers_have_no_rights_on_their_machine", "staging", container("daemon", readonlyRootFilesystem=False)),
    ("containers_have_no_rights_on_their_machine", "staging", container("mlflow", user="root")),
    ("containers_have_no_rights_on_their_machine", "staging", container("run", privileged=True)),
    ("what_a_read_only_container_writes_has_a_place", "prod", container("report", mountPoints=None)),
    (
        "images_are_those_of_one_commit",
        "prod",
        container("code", image=lambda image: f"{image.rpartition(':')[0]}:latest"),
    ),
    ("images_are_those_of_one_commit", "prod", container("code", image="docker.io/celec:" + 40 * "a")),
    ("containers_log_into_groups_of_the_plan", "staging", without("aws_cloudwatch_log_group", '["daemon"]')),
    ("containers_log_into_groups_of_the_plan", "staging", container("run", logConfiguration={"logDriver": "none"})),
    ("a_task_lives_as_long_as_each_of_its_containers", "prod", container("code", essential=False)),
    ("spot_gives_runs_their_time_to_stop", "prod", container("run", stopTimeout=30)),
    # services
    (
        "services_and_targets_agree_on_container_and_port",
        "staging",
        put(SERVICE, "webserver", load_balancer=inner("container_name", "dagster")),
    ),
    (
        "services_and_targets_agree_on_container_and_port",
        "staging",
        put(SERVICE, "pages", load_balancer=inner("container_port", 5001)),
    ),
    ("services_and_targets_agree_on_container_and_port", "staging", put("aws_lb_target_group", "report", port=80)),
    (
        "targets_are_addresses_with_a_health_page",
        "staging",
        put("aws_lb_target_group", "mlflow", target_type="instance"),
    ),
    (
        "targets_are_addresses_with_a_health_page",
        "staging",
        put("aws_lb_target_group", "dagster", health_check=inner("path", "/")),
    ),
    (
        "names_inside_lead_to_listening_containers",
        "prod",
        told("run", CELEC_MLFLOW_URL="http://pages.celec-prod.internal:5001"),
    ),
    ("names_inside_lead_to_listening_containers", "prod", put(SERVICE, "orchestration", service_registries=[])),
    ("there_are_never_two_daemons", "prod", put(SERVICE, "orchestration", deployment_maximum_percent=200)),
    ("there_are_never_two_daemons", "prod", put(SERVICE, "orchestration", deployment_minimum_healthy_percent=100)),
    ("there_are_never_two_daemons", "staging", put("aws_appautoscaling_target", "orchestration", max_capacity=2)),
    (
        "a_deployment_that_fails_is_rolled_back",
        "prod",
        put(SERVICE, "orchestration", deployment_circuit_breaker=inner("rollback", False)),
    ),
    ("a_deployment_that_fails_is_rolled_back", "prod", put(SERVICE, "webserver", deployment_minimum_healthy_percent=0)),
    ("pages_scale_by_their_cpu", "prod", put(ALARM, 'webserver.aws_cloudwatch_metric_alarm.cpu["out"]', threshold=90)),
    ("pages_scale_by_their_cpu", "prod", put("aws_appautoscaling_target", "pages", max_capacity=1)),
    ("containers_of_services_tell_their_health", "staging", container("daemon", healthCheck=None)),
    # told
    ("names_are_either_told_or_secret", "staging", told("mlflow", PGPASSWORD="arn")),
    ("settings_are_known_and_usable", "staging", told("report", CELEC_LAKE="s3://lake")),
    ("settings_are_known_and_usable", "staging", told("run", CELEC_ALERTS="celec-alerts")),
    ("everything_that_dagster_reads_is_there", "prod", told("run", DAGSTER_LOGS_BUCKET=None)),
    ("everything_that_dagster_reads_is_there", "prod", told("daemon", DAGSTER_CODE_SERVER_PORT=None)),
    ("everything_that_dagster_reads_is_there", "prod", container("webserver", secrets=[])),
    ("runs_are_told_what_services_are_told", "prod", told("run", CELEC_LAKE_URL="s3://celec-prod-lake/other")),
    ("services_start_the_runs_of_the_plan", "prod", told("daemon", DAGSTER_ECS_TASK_DEFINITION="celec-prod-run")),
    (
        "runs_are_started_into_the_network_of_the_plan",
        "prod",
        put(TASK, "orchestration", container_definitions=lambda text: text.replace("ENABLED", "DISABLED")),
    ),
    ("runs_are_started_into_the_network_of_the_plan", "prod", told("daemon", DAGSTER_ECS_CLUSTER="celec")),
    ("no_secret_is_in_plain_text", "staging", told("webserver", DAGSTER_PG_PASSWORD="hunter2")),
    ("no_secret_is_in_plain_text", "staging", told("report", HISTORIAN="https://celec:hunter2@example.com")),
    (
        "no_secret_is_in_plain_text",
        "staging",
        container("mlflow", command=["mlflow", "postgresql://mlflow:hunter2@host/mlflow"]),
    ),
    ("no_secret_is_in_plain_text", "staging", password_as_variable),
    (
        "secrets_are_read_from_secrets_of_the_plan",
        "prod",
        container("run", secrets=[{"name": "DAGSTER_PG_PASSWORD", "valueFrom": "arn:aws:ssm:x"}]),
    ),
    (
        "mlflow_knows_the_names_that_it_is_asked_by",
        "prod",
        container("mlflow", command=lambda words: [w.partition(",")[0] for w in words]),
    ),
    (
        "mlflow_knows_the_names_that_it_is_asked_by",
        "prod",
        container("mlflow", command=lambda words: [w for w in words if "cors" not in w]),
    ),
    # network
    # letters
    (
        "names_and_descriptions_have_letters_that_aws_takes",
        "staging",
        put(OUT, "historian", description="CELEC's historian"),
    ),
    ("names_and_descriptions_have_letters_that_aws_takes", "prod", put("aws_lb", name="celec_prod")),
    ("tags_have_letters_that_aws_takes", "prod", put("aws_vpc", tags_all={"Name": "CELEC's network"})),
    # network
    ("nobody_is_let_in_from_everywhere", "staging", put(IN, "visit", cidr_ipv4="0.0.0.0/0")),
    ("nobody_is_let_in_from_everywhere", "staging", put(IN, "visit", cidr_ipv6="::/0")),
    (
        "only_the_entrance_lets_in_addresses",
        "staging",
        put(IN, "entrance-webserver", cidr_ipv4="10.0.0.0/8", referenced_security_group_id=None),
    ),
    ("only_the_entrance_lets_in_addresses", "staging", put(IN, "visit", from_port=1, to_port=65535)),
    ("rules_and_groups_say_what_they_are_for", "prod", put(OUT, "historian", description=None)),
    (
        "rules_and_groups_say_what_they_are_for",
        "prod",
        put("aws_security_group", "runs", description="Managed by Terraform"),
    ),
    ("groups_have_no_rules_within", "prod", within_default_group),
    ("both_sides_of_a_conversation_allow_it", "prod", without(IN, "runs-mlflow")),
    ("both_sides_of_a_conversation_allow_it", "prod", put(OUT, "entrance-report", from_port=8081, to_port=8081)),
    (
        "what_goes_out_to_the_world_is_https",
        "staging",
        put(OUT, 'https["runs"]', ip_protocol="-1", from_port=None, to_port=None),
    ),
    ("what_goes_out_to_the_world_is_https", "staging", put(OUT, "pages-database", **WORLD)),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, 'https["runs"]')),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, "historian")),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, "pages-database")),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, "runs-mlflow")),
    ("everybody_reaches_what_it_needs", "staging", put(OUT, "webserver-code", from_port=4001, to_port=4001)),
    ("the_entrance_reaches_its_targets", "prod", without(OUT, "entrance-mlflow")),
    ("tasks_have_a_road_out", "prod", put(SERVICE, "pages", network_configuration=inner("assign_public_ip", False))),
    ("tasks_have_a_road_out", "prod", without("aws_route", "internet")),
    ("the_database_has_no_road_at_all", "prod", public_subnets_for_the_database),
    ("the_database_has_no_road_at_all", "prod", without("aws_route_table_association", "private")),
    (
        "the_database_is_let_to_by_tasks_alone",
        "prod",
        also(IN, "pages-database", cidr_ipv4="10.0.0.0/8", referenced_security_group_id=None),
    ),
    ("the_entrance_stands_in_two_zones", "staging", put("aws_lb", subnets=lambda subnets: subnets[:1])),
    ("the_entrance_stands_in_two_zones", "staging", put("aws_lb", drop_invalid_header_fields=False)),
    ("the_entrance_stands_in_two_zones", "staging", also("aws_lb")),
    ("every_page_has_a_listener", "staging", without("aws_lb_listener", "mlflow")),
    ("every_page_has_a_listener", "staging", put(SERVICE, "pages", load_balancer=lambda targets: targets[:1])),
    ("pages_ask_who_is_there", "prod", put("aws_lb_listener", "dagster", default_action=lambda actions: actions[1:])),
    ("pages_ask_who_is_there", "prod", put("aws_lb_listener", "mlflow", protocol="HTTP")),
    ("pages_ask_who_is_there", "prod", put("aws_lb_listener", "report", ssl_policy="ELBSecurityPolicy-2016-08")),
    ("targets_answer_on_the_port_of_their_container", "prod", container("code", portMappings=[])),
    # access
    (
        "actions_exist",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action=["s3:GetObjects"]),
    ),
    ("statements_have_names", "staging", said(POLICY, "reader", "ListObjectsAndTheirVersions", Sid="")),
    (
        "roles_of_tasks_name_actions_and_resources",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action="s3:*"),
    ),
    (
        "roles_of_tasks_name_actions_and_resources",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "StartRuns", Resource="*"),
    ),
    (
        "actions_without_resources_are_allowed_on_all",
        "prod",
        said(DEPLOY, '["watching"]', "OwnTopic", Action=["sns:SetTopicAttributes", "sns:Unsubscribe"]),
    ),
    (
        "actions_without_resources_are_allowed_on_all",
        "staging",
        said(DEPLOY, '["watching"]', "AlarmMadeOfAlarms", Resource="arn:aws:cloudwatch:*:*:alarm:celec-staging-*"),
    ),
    (
        "passing_roles_is_bound",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "GiveRunsTheirRoles", Condition={}),
    ),
    (
        "passing_roles_is_bound",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "GiveRunsTheirRoles", Resource="*"),
    ),
    (
        "nobody_from_outside_assumes_a_role",
        "prod",
        said(ROLE, "storage.aws_iam_role.reader", "PeopleOfTheAccount", "assume_role_policy", Principal={"AWS": "*"}),
    ),
    (
        "nobody_from_outside_assumes_a_role",
        "prod",
        put(ROLE, "deploy", assume_role_policy=lambda text: text.replace(":environment:prod", ":*")),
    ),
    (
        "nobody_from_outside_assumes_a_role",
        "prod",
        put(ROLE, "run.aws_iam_role.task", assume_role_policy=lambda text: text.replace("aws:Source", "aws:Other")),
    ),
    (
        "reading_secrets_is_for_those_who_start_with_them",
        "prod",
        said(
            POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action=["secretsmanager:GetSecretValue"]
        ),
    ),
    ("who_starts_a_task_reads_its_secrets", "prod", said(POLICY, "webserver_task", "ReadSecrets")),
    # use
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "StartRuns"),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "GiveRunsTheirRoles"),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "SendAlerts"),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.webserver", "WatchAndStopTasks", Action=["ecs:DescribeTasks"]),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action=["s3:GetObject"]),
    ),
    ("roles_may_do_what_their_programs_ask_for", "prod", said("aws_iam_policy", "boundary", "OwnAlerts")),
    (
        "who_starts_a_task_may_pull_its_image_and_write_its_log",
        "prod",
        said(POLICY, "module.run.aws_iam_role_policy.execution", "PullImage"),
    ),
    (
        "who_starts_a_task_may_pull_its_image_and_write_its_log",
        "prod",
        said(POLICY, "pages_task.aws_iam_role_policy.execution", "WriteLogs", Action=["logs:PutLogEvents"]),
    ),
    (
        "roles_may_do_little_else",
        "prod",
        said(POLICY, "uploader", "PutRawFiles", Action=["s3:PutObject", "s3:GetObject"]),
    ),
    (
        "roles_may_do_little_else",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.pages", "ShowReports", Action=["s3:GetObject", "s3:PutObject"]),
    ),
    (
        "the_database_task_asks_aws_for_nothing",
        "prod",
        also(POLICY, "platform.aws_iam_role_policy.run", role="celec-prod-database-task"),
    ),
    # delivery
    (
        "who_deploys_changes_its_own_environment_alone",
        "prod",
        said(DEPLOY, '["watching"]', "OwnKey", Condition={"StringEqualsIfExists": {OWN: "prod"}}),
    ),
    (
        "who_deploys_changes_its_own_environment_alone",
        "staging",
        said(DEPLOY, '["compute"]', "ScaleOwnServices", Condition={"StringEquals": {OWN: ["staging", "prod"]}}),
    ),
    (
        "who_deploys_changes_its_own_environment_alone",
        "staging",
        said(DEPLOY, '["data"]', "OwnDatabase", Resource="arn:aws:rds:us-east-1:123456789012:db:*"),
    ),
    ("who_deploys_changes_its_own_environment_alone", "prod", said(DEPLOY, '["network"]', "OwnNames", Condition={})),
    (
        "who_deploys_may_do_what_the_script_asks",
        "staging",
        said(DEPLOY, '["data"]', "OwnDatabase", Action=lambda of: [a for a in of if a != "rds:StopDBInstance"]),
    ),
    (
        "who_deploys_may_do_what_the_script_asks",
        "staging",
        said(DEPLOY, '["state"]', "CompareWithWhatIsThere", Action=["ecs:Describe*"]),
    ),
    ("who_deploys_reaches_its_own_by_their_tags", "prod", said(DEPLOY, '["network"]', "RulesOfOwnGroups")),
    ("who_deploys_reaches_its_own_by_their_tags", "prod", said(DEPLOY, '["network"]', "TagPartsAsTheyAreMade")),
    (
        "who_deploys_reaches_its_own_by_their_tags",
        "prod",
        said(DEPLOY, '["network"]', "TagPartsAsTheyAreMade", Condition={"StringEquals": {NEW: "prod"}}),
    ),
    (
        "who_deploys_reaches_its_own_by_their_tags",
        "staging",
        said(DEPLOY, '["network"]', "OwnNetwork", Condition={"StringEquals": {NEW: "staging"}}),
    ),
    (
        "who_deploys_sees_that_secrets_are_there",
        "prod",
        said(DEPLOY, '["data"]', "OwnSecrets", Action=["secretsmanager:PutSecretValue"]),
    ),
    # stores
    ("buckets_are_private", "prod", put("aws_s3_bucket_public_access_block", LAKE, restrict_public_buckets=False)),
    ("buckets_are_private", "prod", without("aws_s3_bucket_public_access_block", LAKE)),
    ("buckets_are_encrypted", "prod", without("aws_s3_bucket_server_side_encryption_configuration", "artifacts")),
    (
        "buckets_keep_versions",
        "prod",
        put("aws_s3_bucket_versioning", LAKE, versioning_configuration=inner("status", "Suspended")),
    ),
    ("buckets_speak_tls_alone", "prod", said("aws_s3_bucket_policy", "logs", "OnlyOverTls")),
    (
        "buckets_forget_what_is_old",
        "prod",
        put("aws_s3_bucket_lifecycle_configuration", LAKE, rule=inner("noncurrent_version_expiration", [])),
    ),
    (
        "the_lake_forgets_nothing_that_is_there",
        "prod",
        put("aws_s3_bucket_lifecycle_configuration", LAKE, rule=inner("expiration", [{"days": 365}])),
    ),
    ("the_lake_outlives_a_mistake", "prod", put("aws_s3_bucket", LAKE, force_destroy=True)),
    ("the_database_is_private", "staging", put(DATABASE, publicly_accessible=True)),
    ("the_database_is_encrypted", "staging", put(DATABASE, storage_encrypted=False)),
    (
        "the_database_speaks_tls_alone",
        "staging",
        put("aws_db_parameter_group", parameter=lambda of: [one for one in of if one["name"] != "rds.force_ssl"]),
    ),
    ("the_database_speaks_tls_alone", "staging", put(DATABASE, engine_version="17.2")),
    ("the_database_is_backed_up", "staging", put(DATABASE, backup_retention_period=0)),
    ("the_database_of_prod_is_protected", "prod", put(DATABASE, deletion_protection=False)),
    ("the_database_of_prod_is_protected", "prod", put(DATABASE, skip_final_snapshot=True)),
    ("passwords_are_never_in_the_state", "prod", put(DATABASE, manage_master_user_password=False)),
    (
        "passwords_are_never_in_the_state",
        "prod",
        put("aws_secretsmanager_secret_version", "mlflow", secret_string="{}"),
    ),
    ("passwords_are_never_in_the_state", "prod", new("random_password", result="hunter2")),
    ("images_cannot_be_replaced_and_are_scanned", "prod", put("aws_ecr_repository", image_tag_mutability="MUTABLE")),
    (
        "images_cannot_be_replaced_and_are_scanned",
        "prod",
        put("aws_ecr_repository", image_scanning_configuration=inner("scan_on_push", False)),
    ),
    ("alerts_are_encrypted", "prod", put("aws_sns_topic", kms_master_key_id=None)),
    ("alerts_are_encrypted", "prod", put("aws_sns_topic", kms_master_key_id="alias/aws/sns")),
    # alarms
    ("logs_end_some_day", "staging", put("aws_cloudwatch_log_group", '["run"]', retention_in_days=0)),
    (
        "alarms_look_at_what_there_is",
        "staging",
        put(ALARM, "no-pages", dimensions={"ClusterName": "celec-staging", "ServiceName": "mlflow"}),
    ),
    ("alarms_look_at_what_there_is", "staging", put(ALARM, "no-pages", dimensions={"ClusterName": "celec-staging"})),
    ("alarms_look_at_what_there_is", "staging", put(ALARM, "runs_failed", metric_name="failed-runs")),
    ("alarms_look_at_what_there_is", "staging", put(ALARM, "database-storage", metric_name="FreeStorage")),
    (
        "charts_show_what_there_is",
        "prod",
        put("aws_cloudwatch_dashboard", dashboard_body=lambda body: body.replace("CPUCreditBalance", "CPUCredits")),
    ),
    (
        "charts_show_what_there_is",
        "prod",
        put(
            "aws_cloudwatch_dashboard", dashboard_body=lambda body: body.replace("/celec/prod/daemon", "/celec/daemon")
        ),
    ),
    (
        "alarms_look_back_no_further_than_they_may",
        "prod",
        put(ALARM, "no-fresh-forecast", period=1800, evaluation_periods=52),
    ),
    (
        "filters_read_logs_of_the_plan",
        "prod",
        put("aws_cloudwatch_log_metric_filter", "runs-failed", log_group_name="/celec/runs"),
    ),
    (
        "filters_count_what_runs_print",
        "prod",
        put("aws_cloudwatch_log_metric_filter", "forecasts-made", pattern='"Materialized flow_forecast"'),
    ),
    (
        "filters_count_what_runs_print",
        "prod",
        put("aws_cloudwatch_log_metric_filter", "runs-failed", pattern='"RUN_START"'),
    ),
    ("alarms_tell_somebody", "prod", put(ALARM, "database-storage", alarm_actions=[])),
    (
        "alarms_tell_somebody",
        "prod",
        put(ALARM, "runs_failed", alarm_actions=["arn:aws:sns:us-east-1:123456789012:old"]),
    ),
    ("alarms_tell_somebody", "staging", without("aws_cloudwatch_composite_alarm")),
    ("nights_ring_nobody", "staging", put(ALARM, "HTTPCode_ELB_5XX_Count", alarm_actions=[TOPIC])),
    ("nights_ring_nobody", "staging", put(ALARM, "no-webserver", alarm_actions=[TOPIC])),
    ("a_service_that_is_down_is_told", "prod", without(ALARM, "no-webserver")),
    ("a_service_that_is_down_is_told", "prod", put(ALARM, "no-pages", treat_missing_data="notBreaching")),
    ("a_silent_daemon_is_told", "prod", put(ALARM, "daemon-silent", treat_missing_data="missing")),
    ("a_silent_daemon_is_told", "prod", put(ALARM, "daemon-silent", dimensions={"LogGroupName": "/celec/prod/code"})),
    ("troubles_of_database_and_entrance_are_told", "prod", without(ALARM, "database-storage")),
    ("troubles_of_database_and_entrance_are_told", "prod", without(ALARM, "unhealthy")),
    ("troubles_of_database_and_entrance_are_told", "prod", without(ALARM, "HTTPCode")),
    ("failed_runs_are_told", "prod", without(ALARM, "runs_failed")),
    ("a_morning_without_forecasts_is_told", "prod", put(ALARM, "no-fresh-forecast", treat_missing_data="notBreaching")),
    ("a_morning_without_forecasts_is_told", "prod", without(ALARM, "no-fresh-forecast")),
    # nights
    (
        "what_is_switched_off_at_night_comes_back",
        "staging",
        without("aws_appautoscaling_scheduled_action", 'webserver.aws_appautoscaling_scheduled_action.night["start"]'),
    ),
    ("what_is_switched_off_at_night_comes_back", "staging", without("aws_scheduler_schedule", '["start"]')),
    (
        "the_database_is_there_before_its_services",
        "staging",
        put("aws_scheduler_schedule", '["start"]', schedule_expression="cron(5 6 ? * MON-FRI *)"),
    ),
    (
        "the_database_is_there_before_its_services",
        "staging",
        put("aws_scheduler_schedule", '["stop"]', schedule_expression="cron(0 18 ? * MON-FRI *)"),
    ),
    ("the_nights_are_staging_s_alone", "prod", new("aws_scheduler_schedule", name="night")),
    (
        "the_nights_are_staging_s_alone",
        "staging",
        lambda shown: (without("aws_scheduler_schedule")(shown), without("aws_appautoscaling_scheduled_action")(shown))[
            0
        ],
    ),
    (
        "schedules_may_do_what_they_call",
        "staging",
        said(POLICY, "night", "StopAndStartTheDatabase", Action=["rds:StopDBInstance"]),
    ),
    ("everything_is_tagged", "prod", no_tags),
    ("tasks_are_tagged_as_what_starts_them", "prod", put(SERVICE, "pages", propagate_tags="NONE")),
    ("somebody_is_told_of_the_bill", "prod", put("aws_budgets_budget", notification=[])),
    ("somebody_is_told_of_the_bill", "prod", put("aws_budgets_budget", time_unit="ANNUALLY")),
]


@pytest.mark.parametrize(
    ("rule", "environment", "fault"), FAULTS, ids=[f"{n}-{rule}" for n, (rule, _, _) in enumerate(FAULTS)]
)
def test_a_planted_fault_is_found(
    rule: str, environment: str, fault: Fault, terraform_plans: dict[str, dict[str, ShownPlan]]
) -> None:
    shown = copy.deepcopy(terraform_plans[environment]["second"].shown)
    fault(shown)
    assert list(RULES[rule](ShownPlan(environment, shown))) != []


def test_every_rule_finds_a_fault() -> None:
    assert RULES.keys() - {rule for rule, _, _ in FAULTS} == set()


CODE = [
    # rule, file of terraform/modules, what stands there, what somebody writes instead
    ("tasks_run_on_arm_in_fargate", "task/definition.tf", '"ARM64"', '"X86_64"'),
    ("targets_are_addresses_with_a_health_page", "entrance/targets.tf", '"ip"', '"instance"'),
    (
        "services_and_targets_agree_on_container_and_port",
        "platform/main.tf",
        "target_port = local.ports.report",
        "target_port = local.ports.mlflow",
    ),
    ("there_are_never_two_daemons", "service/service.tf", "local.single ? 100 : 200", "200"),
    ("a_deployment_that_fails_is_rolled_back", "service/service.tf", "rollback = true", "rollback = false"),
    ("buckets_keep_versions", "storage/buckets.tf", '"Enabled"', '"Suspended"'),
    (
        "the_database_is_encrypted",
        "database/instance.tf",
        "storage_encrypted     = true",
        "storage_encrypted     = false",
    ),
    ("the_database_speaks_tls_alone", "database/parameters.tf", '= "1"\n', '= "0"\n'),
    ("everybody_reaches_what_it_needs", "network/world.tf", "8443", "443"),
    (
        "rules_and_groups_say_what_they_are_for",
        "network/conversations.tf",
        'description                  = "${each.value.what}, to ${each.value.to}"\n',
        "",
    ),
    (
        "passing_roles_is_bound",
        "platform/access.tf",
        'variable = "iam:PassedToService"',
        'variable = "aws:PrincipalAccount"',
    ),
    ("what_a_read_only_container_writes_has_a_place", "task/definition.tf", "/tmp", "/var/tmp"),
    ("settings_are_known_and_usable", "platform/environment.tf", "CELEC_REPORT_URL ", "CELEC_REPORTS_URL"),
    ("images_cannot_be_replaced_and_are_scanned", "registry/main.tf", "scan_on_push = true", "scan_on_push = false"),
    ("logs_end_some_day", "task/logs.tf", "  retention_in_days = var.common.log_retention_days\n", ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "file", "old", "new_text"), CODE, ids=[f"{rule}-{file}" for rule, file, _, _ in CODE])
def test_a_fault_of_the_code_is_found_in_its_plan(
    rule: str, file: str, old: str, new_text: str, tmp_path: Path
) -> None:
    code = code_to_plan(tmp_path / "terraform")
    path = code / "modules" / file
    assert old in path.read_text(), f"{file} has no {old!r} to be spoiled"
    path.write_text(path.read_text().replace(old, new_text))
    _, second = make_plans(code, "staging")
    assert list(RULES[rule](ShownPlan("staging", second))) != []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('allowed_cidrs = ["0.0.0.0/0"]', "anybody could start and delete runs"),
        ('allowed_cidrs = ["::/0"]', "must hold IPv4 blocks"),
        ("allowed_cidrs = []", "nobody could open the pages"),
    ],
)
def test_terraform_itself_refuses_to_open_the_pages_to_everybody(line: str, says: str, tmp_path: Path) -> None:
    code = code_to_plan(tmp_path / "terraform")
    values = code / "environments" / "staging" / "terraform.tfvars"
    text = values.read_text()
    (old,) = [of for of in text.splitlines() if of.startswith("allowed_cidrs")]
    values.write_text(text.replace(old, line))
    with pytest.raises(PlanFailed) as refused:
        make_plans(code, "staging")
    assert says in " ".join(str(refused.value).replace("│", " ").split())
