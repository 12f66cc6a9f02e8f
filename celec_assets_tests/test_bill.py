"""The bill: known sums, nights, what it refuses to guess, and docs/costs.md."""

import copy
import csv
import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from celec_assets.jobs import LARGER_TASK
from celec_assets_tests.terraform_plan import ENVIRONMENTS, ShownPlan, needs_plans
from terraform.bill.__main__ import between_markers
from terraform.bill.bill import Bill, bill_of, table
from terraform.bill.hours import MONTH, hours_on
from terraform.bill.plan import Plan, read
from terraform.bill.tables import NotInTable, usage

ROOT = Path(__file__).parents[1]
COSTS = ROOT / "docs" / "costs.md"
GOALS = {"staging": Decimal(60), "prod": Decimal(96)}

DAGSTER = {"family": "celec-dagster", "cpu": "256", "memory": "512", "arn": "arn:aws:ecs:::task-definition/dagster:1"}
OLDER_DESIGN: dict[str, dict[str, Any]] = {
    "aws_lb.entrance": {"internal": False, "subnets": ["subnet-1", "subnet-2"]},
    "aws_ecs_task_definition.dagster": DAGSTER,
    "aws_ecs_service.dagster": {"name": "dagster", "desired_count": 1, "task_definition": DAGSTER["arn"]},
    "aws_db_instance.dagster": {
        "identifier": "dagster",
        "instance_class": "db.t3.micro",
        "allocated_storage": 20,
        "storage_type": "gp2",
    },
}
"""One load balancer, one small service, one small database."""


def shown(resources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """As `terraform show -json` prints a plan of them."""
    listed = [
        {"address": address, "mode": "managed", "type": address.partition(".")[0], "values": values}
        for address, values in resources.items()
    ]
    return {"planned_values": {"root_module": {"resources": listed}}}


def bill(**changes: dict[str, Any]) -> Bill:
    """Of the older design; changes go to its first resource of that type, or add one."""
    resources = copy.deepcopy(OLDER_DESIGN)
    for kind, values in changes.items():
        address = next((of for of in resources if of.startswith(f"{kind}.")), f"{kind}.new")
        resources[address] = {**resources.get(address, {}), **values}
    return bill_of(Plan(shown(resources)))


def test_the_older_design_costs_what_its_builders_said() -> None:
    """They said $16 for the load balancer and $13 for the database."""
    older = bill()
    assert older.of("`aws_lb`", "load balancer") == Decimal("16.43") == pytest.approx(Decimal(16), rel=Decimal("0.1"))
    assert older.of("`aws_db_instance`", "PostgreSQL") == Decimal("13.14")
    assert Decimal("13.14") == pytest.approx(Decimal(13), rel=Decimal("0.1"))
    assert older.of("`aws_ecs_service` dagster") == Decimal("9.01")
    assert older.of("`aws_lb`", "public IPv4 address") == Decimal("7.30"), "what they did not say"


def test_the_total_is_the_sum_of_what_is_shown() -> None:
    rows = [line.split(" | ")[-1].strip(" |") for line in table(bill()).splitlines()[2:-1]]
    assert all(dollars == f"{Decimal(dollars):.2f}" for dollars in rows)
    assert f"**{sum(map(Decimal, rows))}**" in table(bill()).splitlines()[-1]


@pytest.mark.parametrize(
    ("switches", "hours_a_week"),
    [
        ([], 168),
        ([("cron(0 6 ? * MON-FRI *)", True), ("cron(0 19 ? * MON-FRI *)", False)], 65),
        ([("cron(30 22 ? * * *)", False), ("cron(0 7 * * ? *)", True)], 7 * 15.5),
        ([("cron(0 20 ? * FRI *)", False), ("cron(0 6 ? * MON *)", True)], 168 - 58),
        ([("cron(0 20 ? * FRI-SUN *)", False), ("cron(0 6 ? * 2,3 *)", True)], 4 * 24 + 14),
    ],
)
def test_hours_follow_from_schedules(switches: list[tuple[str, bool]], hours_a_week: float) -> None:
    assert hours_on(switches) == pytest.approx(MONTH * Decimal(hours_a_week) / 168)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("cron(0 19 ? * MON-FRI *)", "never switched back"),
        ("rate(1 day)", "no cron"),
        ("cron(0 19 1 * ? *)", "no cron"),
        ("cron(0/5 * ? * * *)", "no cron"),
    ],
)
def test_schedules_whose_hours_cannot_be_told_stop_the_bill(expression: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        hours_on([(expression, False)])


@pytest.mark.parametrize(
    ("kind", "values", "named"),
    [
        (
            "aws_elasticache_cluster",
            {},
            "aws_elasticache_cluster.new: nothing is known of what aws_elasticache_cluster",
        ),
        ("aws_db_instance", {"instance_class": "db.m5.large"}, r"prices.csv says nothing of rds-db\.m5\.large"),
        ("aws_db_instance", {"storage_type": "io1"}, "rds-storage-io1"),
        ("aws_db_instance", {"monitoring_interval": 60}, "enhanced monitoring"),
        ("aws_ecs_service", {"task_definition": "arn:aws:ecs:::task-definition/other:1"}, "which task definition"),
        ("aws_ecs_task_definition", {"family": "celec-other", "arn": "x"}, "which task definition"),
        (
            "aws_cloudwatch_log_group",
            {"name": "/celec/new", "retention_in_days": 7},
            r"usage.csv says nothing of logs\.new",
        ),
        ("aws_cloudwatch_log_group", {"name": "/celec/run"}, "for ever"),
        ("aws_s3_bucket", {"bucket": "celec-films"}, "what is kept in such a bucket"),
        ("aws_sns_topic_subscription", {"protocol": "sms"}, "messages by this protocol"),
    ],
)
def test_what_is_not_known_stops_the_bill_and_is_named(kind: str, values: dict[str, Any], named: str) -> None:
    with pytest.raises(NotInTable, match=named):
        bill(**{kind: values})


@pytest.mark.parametrize(
    ("kind", "values", "dollars"),
    [
        ("aws_nat_gateway", {}, "34.22"),
        ("aws_eip", {}, "3.65"),
        ("aws_vpc_endpoint", {"vpc_endpoint_type": "Gateway"}, "0.00"),
        ("aws_vpc_endpoint", {"vpc_endpoint_type": "Interface", "subnet_ids": ["a", "b"]}, "14.90"),
        ("aws_kms_key", {}, "1.09"),
        ("aws_kms_key", {"enable_key_rotation": True}, "3.09"),
        ("aws_cloudwatch_dashboard", {}, "3.00"),
        ("aws_cloudwatch_metric_alarm", {"period": 60}, "0.10"),
        ("aws_cloudwatch_metric_alarm", {"period": 10}, "0.30"),
        ("aws_iam_role", {}, "0.00"),
        ("aws_db_instance", {"multi_az": True, "instance_class": "db.t4g.micro"}, "12.52"),
        ("aws_ecs_service", {"network_configuration": [{"assign_public_ip": True}]}, "3.65"),
        ("aws_ecs_service", {"desired_count": 2}, "9.01"),
        ("aws_lb", {"internal": True}, "-7.30"),
    ],
)
def test_a_change_raises_the_bill_by_its_price(kind: str, values: dict[str, Any], dollars: str) -> None:
    assert bill(**{kind: values}).total - bill().total == Decimal(dollars)


def test_larger_runs_are_as_large_as_the_jobs_say() -> None:
    assert int(LARGER_TASK["ecs/cpu"]) == usage("training.vcpu") * 1024
    assert int(LARGER_TASK["ecs/memory"]) == usage("training.gb") * 1024


def test_every_figure_says_where_it_comes_from() -> None:
    folder = ROOT / "terraform" / "bill"
    tables = {
        name: list(csv.DictReader((folder / f"{name}.csv").read_text().splitlines()))
        for name in ("prices", "usage", "free")
    }
    for row in tables["prices"]:
        assert Decimal(row["usd"]) > 0, row
        assert row["unit"], row
        assert len(row["source"]) > 10, row
        assert date.fromisoformat(row["date"]) >= date(2026, 11, 23), row
    for row in (*tables["usage"], *tables["free"]):
        assert None not in row, f"a comma too many: {row}"
        assert len(row["why"]) > 5, row
    for name, rows in tables.items():
        first = [next(iter(row.values())) for row in rows]
        assert len(first) == len(set(first)), f"{name} says something twice"


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "terraform.bill", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_compares_and_keeps_to_a_limit(tmp_path: Path) -> None:
    base, dearer, strange = (tmp_path / f"{name}.json" for name in ("base", "dearer", "strange"))
    base.write_text(json.dumps(shown(OLDER_DESIGN)))
    dearer.write_text(json.dumps(shown({**OLDER_DESIGN, "aws_nat_gateway.new": {}})))
    strange.write_text(json.dumps(shown({"aws_msk_cluster.new": {}})))

    done = run(dearer, "--compare", base, "--at-most", "60")
    assert done.returncode == 1
    assert "$49.20 a month before, $83.42 after: +34.22." in done.stdout
    assert "| `aws_nat_gateway` | NAT gateway | 0.00 | 32.85 | +32.85 |" in done.stdout
    assert "aws_lb" not in done.stdout, "only what differs"
    assert "$83.42 a month is more than $60" in done.stderr

    assert run(base, "--at-most", "60").returncode == 0
    unknown = run(strange)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "aws_msk_cluster.new" in unknown.stderr
    assert "is not what `terraform show -json` prints" in run(ROOT / "README.md").stderr
    with pytest.raises(ValueError, match="is not what"):
        read(ROOT / "pyproject.toml")


@needs_plans
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_plan_costs_the_same_before_and_after_the_first_apply_and_keeps_to_its_goal(
    environment: str, terraform_plans: dict[str, dict[str, ShownPlan]]
) -> None:
    before, after = (bill_of(terraform_plans[environment][which]) for which in ("first", "second"))
    assert sorted(table(before).splitlines()) == sorted(table(after).splitlines())
    assert after.total <= GOALS[environment]


@needs_plans
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_page_of_costs_is_current(environment: str, terraform_plans: dict[str, dict[str, ShownPlan]]) -> None:
    page = COSTS.read_text()
    told = table(bill_of(terraform_plans[environment]["second"]))
    assert between_markers(page, environment, told) == page, (
        f"python -m terraform.bill <plan> --into {COSTS} --as {environment}"
    )
