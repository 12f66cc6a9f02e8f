"""What the stand-in for AWS's provider leaves out of a plan, made good: ARNs of AWS's form, and policies made of others.

It gives everything an invented ARN, and renders a policy document without its `source_policy_documents`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

ACCOUNT: Final = "123456789012"
HERE: Final = f"us-east-1:{ACCOUNT}"
_SECRET: Final = "aws_secretsmanager_secret"

_ARNS: Final = {
    "aws_cloudwatch_log_group": f"arn:aws:logs:{HERE}:log-group:{{name}}",
    "aws_db_instance": f"arn:aws:rds:{HERE}:db:{{identifier}}",
    "aws_ecr_repository": f"arn:aws:ecr:{HERE}:repository/{{name}}",
    "aws_ecs_cluster": f"arn:aws:ecs:{HERE}:cluster/{{name}}",
    "aws_ecs_task_definition": f"arn:aws:ecs:{HERE}:task-definition/{{family}}:1",
    "aws_iam_policy": f"arn:aws:iam::{ACCOUNT}:policy/{{name}}",
    "aws_iam_role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "aws_kms_key": f"arn:aws:kms:{HERE}:key/{{id}}",
    "aws_s3_bucket": "arn:aws:s3:::{bucket}",
    _SECRET: f"arn:aws:secretsmanager:{HERE}:secret:{{name_prefix}}AbCdEf",
    "aws_sns_topic": f"arn:aws:sns:{HERE}:{{name}}",
}


def completed(shown: dict[str, Any]) -> dict[str, Any]:
    """What `terraform show -json` printed of a plan made after an apply, as it would be with AWS."""
    text = json.dumps(_with_whole_policies(shown))
    resources = list(_resources(shown["planned_values"]["root_module"]))
    names = {
        invented: real for kind, values in resources for invented, real in _names(kind, values, resources) if invented
    }
    # The longest first: one may begin with another.
    invented = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    found: dict[str, Any] = json.loads(invented.sub(lambda match: names[match[0]], text))
    return found


def _names(kind: str, values: dict[str, Any], resources: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    if kind in _ARNS:
        yield values["arn"], _ARNS[kind].format_map(values)
    if kind == "aws_ecs_task_definition":
        yield values["arn_without_revision"], _ARNS[kind].format_map(values).removesuffix(":1")
    if kind == "aws_s3_bucket":
        yield values["id"], values["bucket"]
    if kind == "aws_secretsmanager_secret_version":
        secret = next(of for of_kind, of in resources if of_kind == _SECRET and of["id"] == values["secret_id"])
        yield values["secret_arn"], _ARNS[_SECRET].format_map(secret)


def _with_whole_policies(shown: dict[str, Any]) -> dict[str, Any]:
    documents = [
        values
        for kind, values in _resources(shown["prior_state"]["values"]["root_module"], "data")
        if kind == "aws_iam_policy_document" and values.get("source_policy_documents")
    ]
    whole = {document["json"]: _merged(document) for document in documents}

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replaced(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [replaced(inner) for inner in value]
        return whole.get(value, value) if isinstance(value, str) else value

    return {**shown, "planned_values": replaced(shown["planned_values"])}


def _merged(document: dict[str, Any]) -> str:
    """Statements of the sources and its own, which replace those of the same name."""
    parts = [json.loads(text) for text in (*document["source_policy_documents"], document["json"])]
    statements = {statement["Sid"]: statement for part in parts for statement in part["Statement"]}
    return json.dumps({**parts[-1], "Statement": list(statements.values())})


def _resources(module: dict[str, Any], mode: str = "managed") -> Iterator[tuple[str, dict[str, Any]]]:
    for found in module.get("resources", []):
        if found["mode"] == mode:
            yield found["type"], found["values"]
    for child in module.get("child_modules", []):
        yield from _resources(child, mode)
