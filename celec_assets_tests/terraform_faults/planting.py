"""Faults to be planted into a plan: what somebody may change by mistake, and would not see.

A fault is a change of the JSON of a plan; one that changes nothing is no fault, and raises.
"""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

Shown: TypeAlias = dict[str, Any]
Fault: TypeAlias = Callable[[Shown], None]
Change: TypeAlias = Callable[[Any], Any]


def resources(shown: Shown, kind: str, within: str = "") -> list[dict[str, Any]]:
    """Those of a type whose address holds a text; at least one."""
    found: list[dict[str, Any]] = []
    modules = [shown["planned_values"]["root_module"]]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        found += [r for r in module.get("resources", []) if r["type"] == kind and within in r["address"]]
    assert found, f"there is no {kind} {within}"
    return found


def put(kind: str, within: str = "", /, **values: Any) -> Fault:
    """Other values of resources; a callable gets the old one."""

    def plant(shown: Shown) -> None:
        for resource in resources(shown, kind, within):
            for name, value in values.items():
                old = resource["values"].get(name)
                new = value(json.loads(json.dumps(old))) if callable(value) else value
                assert new != old, f"{resource['address']} {name} is {old!r} already"
                resource["values"][name] = new

    return plant


def inner(name: str, value: Any, at: int = 0) -> Change:
    """Another value within a block, or of one that comes first in a list of blocks."""

    def change(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        blocks[at] = {**blocks[at], name: value(blocks[at].get(name)) if callable(value) else value}
        return blocks

    return change


def without(kind: str, within: str = "") -> Fault:
    """Resources that are forgotten."""

    def plant(shown: Shown) -> None:
        gone = [resource["address"] for resource in resources(shown, kind, within)]
        modules = [shown["planned_values"]["root_module"]]
        while modules:
            module = modules.pop()
            modules += module.get("child_modules", [])
            module["resources"] = [r for r in module.get("resources", []) if r["address"] not in gone]

    return plant


def also(kind: str, within: str = "", /, **values: Any) -> Fault:
    """A resource like another one, but for some values."""

    def plant(shown: Shown) -> None:
        model = resources(shown, kind, within)[0]
        new = {**model, "address": f"{kind}.planted", "values": {**model["values"], **values}}
        shown["planned_values"]["root_module"].setdefault("resources", []).append(new)

    return plant


def new(kind: str, /, **values: Any) -> Fault:
    """A resource of which there is none."""

    def plant(shown: Shown) -> None:
        planted = {"address": f"{kind}.planted", "mode": "managed", "type": kind, "values": values}
        shown["planned_values"]["root_module"].setdefault("resources", []).append(planted)

    return plant


def container(name: str, /, **values: Any) -> Fault:
    """Other values of a container; None takes them away."""

    def plant(shown: Shown) -> None:
        planted = 0
        for task in resources(shown, "aws_ecs_task_definition"):
            found = json.loads(task["values"]["container_definitions"])
            for of in found:
                if of["name"] == name:
                    before = json.dumps(of)
                    of |= {key: value(of.get(key)) if callable(value) else value for key, value in values.items()}
                    for key in [key for key, value in of.items() if value is None]:
                        del of[key]
                    planted += json.dumps(of) != before
            task["values"]["container_definitions"] = json.dumps(found)
        assert planted, f"container {name} is so already"

    return plant


def told(name: str, /, **variables: str | None) -> Fault:
    """Other variables of a container; None takes them away."""

    def change(pairs: list[dict[str, str]]) -> list[dict[str, str]]:
        kept = [pair for pair in pairs if pair["name"] not in variables]
        return kept + [{"name": key, "value": value} for key, value in variables.items() if value is not None]

    return container(name, environment=change)


def said(kind: str, within: str, sid: str, attribute: str = "policy", /, **values: Any) -> Fault:
    """Other words of a policy's statement; without any, the statement is gone."""

    def change(document: str) -> str:
        policy = json.loads(document)
        (statement,) = [of for of in policy["Statement"] if of.get("Sid") == sid]
        if values:
            statement |= {key: value(statement.get(key)) if callable(value) else value for key, value in values.items()}
        else:
            policy["Statement"].remove(statement)
        return json.dumps(policy)

    return put(kind, within, **{attribute: change})
