"""Faults planted one at a time into plans that have none: the rule that is there for it finds each.

Most are changes of the plan's JSON (celec_assets_tests/terraform_faults). Those of the code itself are planned anew by
Terraform, and slow.
"""

import copy
from pathlib import Path

import pytest

from celec_assets_tests.terraform_faults import access, network, stores, tasks, watching
from celec_assets_tests.terraform_faults.planting import Fault
from celec_assets_tests.terraform_plan import PlanFailed, ShownPlan, code_to_plan, make_plans, needs_plans
from celec_assets_tests.terraform_rules.catalogue import RULES

pytestmark = needs_plans

FAULTS = [fault for module in (tasks, network, access, stores, watching) for fault in module.FAULTS]


@pytest.mark.parametrize(
    ("rule", "environment", "fault"), FAULTS, ids=[f"{n}-{rule}" for n, (rule, _, _) in enumerate(FAULTS)]
)
def test_a_planted_fault_is_found(
    rule: str, environment: str, fault: Fault, terraform_plans: dict[str, dict[str, ShownPlan]]
) -> None:
    shown = copy.deepcopy(terraform_plans[environment]["second"].shown)
    fault(shown)
    assert list(RULES[rule](ShownPlan(environment, shown))) != []


def test_every_rule_finds_a_fault() -> None:
    assert RULES.keys() - {rule for rule, _, _ in FAULTS} == set()


CODE = [
    # rule, file of terraform/modules, what stands there, what somebody writes instead
    ("tasks_run_on_arm_in_fargate", "task/definition.tf", '"ARM64"', '"X86_64"'),
    ("targets_are_addresses_with_a_health_page", "entrance/targets.tf", '"ip"', '"instance"'),
    (
        "services_and_targets_agree_on_container_and_port",
        "platform/main.tf",
        "target_port = local.ports.report",
        "target_port = local.ports.mlflow",
    ),
    ("there_are_never_two_daemons", "service/service.tf", "local.single ? 100 : 200", "200"),
    ("a_deployment_that_fails_is_rolled_back", "service/service.tf", "rollback = true", "rollback = false"),
    ("buckets_keep_versions", "storage/buckets.tf", '"Enabled"', '"Suspended"'),
    (
        "the_database_is_encrypted",
        "database/instance.tf",
        "storage_encrypted     = true",
        "storage_encrypted     = false",
    ),
    ("the_database_speaks_tls_alone", "database/parameters.tf", '= "1"\n', '= "0"\n'),
    ("everybody_reaches_what_it_needs", "network/world.tf", "8443", "443"),
    (
        "rules_and_groups_say_what_they_are_for",
        "network/conversations.tf",
        'description                  = "${each.value.what}, to ${each.value.to}"\n',
        "",
    ),
    (
        "passing_roles_is_bound",
        "platform/access.tf",
        'variable = "iam:PassedToService"',
        'variable = "aws:PrincipalAccount"',
    ),
    ("what_a_read_only_container_writes_has_a_place", "task/definition.tf", "/tmp", "/var/tmp"),
    ("settings_are_known_and_usable", "platform/environment.tf", "CELEC_REPORT_URL ", "CELEC_REPORTS_URL"),
    ("images_cannot_be_replaced_and_are_scanned", "registry/main.tf", "scan_on_push = true", "scan_on_push = false"),
    ("logs_end_some_day", "task/logs.tf", "  retention_in_days = var.common.log_retention_days\n", ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "file", "old", "new_text"), CODE, ids=[f"{rule}-{file}" for rule, file, _, _ in CODE])
def test_a_fault_of_the_code_is_found_in_its_plan(
    rule: str, file: str, old: str, new_text: str, tmp_path: Path
) -> None:
    code = code_to_plan(tmp_path / "terraform")
    path = code / "modules" / file
    assert old in path.read_text(), f"{file} has no {old!r} to be spoiled"
    path.write_text(path.read_text().replace(old, new_text))
    _, second = make_plans(code, "staging")
    assert list(RULES[rule](ShownPlan("staging", second))) != []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('allowed_cidrs = ["0.0.0.0/0"]', "anybody could start and delete runs"),
        ('allowed_cidrs = ["::/0"]', "must hold IPv4 blocks"),
        ("allowed_cidrs = []", "nobody could open the pages"),
    ],
)
def test_terraform_itself_refuses_to_open_the_pages_to_everybody(line: str, says: str, tmp_path: Path) -> None:
    code = code_to_plan(tmp_path / "terraform")
    values = code / "environments" / "staging" / "terraform.tfvars"
    text = values.read_text()
    (old,) = [of for of in text.splitlines() if of.startswith("allowed_cidrs")]
    values.write_text(text.replace(old, line))
    with pytest.raises(PlanFailed) as refused:
        make_plans(code, "staging")
    assert says in " ".join(str(refused.value).replace("│", " ").split())
