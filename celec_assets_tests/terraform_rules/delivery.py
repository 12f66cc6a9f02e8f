"""Rules of GitHub's role that deploys: enough for scripts/deploy.sh and Terraform, in its own environment alone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from policy_sentry.querying.actions import get_action_data

from celec_assets_tests.iam_policies import allows
from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.access import listed, statements_of
from celec_assets_tests.terraform_rules.reading import Findings
from terraform.bill.plan import Resource

SCRIPT: Final = Path(__file__).parents[2] / "scripts" / "deploy.sh"

_OWN_TAGS: Final = ("aws:ResourceTag/environment", "aws:RequestTag/environment")

_WITH_ITS_GROUP: Final = "asks for the rule's group as well"
_OF_RDS: Final = "RDS names it, and AWS lets nobody else change it"
_UNBOUND: Final = {
    ("cloudwatch:PutCompositeAlarm", "*"): "refused where it is bound to alarms",
    ("ec2:AuthorizeSecurityGroupEgress", "security-group-rule/*"): _WITH_ITS_GROUP,
    ("ec2:AuthorizeSecurityGroupIngress", "security-group-rule/*"): _WITH_ITS_GROUP,
    ("ec2:CreateTags", "security-group-rule/*"): "whoever changes the rule needs its group as well",
    ("ecs:DeregisterTaskDefinition", "*"): "knows no resources",
    ("ecs:RegisterTaskDefinition", "*"): "what a task may is bound by the roles that can be passed",
    ("secretsmanager:CreateSecret", "secret:rds!db-*"): _OF_RDS,
    ("secretsmanager:TagResource", "secret:rds!db-*"): _OF_RDS,
    ("sns:Unsubscribe", "*"): "knows no resources",
}
"""What may change more than its own environment, and why."""


def _who_deploys(plan: ShownPlan) -> Iterator[Resource]:
    return (role for role in plan.of("aws_iam_role") if ":environment:" in role.values["assume_role_policy"])


def who_deploys_changes_its_own_environment_alone(plan: ShownPlan) -> Findings:
    """By the name of what is changed or by its tag; a tag that must be right only where there is one binds nothing."""
    for role in _who_deploys(plan):
        for statement in statements_of(role, plan):
            tags = statement.get("Condition", {}).get("StringEquals", {})
            if any(listed(tags.get(tag)) == [plan.environment] for tag in _OWN_TAGS):
                continue
            for action in filter(_changes, listed(statement["Action"])):
                for resource in listed(statement["Resource"]):
                    named = plan.environment in re.split("[^a-z]", resource)
                    if not named and (action, resource.split(":", 5)[-1]) not in _UNBOUND:
                        yield f"{role.address}: {action} on {resource} of anybody ({statement['Sid']})"


def _changes(action: str) -> bool:
    service, _, name = action.partition(":")
    if "*" in name:
        return not name.startswith(("Get", "List", "Describe"))
    data = get_action_data(service, name)
    return not data or data[service][0]["access_level"] not in ("Read", "List")


_SERVICES: Final = {"elbv2": "elasticloadbalancing", "s3api": "s3"}
_CALLED: Final = {
    "ecr:GetLoginPassword": "ecr:GetAuthorizationToken",
    "rds:Wait": "rds:DescribeDBInstances",
    "s3:HeadBucket": "s3:ListBucket",
}
_EVERYBODY_MAY: Final = {"sts:GetCallerIdentity"}


def _calls() -> set[str]:
    """Actions behind the script's `aws SERVICE COMMAND`."""
    said = re.findall(r"\baws ([a-z0-9]+) (wait|[a-z]+-[a-z-]+)", SCRIPT.read_text())
    assert len(said) > 10, f"{SCRIPT.name} is no longer read as it is written"
    actions = {f"{_SERVICES.get(service, service)}:{_camel(command)}" for service, command in said}
    return {_CALLED.get(action, action) for action in actions} - _EVERYBODY_MAY


def _camel(command: str) -> str:
    return "".join(word.capitalize() for word in command.split("-")).replace("Db", "DB")


def who_deploys_may_do_what_the_script_asks(plan: ShownPlan) -> Findings:
    (cluster,), (database,) = plan.of("aws_ecs_cluster"), plan.of("aws_db_instance")
    _, _, _, region, account, *_ = database.values["arn"].split(":")
    name = cluster.values["name"]
    task = f"arn:aws:ecs:{region}:{account}:task/{name}/0123456789abcdef"
    balancer = f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/0123456789abcdef"
    asked = {
        "ecs:DescribeTasks": [task],
        "ecs:RunTask": [f"{made.values['arn_without_revision']}:7" for made in plan.of("aws_ecs_task_definition")],
        "ecs:StopTask": [task],
        "ecs:UpdateService": [
            f"arn:aws:ecs:{region}:{account}:service/{name}/{of.values['name']}" for of in plan.of("aws_ecs_service")
        ],
        "elasticloadbalancing:ModifyLoadBalancerAttributes": [balancer],
        "logs:GetLogEvents": [f"{group.values['arn']}:log-stream:x" for group in plan.of("aws_cloudwatch_log_group")],
        "s3:ListBucket": [f"arn:aws:s3:::celec-terraform-{account}-{region}"],
        **{f"rds:{call}DBInstance": [database.values["arn"]] for call in ("Modify", "Start", "Stop")},
        # What RunTask asks for besides.
        "ecs:TagResource": [task],
    }
    for role in _who_deploys(plan):
        said = list(statements_of(role, plan))
        for action in sorted({*_calls(), "ecs:TagResource"}):
            for resource in asked.get(action, ["*"]):
                if not allows(said, action, resource, {}):
                    yield f"{role.address}: {SCRIPT.name} asks for {action} on {resource}"


def who_deploys_sees_that_secrets_are_there(plan: ShownPlan) -> Findings:
    """Terraform refreshes a version that it may not read by the list of versions."""
    for role in _who_deploys(plan):
        said = list(statements_of(role, plan))
        for secret in plan.of("aws_secretsmanager_secret"):
            if not allows(said, "secretsmanager:ListSecretVersionIds", secret.values["arn"], {}):
                yield f"{role.address}: cannot refresh {secret.address}"


_NEW, _OWN = ("aws:RequestTag/environment",), ("aws:ResourceTag/environment",)
_ASKED: Final[dict[str, list[tuple[str, tuple[str, ...]]]]] = {
    "ec2:CreateSubnet": [("subnet", _NEW), ("vpc", _OWN)],
    "ec2:CreateSecurityGroup": [("security-group", _NEW), ("vpc", _OWN)],
    "ec2:CreateRouteTable": [("route-table", _NEW), ("vpc", _OWN)],
    "ec2:CreateVpcEndpoint": [("vpc-endpoint", _NEW), ("vpc", _OWN), ("route-table", _OWN)],
    "ec2:CreateRoute": [("route-table", _OWN)],
    "ec2:AssociateRouteTable": [("route-table", _OWN), ("subnet", _OWN)],
    "ec2:AuthorizeSecurityGroupIngress": [("security-group", _OWN), ("security-group-rule", ())],
    "ec2:AuthorizeSecurityGroupEgress": [("security-group", _OWN), ("security-group-rule", ())],
    "ec2:RevokeSecurityGroupEgress": [("security-group", _OWN)],
    "ec2:ModifySecurityGroupRules": [("security-group", _OWN), ("security-group-rule", _OWN)],
    "ec2:CreateTags": [("security-group-rule", _NEW), ("internet-gateway", _OWN), ("vpc", _NEW + _OWN)],
    "ec2:DeleteSubnet": [("subnet", _OWN)],
    "ec2:DeleteVpcEndpoints": [("vpc-endpoint", _OWN)],
    "kms:PutKeyPolicy": [("key", _OWN)],
    "kms:UpdateAlias": [("key", _OWN)],
    "servicediscovery:CreateService": [("namespace", _OWN), ("service", _NEW)],
    "servicediscovery:DeleteService": [("service", _OWN)],
    "application-autoscaling:RegisterScalableTarget": [("scalable-target", _NEW), ("scalable-target", _OWN)],
    "application-autoscaling:TagResource": [("scalable-target", _NEW)],
    "application-autoscaling:PutScalingPolicy": [("scalable-target", _OWN)],
}
"""What the provider asks for where AWS has named what it changes: on which kinds, and whose tags are there or are given."""

_SEIZURES: Final = [("ec2:CreateTags", "subnet"), ("ec2:CreateTags", "security-group"), ("kms:TagResource", "key")]
"""Tags for what has none would make it one's own."""


def who_deploys_reaches_its_own_by_their_tags(plan: ShownPlan) -> Findings:
    """And neither what another environment's tags are on nor, where AWS can tell the difference, what bears none."""
    _, _, _, region, account, *_ = plan.of("aws_db_instance")[0].values["arn"].split(":")
    for role in _who_deploys(plan):
        said = list(statements_of(role, plan))

        def may(action: str, kind: str, context: dict[str, str], said: list[dict[str, Any]] = said) -> bool:
            service = action.partition(":")[0]
            return allows(said, action, f"arn:aws:{service}:{region}:{account}:{kind}/0123456789abcdef", context)

        for action, on in _ASKED.items():
            for kind, tags in on:
                if not may(action, kind, dict.fromkeys(tags, plan.environment)):
                    yield f"{role.address}: may not {action} on a {kind} of its own"
                if tags and may(action, kind, dict.fromkeys(tags, "another")):
                    yield f"{role.address}: may {action} on a {kind} of another environment"
        given = dict.fromkeys(_NEW, plan.environment)
        if not may("ec2:CreateTags", "subnet", {**given, "ec2:CreateAction": "CreateSubnet"}):
            yield f"{role.address}: may not tag what it makes"
        for action, kind in _SEIZURES:
            if may(action, kind, given):
                yield f"{role.address}: makes a {kind} of anybody its own"
