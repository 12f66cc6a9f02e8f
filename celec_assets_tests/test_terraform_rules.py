"""What the plans of both environments have to be like: celec_assets_tests/terraform_rules, rule by rule."""

from decimal import Decimal
from pathlib import Path

import pytest

from celec_assets_tests.terraform_plan import ENVIRONMENTS, ShownPlan, code_to_plan, make_plans, needs_plans
from celec_assets_tests.terraform_rules.catalogue import RULES
from celec_assets_tests.terraform_rules.reading import environment as environment_of
from celec_assets_tests.terraform_rules.reading import every_container
from terraform.bill.bill import bill_of

pytestmark = needs_plans


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_second_plan_has_nothing_to_do(environment: str, terraform_plans: dict[str, dict[str, ShownPlan]]) -> None:
    changes = terraform_plans[environment]["second"].shown["resource_changes"]
    assert [change["address"] for change in changes if change["change"]["actions"] != ["no-op"]] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", RULES)
def test_the_plan_keeps_to_the_rule(
    name: str, environment: str, terraform_plans: dict[str, dict[str, ShownPlan]]
) -> None:
    assert list(RULES[name](terraform_plans[environment]["second"])) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_setting_of_ones_own_reaches_services_and_runs(
    environment: str, terraform_plans: dict[str, dict[str, ShownPlan]]
) -> None:
    told = {
        container["name"]: environment_of(container).get("CELEC_PARTITIONS_PER_RUN")
        for _, container in every_container(terraform_plans[environment]["second"])
    }
    assert {told["code"], told["daemon"], told["run"]} == {"1000"}


@pytest.mark.slow
def test_jupyter_breaks_no_rule_and_its_price_is_known(
    tmp_path: Path, terraform_plans: dict[str, dict[str, ShownPlan]]
) -> None:
    code = code_to_plan(tmp_path / "terraform")
    with (code / "environments" / "prod" / "terraform.tfvars").open("a") as values:
        values.write("jupyter = true\n")
    plan = ShownPlan("prod", make_plans(code, "prod")[1])
    assert [finding for rule in RULES.values() for finding in rule(plan)] == []
    dearer = bill_of(plan).total - bill_of(terraform_plans["prod"]["second"]).total
    assert Decimal(14) < dearer < Decimal(16), "docs/costs.md says $15"
