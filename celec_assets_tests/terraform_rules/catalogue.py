"""All rules, by name."""

from typing import Final

from celec_assets_tests.terraform_rules import (
    access,
    alarms,
    delivery,
    letters,
    network,
    nights,
    services,
    stores,
    tasks,
    told,
    use,
)
from celec_assets_tests.terraform_rules.reading import Findings, Rule

RULES: Final[dict[str, Rule]] = {
    name: rule
    for module in (tasks, services, told, letters, network, access, stores, alarms, nights, use, delivery)
    for name, rule in vars(module).items()
    if not name.startswith("_")
    and getattr(rule, "__annotations__", {}).get("return") == Findings
    and rule.__module__ == module.__name__
}
