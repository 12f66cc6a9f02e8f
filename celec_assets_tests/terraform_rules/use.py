"""Rules of roles against use: all that programs ask of AWS is allowed, and little else.

What they ask is recorded in aws_calls.toml, by test_iam_recorded.py.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from celec_assets_tests.iam_policies import allows, applies
from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.access import listed, statements, statements_of
from celec_assets_tests.terraform_rules.reading import Findings, containers, task_with
from terraform.bill.plan import Resource

TABLE: Final = Path(__file__).parents[1] / "aws_calls.toml"
CONTAINERS: Final = {"webserver": "webserver", "orchestration": "daemon", "pages": "mlflow", "run": "run"}
"""By role, a container of its task. The others are roles of people."""


@cache
def recorded() -> dict[str, dict[str, list[str]]]:
    """Words for resources, by role and action."""
    return tomllib.loads(TABLE.read_text())


class Asked(NamedTuple):
    """A call as AWS would see it in this environment."""

    action: str
    resource: str
    context: dict[str, str]


def role_of(name: str, plan: ShownPlan) -> Resource:
    if name in CONTAINERS:
        task = task_with(CONTAINERS[name], plan)
        found = plan.by("aws_iam_role", "arn", task.values["task_role_arn"]) if task else None
    else:
        found = next((role for role in plan.of("aws_iam_role") if role.values["name"].endswith(f"-{name}")), None)
    assert found, f"the plan has no role of {name}"
    return found


def boundary_of(role: Resource, plan: ShownPlan) -> list[dict[str, Any]]:
    """What a role may at most, whatever its own policies say."""
    if not role.get("permissions_boundary"):
        return [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    boundary = plan.by("aws_iam_policy", "arn", role.values["permissions_boundary"])
    assert boundary, f"the boundary of {role.address} is not in the plan"
    return statements(boundary.values["policy"])


def asked(action: str, recorded: str, plan: ShownPlan) -> Iterator[Asked]:
    """The calls that a word of the table stands for."""
    buckets = {
        kind: bucket.values["arn"]
        for bucket in plan.of("aws_s3_bucket")
        for kind in ("lake", "artifacts", "logs")
        if f"-{kind}-" in bucket.values["bucket"]
    }
    (cluster,), run = plan.of("aws_ecs_cluster"), task_with("run", plan)
    assert run
    account, region = run.values["arn"].split(":")[4], plan.of("aws_ecs_service")[0].values["region"]
    service = action.partition(":")[0]
    if service == "s3":
        bucket, _, path = recorded.partition(":")
        yield Asked(action, f"{buckets[bucket]}/{path}".replace("*", "x/y") if path else buckets[bucket], {})
    elif recorded == "alerts":
        kind = {"sns": "aws_sns_topic", "kms": "aws_kms_key"}[service]
        through = {"kms:ViaService": f"sns.{region}.amazonaws.com"} if service == "kms" else {}
        yield Asked(action, plan.of(kind)[0].values["arn"], through)
    elif action == "ecs:RunTask":
        # Any revision: services may be rolled back.
        yield Asked(action, f"{run.values['arn_without_revision']}:7", {"ecs:cluster": cluster.values["arn"]})
    elif action == "iam:PassRole":
        for kind in ("task_role_arn", "execution_role_arn"):
            yield Asked(action, run.values[kind], {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    elif recorded == "task":
        task = f"arn:aws:ecs:{region}:{account}:task/{cluster.values['name']}/0123456789abcdef"
        created = {"ecs:CreateAction": "RunTask"} if action == "ecs:TagResource" else {}
        yield Asked(action, task, created)
    elif recorded == "log of runs":
        group = next(g for g in plan.of("aws_cloudwatch_log_group") if g.values["name"].endswith("/run"))
        yield Asked(action, f"{group.values['arn']}:log-stream:run/run/0123456789abcdef", {})
    else:
        assert recorded == "*", recorded
        yield Asked(action, "*", {})


def calls_of(role: str, plan: ShownPlan) -> list[Asked]:
    return [call for action, on in recorded()[role].items() for word in on for call in asked(action, word, plan)]


def roles_may_do_what_their_programs_ask_for(plan: ShownPlan) -> Findings:
    for name in recorded():
        role = role_of(name, plan)
        for what, granted in (("policies", statements_of(role, plan)), ("boundary", boundary_of(role, plan))):
            said = list(granted)
            for call in calls_of(name, plan):
                if not allows(said, *call):
                    yield f"{role.address}: its {what} refuse {call.action} on {call.resource}"


def roles_may_do_little_else(plan: ShownPlan) -> Findings:
    for name in recorded():
        role, calls = role_of(name, plan), calls_of(name, plan)
        for statement in statements_of(role, plan):
            for action, resource in _permissions(statement):
                single = {**statement, "Action": action, "Resource": resource}
                if not any(applies(single, *call) for call in calls):
                    yield f"{role.address}: {action} on {resource} is asked for by nobody ({statement['Sid']})"


def _permissions(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for action in listed(statement["Action"]):
        for resource in listed(statement["Resource"]):
            yield action, resource


def who_starts_a_task_may_pull_its_image_and_write_its_log(plan: ShownPlan) -> Findings:
    """What ECS asks for with the execution role, before the program says a word."""
    repositories = {found.values["repository_url"]: found.values["arn"] for found in plan.of("aws_ecr_repository")}
    groups = {found.values["name"]: found.values["arn"] for found in plan.of("aws_cloudwatch_log_group")}
    for task in plan.of("aws_ecs_task_definition"):
        role = plan.by("aws_iam_role", "arn", task.values["execution_role_arn"])
        said = list(statements_of(role, plan)) if role else []
        for container in containers(task):
            repository = repositories.get(container["image"].rpartition(":")[0], "?")
            stream = f"{groups.get(container['logConfiguration']['options']['awslogs-group'])}:log-stream:x"
            wanted = [
                ("ecr:GetAuthorizationToken", "*"),
                *((f"ecr:{action}", repository) for action in ("BatchGetImage", "GetDownloadUrlForLayer")),
                *((f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents")),
            ]
            for action, resource in wanted:
                if not allows(said, action, resource, {}):
                    yield f"{task.address}: {action} on {resource} is refused when {container['name']} starts"


def the_database_task_asks_aws_for_nothing(plan: ShownPlan) -> Findings:
    task = task_with("database", plan)
    role = plan.by("aws_iam_role", "arn", task.values["task_role_arn"]) if task else None
    for statement in statements_of(role, plan) if role else ():
        yield f"{role.address if role else ''}: {statement['Sid']}"
