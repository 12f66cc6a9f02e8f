"""Rules of what is switched off, and of what it costs."""

from collections.abc import Iterator

import yaml

from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.access import listed, statements_of
from celec_assets_tests.terraform_rules.reading import Findings
from celec_assets_tests.terraform_rules.tasks import LAUNCHER
from terraform.bill.hours import minutes
from terraform.bill.plan import Resource

WEEK = 7 * 24 * 60


def what_is_switched_off_at_night_comes_back(plan: ShownPlan) -> Findings:
    actions = plan.of("aws_appautoscaling_scheduled_action")
    for resource in sorted({action.values["resource_id"] for action in actions}):
        of = [action for action in actions if action.values["resource_id"] == resource]
        kinds = {bool(int(action.values["scalable_target_action"][0]["max_capacity"])) for action in of}
        if kinds != {True, False}:
            yield f"{resource}: is switched off or on, but not back"
    for database in plan.of("aws_db_instance"):
        calls = {call for call, _ in _calls(database, plan)}
        if calls and calls != {"start", "stop"}:
            yield f"{database.address}: is only ever {calls.pop()}ped"


def _calls(database: Resource, plan: ShownPlan) -> Iterator[tuple[str, str]]:
    for schedule in plan.of("aws_scheduler_schedule"):
        target = schedule.values["target"][0]
        if f'"{database.values["identifier"]}"' in target.get("input", ""):
            for call in ("start", "stop"):
                if target["arn"].endswith(f":rds:{call}DBInstance"):
                    yield call, schedule.values["schedule_expression"]


def the_database_is_there_before_its_services(plan: ShownPlan) -> Findings:
    """It starts before them, ten minutes at least, and stops after them."""
    started = {
        bool(int(action.values["scalable_target_action"][0]["max_capacity"])): set(minutes(action.values["schedule"]))
        for action in plan.of("aws_appautoscaling_scheduled_action")
    }
    for database in plan.of("aws_db_instance"):
        for call, expression in _calls(database, plan):
            for minute in minutes(expression):
                services = started.get(call == "start", set())
                gaps = [(at - minute if call == "start" else minute - at) % WEEK for at in services]
                if not any((10 if call == "start" else 0) <= gap <= 120 for gap in gaps):
                    yield f"{database.address}: its {call} at {expression} does not go with that of the services"
                    break


def the_nights_are_staging_s_alone(plan: ShownPlan) -> Findings:
    nights = plan.of("aws_appautoscaling_scheduled_action", "aws_scheduler_schedule")
    if plan.environment == "prod" and nights:
        yield f"{nights[0].address}: switches prod off"
    if plan.environment == "staging" and not nights:
        yield "staging is on day and night"


def schedules_may_do_what_they_call(plan: ShownPlan) -> Findings:
    for schedule in plan.of("aws_scheduler_schedule"):
        target = schedule.values["target"][0]
        role = plan.by("aws_iam_role", "arn", target["role_arn"])
        service, call = target["arn"].split(":")[-2:]
        wanted = f"{service}:{call[0].upper()}{call[1:]}"
        allowed = [a for s in (statements_of(role, plan) if role else ()) for a in listed(s["Action"])]
        if wanted not in allowed:
            yield f"{schedule.address}: its role may not {wanted}"


def everything_is_tagged(plan: ShownPlan) -> Findings:
    """By the provider, so that nothing is forgotten; with the environment, for who finds it and for the bill."""
    provider = plan.shown["configuration"]["provider_config"]["aws"]["expressions"]
    tags = provider.get("default_tags", [{}])[0].get("tags", {})
    if "local.environment" not in tags.get("references", []):
        yield "the provider's default_tags say nothing of the environment"


def tasks_are_tagged_as_what_starts_them(plan: ShownPlan) -> Findings:
    """A task has no tags of its own: the bill of the environment would leave it out."""
    for service in plan.of("aws_ecs_service"):
        if service.get("propagate_tags") != "SERVICE":
            yield f"{service.address}: its tasks have no tags"
    launcher = yaml.safe_load(LAUNCHER.read_text())["run_launcher"]["config"]
    if launcher["run_task_kwargs"].get("propagateTags") != "TASK_DEFINITION":
        yield f"{LAUNCHER.name}: tasks of runs have no tags"


def somebody_is_told_of_the_bill(plan: ShownPlan) -> Findings:
    budgets = plan.of("aws_budgets_budget")
    if not any(budget.get("notification") for budget in budgets):
        yield "there is no budget that tells somebody"
    for budget in budgets:
        if budget.values["time_unit"] != "MONTHLY" or budget.values["budget_type"] != "COST":
            yield f"{budget.address}: is not of a month's cost"
