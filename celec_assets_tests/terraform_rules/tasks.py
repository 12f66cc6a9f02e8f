"""Rules of task definitions: their sizes, and what their containers are and may."""

import re
from pathlib import Path
from typing import Final

import yaml

from celec_assets_tests.ecs_service import FARGATE_MEMORY
from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.reading import Findings, containers, every_container

LAUNCHER: Final = Path(__file__).parents[2] / "deploy/dagster.yaml"
USER: Final = "10001"


def sizes_are_those_of_fargate(plan: ShownPlan) -> Findings:
    for task in plan.of("aws_ecs_task_definition"):
        cpu, memory = int(task.values["cpu"]), int(task.values["memory"])
        if memory not in FARGATE_MEMORY.get(cpu, set()):
            yield f"{task.address}: Fargate has no {cpu} / {memory}"


def tasks_run_on_arm_in_fargate(plan: ShownPlan) -> Findings:
    for task in plan.of("aws_ecs_task_definition"):
        if task.get("requires_compatibilities") != ["FARGATE"] or task.get("network_mode") != "awsvpc":
            yield f"{task.address}: is not of Fargate"
        platform = task.get("runtime_platform") or [{}]
        if (platform[0].get("cpu_architecture"), platform[0].get("operating_system_family")) != ("ARM64", "LINUX"):
            yield f"{task.address}: the image is built for Linux on ARM64"


def roles_of_tasks_are_in_the_plan(plan: ShownPlan) -> Findings:
    roles = {role.values["arn"] for role in plan.of("aws_iam_role")}
    used: dict[str, str] = {}
    for task in plan.of("aws_ecs_task_definition"):
        for kind in ("task_role_arn", "execution_role_arn"):
            if task.get(kind) not in roles:
                yield f"{task.address}: has no {kind} of the plan"
        if (role := task.get("task_role_arn", "")) in used:
            yield f"{task.address}: shares its role with {used[role]}"
        used[role] = task.address


def containers_have_the_names_that_others_use(plan: ShownPlan) -> Findings:
    launcher = yaml.safe_load(LAUNCHER.read_text())["run_launcher"]["config"]
    wanted = {
        "run": {launcher["container_name"]},
        "database": {"database"},
        "webserver": {"webserver"},
        "orchestration": {"daemon", "code"},
        "pages": {"mlflow", "report"},
    }
    for task in plan.of("aws_ecs_task_definition"):
        part = task.values["family"].rpartition("-")[2]
        names = {container["name"] for container in containers(task)}
        if part in wanted and names != wanted.pop(part):
            yield f"{task.address}: its containers are {sorted(names)}"
    yield from (f"there is no task definition of {part}" for part in wanted)


def containers_have_no_rights_on_their_machine(plan: ShownPlan) -> Findings:
    for where, container in every_container(plan):
        if not container.get("readonlyRootFilesystem"):
            yield f"{where}: may write into its root file system"
        if str(container.get("user", "")).partition(":")[0] != USER:
            yield f"{where}: is not user {USER}"
        if container.get("privileged"):
            yield f"{where}: is privileged"


def what_a_read_only_container_writes_has_a_place(plan: ShownPlan) -> Findings:
    for task in plan.of("aws_ecs_task_definition"):
        volumes = {volume["name"] for volume in task.get("volume", [])}
        for container in containers(task):
            mounts = {mount["containerPath"]: mount["sourceVolume"] for mount in container.get("mountPoints", [])}
            if mounts.get("/tmp") not in volumes:
                yield f"{task.address} {container['name']}: has no volume at /tmp"


def images_are_those_of_one_commit(plan: ShownPlan) -> Findings:
    repositories = {repository.values["repository_url"] for repository in plan.of("aws_ecr_repository")}
    for where, container in every_container(plan):
        repository, _, tag = container["image"].rpartition(":")
        if repository not in repositories:
            yield f"{where}: its image is not in the plan's registry"
        if not re.fullmatch(r"(notebook-)?[0-9a-f]{40}(-notebook)?", tag):
            yield f"{where}: the tag {tag!r} is no commit"


def containers_log_into_groups_of_the_plan(plan: ShownPlan) -> Findings:
    groups = {group.values["name"] for group in plan.of("aws_cloudwatch_log_group")}
    for where, container in every_container(plan):
        log = container.get("logConfiguration", {})
        options = log.get("options", {})
        if log.get("logDriver") != "awslogs" or options.get("awslogs-group") not in groups:
            yield f"{where}: logs into no group of the plan"
        if "awslogs-region" not in options or "awslogs-stream-prefix" not in options:
            yield f"{where}: Fargate needs the region and the prefix of the log's streams"


def a_task_lives_as_long_as_each_of_its_containers(plan: ShownPlan) -> Findings:
    for where, container in every_container(plan):
        if not container.get("essential", True):
            yield f"{where}: may end without anybody's notice"


def spot_gives_runs_their_time_to_stop(plan: ShownPlan) -> Findings:
    monitoring = yaml.safe_load(LAUNCHER.read_text())["run_monitoring"]
    for where, container in every_container(plan):
        seconds = container.get("stopTimeout", 30)
        if container["name"] == "run" and not 60 <= seconds <= 120:
            yield f"{where}: Spot gives two minutes, a run is stopped after {seconds} seconds"
        if container["name"] == "run" and seconds >= monitoring["cancel_timeout_seconds"]:
            yield f"{where}: Dagster calls it cancelled before it is stopped"
