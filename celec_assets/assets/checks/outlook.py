"""Checks of `low_flow_warnings`, `forecast_scorecard` and `forecast_report`."""

import dagster as dg

from celec_assets.assets.checks.by_partition import ERROR, WARN, PartitionCheck, Subject, Verdict, partition_checks
from celec_assets.assets.report import forecast_report
from celec_assets.assets.scorecard import forecast_scorecard
from celec_assets.assets.warnings import low_flow_warnings
from celec_assets.partitions import STATIONS
from celec_assets.resources import Clock, LakeResource
from celec_assets.storage.store import ObjectMissing


def _every_issued_forecast_is_judged(subject: Subject) -> Verdict:
    judged = set(subject.value["issue_date"])
    missing = [date for date in subject.lake.forecasts.issue_dates(subject.partition) if date not in judged]
    return not missing, {"missing": [f"{date:%Y-%m-%d}" for date in missing]} if missing else {}


warning_checks = partition_checks(
    low_flow_warnings,
    STATIONS,
    lambda lake, station: lake.warnings.read(station),
    [
        PartitionCheck(
            name="every_issued_forecast_is_judged",
            description="Each forecast that was issued has its probabilities of low flow, and so its light.",
            severity=ERROR,
            blocking=False,  # the report shows what there is
            judge=_every_issued_forecast_is_judged,
        ),
    ],
)


def _forecasts_keep_their_promise(subject: Subject) -> Verdict:
    from celec_assets.forecasting.model import RECIPE
    from celec_assets.forecasting.scorecard import compare_with_backtest
    from celec_assets.series.schema import observed_flow

    promise = compare_with_backtest(
        subject.value.issued,
        subject.lake.backtests.forecasts(subject.partition, RECIPE),
        subject.series.set_index("day")["flow_m3s"],
        observed_flow(subject.series),
    )
    return promise.is_kept, {
        name: value
        for name, value in (
            ("crps_ratio_to_climatology_of_7d_mean", promise.recent),
            ("limit_from_the_backtest", promise.limit),
            ("scored_issue_dates", promise.origins),
        )
        if value is not None
    }


scorecard_checks = partition_checks(
    forecast_scorecard,
    STATIONS,
    lambda lake, station: lake.scorecards.read(station),
    [
        PartitionCheck(
            name="forecasts_keep_their_promise",
            description="Over the last 60 issue dates that were scored, the forecasts of the next 7 days' mean are not "
            "clearly worse than the backtest promised: than 95 % of as many dates on end were there.",
            severity=WARN,
            blocking=False,  # a bad season is no fault; a person has to look
            judge=_forecasts_keep_their_promise,
        ),
    ],
)


@dg.asset_check(
    asset=forecast_report,
    description="The report is of today, and every station in it has a forecast from data of the last days.",
    blocking=False,
)
def report_is_fresh(lake: LakeResource, clock: Clock) -> dg.AssetCheckResult:
    """It warns: the report itself says of each station how old its data are."""
    from celec_assets.alerts import missing_this_morning

    try:
        report = lake.get().reports.read()
    except ObjectMissing:
        report = None
    problems = missing_this_morning(report, clock.today())
    return dg.AssetCheckResult(passed=not problems, severity=WARN, metadata={"problems": problems} if problems else {})
