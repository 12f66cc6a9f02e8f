"""Checks of what the connectors bring: whether it is recent, whatever the run itself thought of it."""

from datetime import date

import dagster as dg

from celec_assets.assets.arrivals import geoglows_arrivals, historian_arrivals
from celec_assets.assets.checks.by_partition import WARN
from celec_assets.resources import Clock, LakeResource

LATE_AFTER_DAYS = 4
"""A long weekend."""


@dg.asset_check(
    asset=historian_arrivals,
    description=f"Every point of the historian that ever had a value has one of the last {LATE_AFTER_DAYS} days. Late "
    "ones stand here with their last day: a gauge or a line that is out of order.",
    blocking=False,
)
def every_point_is_recent(lake: LakeResource, clock: Clock) -> dg.AssetCheckResult:
    """One point that fell silent harms no other, so it warns."""
    from celec_assets.connectors.historian import last_days

    return _verdict(last_days(lake.get().raw), clock.today())


@dg.asset_check(
    asset=geoglows_arrivals,
    description=f"The newest forecast of every river was issued in the last {LATE_AFTER_DAYS} days.",
    blocking=False,
)
def every_forecast_is_recent(lake: LakeResource, clock: Clock) -> dg.AssetCheckResult:
    """The model does not use these forecasts, so it warns."""
    from celec_assets.connectors.geoglows import issue_dates

    return _verdict(issue_dates(lake.get().raw), clock.today())


def _verdict(last_days: dict[str, date], today: date) -> dg.AssetCheckResult:
    late = {name: str(day) for name, day in last_days.items() if (today - day).days > LATE_AFTER_DAYS}
    return dg.AssetCheckResult(passed=bool(last_days) and not late, severity=WARN, metadata=late)
