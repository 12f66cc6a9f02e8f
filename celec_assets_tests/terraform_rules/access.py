"""Rules of what roles may do."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

from policy_sentry.querying.actions import get_action_data
from policy_sentry.querying.all import get_all_actions

from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.reading import Findings, containers, secrets
from terraform.bill.plan import Resource

_POLICIES: Final = (
    ("aws_iam_role_policy", "policy"),
    ("aws_iam_policy", "policy"),
    ("aws_iam_role", "assume_role_policy"),
    ("aws_s3_bucket_policy", "policy"),
    ("aws_sns_topic_policy", "policy"),
    ("aws_kms_key", "policy"),
)


def listed(value: Any) -> list[Any]:
    """IAM writes one thing without a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def statements(document: str) -> list[dict[str, Any]]:
    return listed(json.loads(document)["Statement"])


def every_statement(plan: ShownPlan) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, attribute in _POLICIES:
        for resource in plan.of(kind):
            if document := resource.get(attribute):
                for statement in statements(document):
                    yield f"{resource.address} {statement.get('Sid', 'without a name')}", statement


def statements_of(role: Resource, plan: ShownPlan) -> Iterator[dict[str, Any]]:
    """What a role's own policies, within it or attached, say."""
    names = (role.values["name"], role.values["id"])
    for policy in plan.of("aws_iam_role_policy"):
        if policy.values["role"] in names:
            yield from statements(policy.values["policy"])
    for attachment in plan.of("aws_iam_role_policy_attachment"):
        if attachment.values["role"] in names:
            attached = plan.by("aws_iam_policy", "arn", attachment.values["policy_arn"])
            if attached:
                yield from statements(attached.values["policy"])


@cache
def known_actions() -> frozenset[str]:
    return frozenset(action.lower() for action in get_all_actions())


_ON_ALL_ONLY: Final = {"cloudwatch:PutCompositeAlarm"}
"""What AWS refuses when it is bound to resources, although its table names some: its page on the call says so."""


@cache
def takes_resources(action: str) -> bool:
    """Whether IAM can bind an action to resources at all."""
    if action in _ON_ALL_ONLY:
        return False
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    rows = data[service] if data else []
    return any(row["resource_arn_format"] != "*" for row in rows)


def actions_exist(plan: ShownPlan) -> Findings:
    for where, statement in every_statement(plan):
        for action in listed(statement.get("Action")):
            exact = action.lower()
            if "*" in exact:
                if not any(_matches(exact, known) for known in known_actions()):
                    yield f"{where}: {action} matches no action of IAM"
            elif exact not in known_actions():
                yield f"{where}: IAM knows no {action}"


def _matches(pattern: str, action: str) -> bool:
    return fnmatchcase(action, pattern)


def statements_have_names(plan: ShownPlan) -> Findings:
    for where, statement in every_statement(plan):
        if not statement.get("Sid"):
            yield f"{where}: says not what it is for"


def roles_of_tasks_name_actions_and_resources(plan: ShownPlan) -> Findings:
    """Exact actions; `*` as a resource only for actions that know no resources."""
    for role in plan.of("aws_iam_role"):
        if "ecs-tasks.amazonaws.com" not in role.values["assume_role_policy"]:
            continue
        for statement in statements_of(role, plan):
            for action in listed(statement["Action"]):
                if "*" in action:
                    yield f"{role.address}: {action} is more than one action"
                elif "*" in listed(statement["Resource"]) and takes_resources(action):
                    yield f"{role.address}: may {action} everything"


def actions_without_resources_are_allowed_on_all(plan: ShownPlan) -> Findings:
    """Bound to a resource, such an action is refused."""
    for where, statement in every_statement(plan):
        if "*" not in listed(statement.get("Resource", "*")):
            for action in listed(statement["Action"]):
                if "*" not in action and not takes_resources(action):
                    yield f"{where}: {action} knows no resources"


def passing_roles_is_bound(plan: ShownPlan) -> Findings:
    for where, statement in every_statement(plan):
        actions = [action.lower() for action in listed(statement.get("Action"))]
        if statement["Effect"] == "Allow" and any(_matches(action, "iam:passrole") for action in actions):
            bound = statement.get("Condition", {})
            services = [
                service
                for test in ("StringEquals", "StringLike")
                for service in listed(bound.get(test, {}).get("iam:PassedToService"))
            ]
            if not services or "*" in services:
                yield f"{where}: passes roles to any service"
            if "*" in listed(statement["Resource"]):
                yield f"{where}: passes any role"


def nobody_from_outside_assumes_a_role(plan: ShownPlan) -> Findings:
    """One service or this account; GitHub only for one repository and environment."""
    for role in plan.of("aws_iam_role"):
        for statement in statements(role.values["assume_role_policy"]):
            principal = statement.get("Principal", {})
            if principal == "*" or "*" in [p for of in principal.values() for p in listed(of)]:
                yield f"{role.address}: anybody assumes it"
                continue
            bound = [key for test in statement.get("Condition", {}).values() for key in test]
            if "Federated" in principal:
                audiences = [key for key in bound if key.endswith(":aud")]
                subjects = [
                    subject
                    for test in statement.get("Condition", {}).values()
                    for key, value in test.items()
                    if key.endswith(":sub")
                    for subject in listed(value)
                ]
                if not audiences or not subjects:
                    yield f"{role.address}: every repository of GitHub assumes it"
                for subject in subjects:
                    # Of a pull request nobody has approved anything: it may read.
                    reads = subject.endswith(":pull_request") and _only_reads(role, plan)
                    if "*" in subject or (":environment:" not in subject and not reads):
                        yield f"{role.address}: {subject} is not one environment of one repository"
            elif "Service" in principal and not {"aws:SourceAccount", "aws:SourceArn"} & set(bound):
                yield f"{role.address}: is lent to other accounts' {listed(principal['Service'])[0]}"


def _only_reads(role: Resource, plan: ShownPlan) -> bool:
    allowed = [action for said in statements_of(role, plan) for action in listed(said["Action"])]
    return all(action.partition(":")[2].startswith(("Get", "List", "Describe")) for action in allowed)


def reading_secrets_is_for_those_who_start_with_them(plan: ShownPlan) -> Findings:
    starts = {task.values["execution_role_arn"] for task in plan.of("aws_ecs_task_definition")}
    for role in plan.of("aws_iam_role"):
        for statement in statements_of(role, plan):
            if "secretsmanager:GetSecretValue" in listed(statement["Action"]):
                if role.values["arn"] not in starts:
                    yield f"{role.address}: reads secrets and starts no task"
                if any(resource == "*" for resource in listed(statement["Resource"])):
                    yield f"{role.address}: reads every secret"


def who_starts_a_task_reads_its_secrets(plan: ShownPlan) -> Findings:
    for task in plan.of("aws_ecs_task_definition"):
        role = plan.by("aws_iam_role", "arn", task.get("execution_role_arn"))
        readable = [
            resource
            for statement in (statements_of(role, plan) if role else ())
            if "secretsmanager:GetSecretValue" in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ]
        for container in containers(task):
            for name, source in secrets(container).items():
                if not any(source.startswith(resource.rstrip("*")) for resource in readable):
                    yield f"{task.address}: {name} cannot be read when {container['name']} starts"
