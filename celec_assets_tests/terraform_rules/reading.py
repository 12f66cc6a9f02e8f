"""What rules are, and how they read task definitions."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from celec_assets_tests.terraform_plan import ShownPlan
from terraform.bill.plan import Resource

Findings: TypeAlias = Iterator[str]
"""What is wrong: where, and why it matters."""

Rule: TypeAlias = Callable[[ShownPlan], Findings]


def containers(task: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(task.values["container_definitions"])
    return found


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in container.get("environment", [])}


def secrets(container: dict[str, Any]) -> dict[str, str]:
    return {pair["name"]: pair["valueFrom"] for pair in container.get("secrets", [])}


def ports(container: dict[str, Any]) -> set[int]:
    return {mapping["containerPort"] for mapping in container.get("portMappings", [])}


def task_of(service: Resource, plan: ShownPlan) -> Resource:
    found = plan.by("aws_ecs_task_definition", "arn", service.values["task_definition"])
    assert found, f"{service.address} runs no task definition of the plan"
    return found


def task_with(container: str, plan: ShownPlan) -> Resource | None:
    tasks = plan.of("aws_ecs_task_definition")
    return next((task for task in tasks if container in {c["name"] for c in containers(task)}), None)


def every_container(plan: ShownPlan) -> Iterator[tuple[str, dict[str, Any]]]:
    for task in plan.of("aws_ecs_task_definition"):
        for container in containers(task):
            yield f"{task.address} {container['name']}", container
