"""Rules of logs and alarms: whoever is needed is told, and by a metric that somebody writes."""

import json
from collections.abc import Iterator
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from typing import Any, Final, TypeAlias

import dagster as dg

from celec_assets.assets.forecast import flow_forecast
from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.reading import Findings, containers, task_of
from terraform.bill.plan import Resource

Seen: TypeAlias = tuple[Resource, str, str, dict[str, str]]
"""An alarm, and namespace, metric and dimensions that it looks at."""

_NEEDED: Final = {
    "AWS/ECS": {"ClusterName", "ServiceName"},
    "AWS/RDS": {"DBInstanceIdentifier"},
    "AWS/ApplicationELB": {"LoadBalancer"},
    "AWS/Logs": {"LogGroupName"},
}
"""Dimensions without which a namespace has no metric."""

_WRITTEN: Final = {
    "AWS/ECS": {"CPUUtilization", "MemoryUtilization"},
    "AWS/RDS": {"CPUCreditBalance", "CPUUtilization", "DatabaseConnections", "FreeableMemory", "FreeStorageSpace"},
    "AWS/ApplicationELB": {
        "HTTPCode_ELB_5XX_Count",
        "HTTPCode_Target_5XX_Count",
        "HealthyHostCount",
        "RequestCount",
        "TargetResponseTime",
        "UnHealthyHostCount",
    },
    "AWS/Logs": {"IncomingBytes", "IncomingLogEvents"},
}
"""Metrics that AWS writes of what we have, as its pages spell them."""


def logs_end_some_day(plan: ShownPlan) -> Findings:
    for group in plan.of("aws_cloudwatch_log_group"):
        if not group.get("retention_in_days"):
            yield f"{group.address}: is kept for ever"


def seen(plan: ShownPlan) -> Iterator[Seen]:
    """All that alarms look at, but for those that scale services."""
    policies = {policy.values["arn"] for policy in plan.of("aws_appautoscaling_policy")}
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        if not policies & set(alarm.get("alarm_actions", [])):
            yield from ((alarm, *found) for found in _dimensions(alarm))


def _dimensions(alarm: Resource) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, metric and dimensions of all that an alarm looks at."""
    if alarm.get("metric_name"):
        yield alarm.values["namespace"], alarm.values["metric_name"], alarm.get("dimensions", {})
    for query in alarm.get("metric_query", []):
        for metric in query.get("metric") or []:
            yield metric["namespace"], metric["metric_name"], metric.get("dimensions") or {}


def _real(plan: ShownPlan) -> dict[str, set[Any]]:
    def values(kind: str, attribute: str) -> set[Any]:
        return {found.get(attribute) for found in plan.of(kind)}

    return {
        "ClusterName": values("aws_ecs_cluster", "name"),
        "ServiceName": values("aws_ecs_service", "name"),
        "DBInstanceIdentifier": values("aws_db_instance", "identifier"),
        "LoadBalancer": values("aws_lb", "arn_suffix"),
        "TargetGroup": values("aws_lb_target_group", "arn_suffix"),
        "LogGroupName": values("aws_cloudwatch_log_group", "name"),
    }


def alarms_look_at_what_there_is(plan: ShownPlan) -> Findings:
    """A metric that nobody writes is never above its limit: such an alarm is silent for ever."""
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        for found in _dimensions(alarm):
            yield from (f"{alarm.address}: {amiss}" for amiss in _amiss(*found, plan))


def charts_show_what_there_is(plan: ShownPlan) -> Findings:
    for dashboard in plan.of("aws_cloudwatch_dashboard"):
        for widget in json.loads(dashboard.values["dashboard_body"])["widgets"]:
            for namespace, metric, *rest in widget["properties"]["metrics"]:
                dimensions = dict(zip(rest[::2], rest[1::2], strict=True))
                yield from (f"{dashboard.address}: {amiss}" for amiss in _amiss(namespace, metric, dimensions, plan))


def _amiss(namespace: str, metric: str, dimensions: dict[str, str], plan: ShownPlan) -> Findings:
    if namespace.startswith("AWS/"):
        if metric not in _WRITTEN.get(namespace, ()):
            yield f"AWS writes no {namespace} {metric}"
        if missing := _NEEDED.get(namespace, set()) - dimensions.keys():
            yield f"{namespace} has no metric without {', '.join(sorted(missing))}"
    elif not any(
        (of["namespace"], of["name"]) == (namespace, metric)
        for found in plan.of("aws_cloudwatch_log_metric_filter")
        for of in found.values["metric_transformation"]
    ):
        yield f"nobody counts {namespace} {metric}"
    real = _real(plan)
    for name, value in dimensions.items():
        if name in real and value not in real[name]:
            yield f"there is no {name} {value}"


def alarms_look_back_no_further_than_they_may(plan: ShownPlan) -> Findings:
    """A day, or a week by the hour: else CloudWatch refuses them."""
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        periods = [query["metric"][0]["period"] for query in alarm.get("metric_query", []) if query.get("metric")]
        period = min(periods or [alarm.values["period"]])
        if period * alarm.values["evaluation_periods"] > (7 if period >= 3600 else 1) * 86_400:
            yield f"{alarm.address}: looks back {alarm.values['evaluation_periods']} times {period} seconds"


def filters_read_logs_of_the_plan(plan: ShownPlan) -> Findings:
    groups = _real(plan)["LogGroupName"]
    for found in plan.of("aws_cloudwatch_log_metric_filter"):
        if found.values["log_group_name"] not in groups:
            yield f"{found.address}: reads no log of the plan"


def filters_count_what_runs_print(plan: ShownPlan) -> Findings:
    for found in plan.of("aws_cloudwatch_log_metric_filter"):
        phrase = found.values["pattern"].strip('"')
        ends = [end for end, printed in what_runs_print().items() if phrase in printed]
        if ends != ["failed" if "fail" in found.values["name"] else "made a forecast"]:
            yield f"{found.address}: {phrase} is printed by runs that {' or '.join(ends) or 'do not exist'}"


@cache
def what_runs_print() -> dict[str, str]:
    """By how a run ends, what it says in its log: the log of its container, in AWS."""
    stations = dg.StaticPartitionsDefinition(["one", "another"])

    @dg.asset(key=flow_forecast.key, partitions_def=stations, backfill_policy=dg.BackfillPolicy.single_run())
    def forecast(context: dg.AssetExecutionContext) -> None:
        if context.run.tags.get("fails"):
            raise ValueError

    of_all = {"dagster/asset_partition_range_start": "one", "dagster/asset_partition_range_end": "another"}
    printed = {}
    for end, tags in {"made a forecast": of_all, "failed": {**of_all, "fails": "yes"}}.items():
        with redirect_stderr(StringIO()) as printed[end]:
            dg.materialize([forecast], tags=tags, raise_on_error=False)
    return {end: text.getvalue() for end, text in printed.items()}


def alarms_tell_somebody(plan: ShownPlan) -> Findings:
    topics = {topic.values["arn"] for topic in plan.of("aws_sns_topic")}
    policies = {policy.values["arn"] for policy in plan.of("aws_appautoscaling_policy")}
    groups = plan.of("aws_cloudwatch_composite_alarm")
    heard = " ".join(str(group.get("alarm_rule")) for group in groups)
    # Such a one tells nobody: it keeps another one quiet.
    heard += " ".join(by["alarm"] for group in groups for by in group.get("actions_suppressor", []))
    for alarm in plan.of("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"):
        told = set(alarm.get("alarm_actions", []))
        if not told and alarm.values["alarm_name"] not in heard:
            yield f"{alarm.address}: tells nobody"
        if told - topics - policies:
            yield f"{alarm.address}: tells somebody who is not in the plan"
        if alarm.get("actions_enabled") is False:
            yield f"{alarm.address}: is switched off"


def nights_ring_nobody(plan: ShownPlan) -> Findings:
    """Who sleeps is silent, and a load balancer with nothing behind it answers with 503."""
    if plan.of("aws_appautoscaling_scheduled_action"):
        for alarm, _, metric, _ in seen(plan):
            if alarm.get("alarm_actions") and (_missing_is_bad(alarm) or metric == "HTTPCode_ELB_5XX_Count"):
                yield f"{alarm.address}: rings every night"


def a_service_that_is_down_is_told(plan: ShownPlan) -> Findings:
    """Without a task nothing writes CPUUtilization."""
    told = {
        dimensions.get("ServiceName")
        for alarm, namespace, _, dimensions in seen(plan)
        if namespace == "AWS/ECS" and _missing_is_bad(alarm)
    }
    for service in plan.of("aws_ecs_service"):
        if service.values["name"] not in told:
            yield f"{service.address}: nobody is told when it is down"


def a_silent_daemon_is_told(plan: ShownPlan) -> Findings:
    told = {
        dimensions.get("LogGroupName")
        for alarm, namespace, metric, dimensions in seen(plan)
        if (namespace, metric) == ("AWS/Logs", "IncomingLogEvents") and _missing_is_bad(alarm)
    }
    for service in plan.of("aws_ecs_service"):
        for container in containers(task_of(service, plan)):
            if container["name"] == "daemon" and container["logConfiguration"]["options"]["awslogs-group"] not in told:
                yield f"{service.address}: nobody is told when the daemon falls silent"


def troubles_of_database_and_entrance_are_told(plan: ShownPlan) -> Findings:
    told = {metric for _, namespace, metric, _ in seen(plan) if namespace in ("AWS/RDS", "AWS/ApplicationELB")}
    for metric in ("FreeStorageSpace", "DatabaseConnections", "UnHealthyHostCount"):
        if metric not in told:
            yield f"nobody is told of {metric}"
    if not told & {"HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count"}:
        yield "nobody is told of answers 5xx"


def failed_runs_are_told(plan: ShownPlan) -> Findings:
    if not any("fail" in metric.lower() for _, _, metric, _ in _own(plan)):
        yield "nobody is told of failed runs"


def a_morning_without_forecasts_is_told(plan: ShownPlan) -> Findings:
    """What is missing cannot be counted: the alarm has to take silence for bad."""
    alarms = [alarm for alarm, _, metric, _ in _own(plan) if "forecast" in metric.lower()]
    if not alarms:
        yield "nobody is told of a morning without forecasts"
    for alarm in alarms:
        if not _missing_is_bad(alarm):
            yield f"{alarm.address}: forecasts that are missing do not count"


def _own(plan: ShownPlan) -> Iterator[Seen]:
    """Metrics of our own, counted in logs."""
    return (found for found in seen(plan) if not found[1].startswith("AWS/"))


def _missing_is_bad(alarm: Resource) -> bool:
    return alarm.get("treat_missing_data") == "breaching"
