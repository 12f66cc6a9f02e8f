"""Jobs: what a sensor, a person or a schedule launches. Everything else is launched asset by asset in the UI."""

from contextlib import nullcontext

import dagster as dg

from celec_assets.assets.arrivals import geoglows_arrivals, historian_arrivals
from celec_assets.assets.backtest import flow_backtest
from celec_assets.assets.forecast import flow_forecast, flow_model
from celec_assets.assets.raw import observations
from celec_assets.assets.report import forecast_report
from celec_assets.resources import Clock, LakeResource, Notifier
from celec_assets.tracking.resource import Tracking

LARGER_TASK = {"ecs/cpu": "1024", "ecs/memory": "4096"}
"""Of Fargate, in CPU units and MiB: a whole core. Of two a range uses both (docs/scaling.md). Other runs have what
deploy/dagster.yaml says.
"""

fetch_historian = dg.define_asset_job(
    "fetch_historian",
    selection=dg.AssetSelection.assets(historian_arrivals),
    description="Ask CELEC's historian for a range of months.",
)
fetch_geoglows = dg.define_asset_job(
    "fetch_geoglows",
    selection=dg.AssetSelection.assets(geoglows_arrivals),
    description="Ask GEOGLOWS for what is new of the past, and for today's forecasts.",
)
read_raw_files = dg.define_asset_job(
    "read_raw_files", selection=dg.AssetSelection.assets(observations), description="Read raw files into observations."
)
forecasts = dg.define_asset_job(
    "forecasts",
    selection=dg.AssetSelection.assets(flow_forecast),
    description="Make the forecasts of a range of stations. Warnings, scorecards and the report follow by themselves.",
)
report = dg.define_asset_job(
    "report",
    selection=dg.AssetSelection.assets(forecast_report),
    description="Make the report anew from what is in the lake.",
)
train_models = dg.define_asset_job(
    "train_models",
    selection=dg.AssetSelection.assets(flow_model),
    description="Train the models of a range of stations anew. The forecasts follow by themselves.",
    tags=LARGER_TASK,
)
backtest = dg.define_asset_job(
    "backtest",
    selection=dg.AssetSelection.assets(flow_backtest),
    description="Judge the recipe on past days, station by station. Minutes a station the first time.",
    tags=LARGER_TASK,
)


@dg.op
def tell_the_morning(lake: LakeResource, clock: Clock, notifier: Notifier) -> None:
    """The report's first sentences and its address, to everybody who is told of alerts."""
    from celec_assets.alerts import morning_message
    from celec_assets.report.summary import sentences

    store = lake.get()
    store.alerts.add(morning_message(sentences(store.reports.read()), notifier.report_url, clock.today()))


@dg.job(description="Send the summary of the morning and the address of the report.")
def morning_message() -> None:
    """See the description."""
    tell_the_morning()


@dg.op
def look_for_forecasts(lake: LakeResource, clock: Clock, notifier: Notifier) -> None:
    """An alert when there is no report of today, or when the data of a station are old."""
    from celec_assets.alerts import missing_this_morning, no_fresh_forecast
    from celec_assets.storage.store import ObjectMissing

    store = lake.get()
    try:
        report = store.reports.read()
    except ObjectMissing:
        report = None
    if problems := missing_this_morning(report, clock.today()):
        store.alerts.add(no_fresh_forecast(problems, notifier.dagster_url, clock.today()))


@dg.job(description="Alert when this morning's forecasts are not there, or older than they should be.")
def forecast_watch() -> None:
    """See the description."""
    look_for_forecasts()


@dg.op
def examine_this_run(context: dg.OpExecutionContext, lake: LakeResource, tracking: Tracking) -> None:
    """What `celec doctor` examines, with the role, the network and the image of a run."""
    from celec_assets.doctor import Verdict, examine

    findings = examine(tracking.url, lambda: nullcontext(context.instance), lambda: lake.get().store)
    for finding in findings:
        context.log.info(f"{finding.check}: {finding.verdict}, {finding.what}")
    if bad := [f"{finding.check}: {finding.what}" for finding in findings if finding.verdict is not Verdict.PASSED]:
        raise dg.Failure("; ".join(bad), allow_retries=False)


@dg.job(
    description="Try, as a run, whether everything that the platform stands on works. Changes nothing.",
    tags={"dagster/max_runtime": 600},
)
def self_test() -> None:
    """See the description."""
    examine_this_run()
