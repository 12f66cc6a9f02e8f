"""The resources of a plan, flat, and which of them another one refers to."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_KEY: Final = re.compile(r"\[[^\]]*\]")
"""What tells copies apart that `for_each` or `count` made; the code knows them as one."""


@dataclass(frozen=True)
class Resource:
    """A resource as it will be. What only AWS can tell, an ARN before the first apply, is not among its values."""

    address: str
    type: str
    values: dict[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """A value; the default also where it is null."""
        value = self.values.get(name)
        return default if value is None else value


class Plan:
    """What `terraform show -json` prints of a plan, or of a state.

    Args:
        shown: the JSON, read.
    """

    def __init__(self, shown: dict[str, Any]) -> None:
        values = shown["planned_values"] if "planned_values" in shown else shown["values"]
        self.resources = list(_resources(values["root_module"]))
        self._code: dict[str, Any] = shown.get("configuration", {}).get("root_module", {})

    def of(self, *types: str) -> list[Resource]:
        """The resources of some types, in the plan's order."""
        return [resource for resource in self.resources if resource.type in types]

    def referred(self, resource: Resource, argument: str) -> list[Resource]:
        """What the code of a resource's argument refers to, also where its value is not known yet."""
        *path, kind, name = _KEY.sub("", resource.address).removeprefix("module.").replace(".module.", ".").split(".")
        code = self._module(path)
        own: dict[str, Any] = next((of for of in code.get("resources", []) if of["address"] == f"{kind}.{name}"), {})
        found = set(self._follow(path, own.get("expressions", {}).get(argument, {}).get("references", [])))
        return [of for of in self.resources if _KEY.sub("", of.address) in found]

    def _module(self, path: list[str]) -> dict[str, Any]:
        code = self._code
        for name in path:
            code = code.get("module_calls", {}).get(name, {}).get("module", {})
        return code

    def _follow(self, path: list[str], references: list[str]) -> Iterator[str]:
        """Addresses, without keys, of the resources that references within a module lead to."""
        for reference in references:
            first, *rest = _KEY.sub("", reference).split(".")
            if first == "var" and path:
                call = self._module(path[:-1]).get("module_calls", {}).get(path[-1], {})
                given = call.get("expressions", {}).get(rest[0], {})
                yield from self._follow(path[:-1], given.get("references", []))
            elif first == "module" and len(rest) > 1:
                inner = [*path, rest[0]]
                output = self._module(inner).get("outputs", {}).get(rest[1], {})
                yield from self._follow(inner, output.get("expression", {}).get("references", []))
            elif rest:
                yield "".join(f"module.{name}." for name in path) + f"{first}.{rest[0]}"


def read(path: Path) -> Plan:
    """The plan in a file.

    Raises:
        ValueError: it holds none.
    """
    try:
        return Plan(json.loads(path.read_text()))
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is not what `terraform show -json` prints of a plan") from None


def _resources(module: dict[str, Any]) -> Iterator[Resource]:
    for found in module.get("resources", []):
        if found["mode"] == "managed":
            yield Resource(found["address"], found["type"], found.get("values", {}))
    for child in module.get("child_modules", []):
        yield from _resources(child)
