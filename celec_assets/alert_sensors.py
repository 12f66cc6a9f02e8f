"""Who is told of what went wrong: runs and checks that failed become alerts, and alerts are sent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import dagster as dg

from celec_assets.resources import Clock, LakeResource, Notifier
from celec_assets.storage.store import LakeUnavailable

if TYPE_CHECKING:
    from celec_assets.storage.alerts import Alert

WILL_BE_RETRIED: Final = "dagster/will_retry"
"""Dagster's tag on a failed run that it starts again."""


class NotTold(dg.DagsterError):
    """Nobody could be told. Being Dagster's kind of error it fails the tick, and the next one tries again: of any other
    a run status sensor says that there was one, and goes on to the next run.
    """


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Sends the alerts that wait in the lake.",
)
def send_alerts(lake: LakeResource, notifier: Notifier) -> dg.SkipReason:
    """Sends the alerts that wait in the lake. One that is not taken fails the tick; the next one tries again."""
    alerts = lake.get().alerts
    subjects = []
    for alert in alerts.unsent():
        notifier.send(alert.subject, f"{alert.text}\n")
        alerts.mark_sent(alert)
        subjects.append(alert.subject)
    return dg.SkipReason("; ".join(subjects) if subjects else "there is nothing to tell")


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="An alert for a run that failed and is not going to be started again.",
)
def failed_runs(
    context: dg.RunFailureSensorContext, lake: LakeResource, clock: Clock, notifier: Notifier
) -> dg.SkipReason | None:
    """An alert for a run that failed and is not going to be started again."""
    from celec_assets.alerts import run_failed

    run = context.instance.get_run_by_id(context.dagster_run.run_id) or context.dagster_run
    if run.tags.get(WILL_BE_RETRIED) == "true":
        return None
    reasons = [event.step_failure_data.error_display_string for event in context.get_step_failure_events()]
    reason = "\n".join(reasons) or context.failure_event.message or ""
    made = sorted(key.to_user_string() for key in run.asset_selection or ()) or [run.job_name]
    failed = run_failed(made, reason, f"{notifier.dagster_url}/runs/{run.run_id}", clock.today())
    return _tell([failed, *_failed_checks(context, clock, notifier)], lake, notifier)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="An alert for every check of severity ERROR that failed, also where the run went on.",
)
def failed_checks(
    context: dg.RunStatusSensorContext, lake: LakeResource, clock: Clock, notifier: Notifier
) -> dg.SkipReason | None:
    """An alert for every check of severity ERROR that failed, also where the run went on."""
    return _tell([*_failed_checks(context, clock, notifier)], lake, notifier)


def _tell(alerts: "list[Alert]", lake: LakeResource, notifier: Notifier) -> dg.SkipReason | None:
    """By way of the lake, where a cause is told once a day; where the lake is away, at once.

    To find that out takes most of a tick. What is returned then ends it: the next run is told of in the next one.
    """
    away: Exception | None = None
    for alert in alerts:
        try:
            if not away:
                away = _keep(alert, lake)
            if away:
                notifier.send(alert.subject, f"{alert.text}\n")
        except Exception as error:
            raise NotTold(f"{alert.subject}: {error}") from error
    return dg.SkipReason(f"told at once, since the alert cannot wait in the lake: {away}") if away else None


def _keep(alert: "Alert", lake: LakeResource) -> Exception | None:
    """Why the alert cannot wait in the lake, where it cannot."""
    try:
        lake.get().alerts.add(alert)
    except (LakeUnavailable, OSError) as away:
        return away
    return None


def _failed_checks(context: dg.RunStatusSensorContext, clock: Clock, notifier: Notifier) -> "Iterator[Alert]":
    from celec_assets.alerts import check_failed

    run_id = context.dagster_run.run_id
    failing: dict[str, dict[str, str]] = {}
    for event in context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        evaluation = event.get_dagster_event().asset_check_evaluation_data
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR:
            key = evaluation.asset_check_key
            why = ", ".join(f"{name}: {value.value}" for name, value in evaluation.metadata.items())
            failing.setdefault(f"{key.asset_key.to_user_string()}.{key.name}", {})[evaluation.partition or "all"] = why
    for check, reasons in failing.items():
        yield check_failed(check, reasons, f"{notifier.dagster_url}/runs/{run_id}", clock.today())
