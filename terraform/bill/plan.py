"""The resources of a plan, flat."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Resource:
    """A resource as it will be. What only AWS can tell, an ARN before the first apply, is not among its values."""

    address: str
    type: str
    values: dict[str, Any]

    @property
    def module(self) -> str:
        """Address of the module that it is in, with a dot at the end; empty for the root."""
        return self.address[: self.address.rindex(f"{self.type}.")]

    def get(self, name: str, default: Any = None) -> Any:
        """A value; the default also where it is null."""
        value = self.values.get(name)
        return default if value is None else value


class Resources(list[Resource]):
    """All that a plan leaves in place."""

    def of(self, *types: str) -> "Resources":
        """Those of some types, in the plan's order."""
        return Resources(resource for resource in self if resource.type in types)


def read(path: Path) -> Resources:
    """The managed resources of `terraform show -json`, of a plan or of a state.

    Raises:
        ValueError: the file is neither.
    """
    try:
        shown = json.loads(path.read_text())
        return resources(shown)
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is not what `terraform show -json` prints of a plan") from None


def resources(shown: dict[str, Any]) -> Resources:
    """The same, of what was read already."""
    values = shown["planned_values"] if "planned_values" in shown else shown["values"]
    return Resources(_resources(values["root_module"]))


def _resources(module: dict[str, Any]) -> Iterator[Resource]:
    for found in module.get("resources", []):
        if found["mode"] == "managed":
            yield Resource(found["address"], found["type"], found["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)
