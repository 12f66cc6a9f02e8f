"""What the plans of both environments have to be like: celec_assets_tests/terraform_rules, rule by rule."""

import pytest

from celec_assets_tests.terraform_plan import ENVIRONMENTS, ShownPlan, needs_plans
from celec_assets_tests.terraform_rules.catalogue import RULES

pytestmark = needs_plans


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_second_plan_has_nothing_to_do(environment: str, terraform_plans: dict[str, dict[str, ShownPlan]]) -> None:
    changes = terraform_plans[environment]["second"].shown["resource_changes"]
    assert [change["address"] for change in changes if change["change"]["actions"] != ["no-op"]] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", RULES)
def test_rule(name: str, environment: str, terraform_plans: dict[str, dict[str, ShownPlan]]) -> None:
    assert list(RULES[name](terraform_plans[environment]["second"])) == []
