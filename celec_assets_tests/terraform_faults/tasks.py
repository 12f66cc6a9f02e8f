"""Faults of tasks, services and what containers are told."""

from typing import Any

from celec_assets_tests.terraform_faults.planting import Fault, container, inner, put, told, without

TASK = "aws_ecs_task_definition"
SERVICE = "aws_ecs_service"
ALARM = "aws_cloudwatch_metric_alarm"


def password_as_variable(shown: dict[str, Any]) -> None:
    shown["variables"]["database_password"] = {"value": "hunter2"}


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
]
