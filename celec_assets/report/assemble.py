"""A station's frames as a part of the report. Pure: what is where in the lake stands in `assets/report.py`."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from celec_assets.catalogue import Station as CatalogueStation
from celec_assets.forecasting import low_flow
from celec_assets.forecasting.baselines import usual_days, usual_means
from celec_assets.forecasting.forecast import QUANTILES, WINDOWS
from celec_assets.forecasting.season import Array
from celec_assets.report.document import (
    Day,
    Level,
    LevelRule,
    Mean,
    Observed,
    Problem,
    Quantiles,
    Skill,
    SkillRow,
    Station,
    Usual,
)
from celec_assets.series.schema import Flag

OBSERVED_DAYS: Final = 90
STALE_AFTER_DAYS: Final = 3
"""Exports come late by a day or two; what is older must not look like this morning's."""
USUAL_LEVELS: Final = (0.1, 0.2, 0.5, 0.9)
MIN_ISSUED: Final = 60
"""Scored forecasts from which on a station is judged by what was issued, and no longer by the backtest."""

LEVEL_RULES: Final = tuple(
    LevelRule(
        level=Level(rule.level),
        mark="p20" if rule.mark == "below_p20" else "p10",
        from_probability=rule.lit_from,
        until_probability=rule.lit_until,
    )
    for rule in low_flow.RULES
)


@dataclass(frozen=True)
class Record:
    """Scores (`scores.COLUMNS`) of issue dates from first to last, and where they come from: `issued`, `backtest`."""

    basis: str
    scores: pd.DataFrame
    first: pd.Timestamp
    last: pd.Timestamp


def station_part(
    station: CatalogueStation,
    series: pd.DataFrame,
    forecast: pd.DataFrame,
    warnings: pd.DataFrame | None,
    record: Record | None,
    today: date,
) -> Station:
    """A station with a forecast.

    Args:
        series: `series.schema.COLUMNS`; forecast: `forecast.COLUMNS`; warnings: `low_flow.COLUMNS`, if there are any.
        record: how good forecasts were, if that is known.
    """
    issue_date = forecast["issue_date"].iloc[0]
    age_days = (pd.Timestamp(today) - issue_date).days
    flow = series.set_index("day")["flow_m3s"]
    observed = series[(series["day"] > issue_date - pd.Timedelta(days=OBSERVED_DAYS)) & (series["day"] <= issue_date)]
    flags = observed.loc[observed["flow_flag"] != Flag.OBSERVED, "flow_flag"].value_counts()
    level, level_since = _light(warnings) if warnings is not None else (None, None)
    return Station(
        **_of_catalogue(station),
        issue_date=issue_date.date(),
        kind=forecast["kind"].iloc[0],
        age_days=age_days,
        is_stale=age_days > STALE_AFTER_DAYS,
        problem=None,
        level=level,
        level_since=level_since,
        observed=_observed(observed, flow),
        flagged_days={str(flag): int(days) for flag, days in flags.items()},
        days=_days(forecast, flow),
        means=_means(forecast, flow),
        skill=_skill(record) if record else None,
    )


def station_without_forecast(station: CatalogueStation, problem: Problem) -> Station:
    """A station of which nothing can be said, and why."""
    return Station(
        **_of_catalogue(station),
        issue_date=None,
        kind=None,
        age_days=None,
        is_stale=True,
        problem=problem,
        level=None,
        level_since=None,
        observed=(),
        flagged_days={},
        days=(),
        means=(),
        skill=None,
    )


def _of_catalogue(station: CatalogueStation) -> dict[str, Any]:
    return {
        "station": station.id,
        "name": station.name,
        "river": station.river,
        "plant": station.plant,
        "source": station.source,
        "simulated": station.simulated,
        "regulated": station.regulated,
    }


def _light(warnings: pd.DataFrame) -> tuple[Level | None, date | None]:
    """The newest issued forecast's light, and the issue date since which it is lit."""
    lights = warnings.drop_duplicates("issue_date")
    if lights.empty or pd.isna(lights["level"].iloc[-1]):
        return None, None
    others = np.flatnonzero(lights["level"] != lights["level"].iloc[-1])
    since = lights["issue_date"].iloc[others[-1] + 1 if len(others) else 0]
    return Level(lights["level"].iloc[-1]), since.date()


def _observed(observed: pd.DataFrame, flow: "pd.Series[float]") -> tuple[Observed, ...]:
    usual = usual_days(flow, pd.DatetimeIndex(observed["day"]), USUAL_LEVELS)
    return tuple(
        Observed(
            day=row["day"].date(),
            flow_m3s=None if pd.isna(row["flow_m3s"]) else round(row["flow_m3s"], 3),
            flag=row["flow_flag"],
            usual_m3s=_usual(levels),
        )
        for row, levels in zip(observed.to_dict("records"), usual, strict=True)
    )


def _days(forecast: pd.DataFrame, flow: "pd.Series[float]") -> tuple[Day, ...]:
    rows = forecast[forecast["target"] == "day"]
    leads = rows["lead_days"].drop_duplicates().astype(int).to_list()
    days = forecast["issue_date"].iloc[0] + pd.to_timedelta(leads, unit="D")
    return tuple(
        Day(day=day.date(), lead_days=lead, flow_m3s=_quantiles(flows), usual_m3s=_usual(levels))
        for day, lead, flows, levels in zip(
            days, leads, _by_target(rows), usual_days(flow, days, USUAL_LEVELS), strict=True
        )
    )


def _means(forecast: pd.DataFrame, flow: "pd.Series[float]") -> tuple[Mean, ...]:
    issue_date = forecast["issue_date"].iloc[0]
    usual = usual_means(flow.loc[:issue_date], pd.DatetimeIndex([issue_date]), USUAL_LEVELS)[0]
    flows = _by_target(forecast[forecast["target"] == "mean"])
    judged = low_flow.assess(forecast, flow).to_dict("records")
    return tuple(
        Mean(
            window_days=days,
            first_day=(issue_date + pd.Timedelta(days=1)).date(),
            last_day=(issue_date + pd.Timedelta(days=days)).date(),
            flow_m3s=_quantiles(quantiles),
            usual_m3s=_usual(levels),
            below_p20=_known(row["below_p20"]),
            below_p10=_known(row["below_p10"]),
        )
        for days, quantiles, levels, row in zip(WINDOWS, flows, usual, judged, strict=True)
    )


def _skill(record: Record) -> Skill:
    forecast = record.scores[record.scores["model"] == "forecast"]
    horizons = forecast["lead_days"].fillna(-forecast["window_days"]).astype(int)
    rows = []
    for days in sorted(set(horizons), key=lambda days: (days < 0, abs(days))):  # leads, then windows
        figures = forecast[horizons == days]
        value = figures.set_index("metric")["value"]
        rows.append(
            SkillRow(
                lead_days=days if days > 0 else None,
                window_days=-days if days < 0 else None,
                mae_m3s=_known(value["mae"]),
                mae_ratio_to_persistence=_known(value["mae_ratio_to_persistence"]),
                mae_ratio_to_climatology=_known(value["mae_ratio_to_climatology"]),
                crps_skill_to_climatology=_known(value["crps_skill_to_climatology"]),
                coverage_80=_known(value["coverage_80"]),
                forecasts=int(figures["origins"].max()),
            )
        )
    return Skill(
        basis="issued" if record.basis == "issued" else "backtest",
        first_issue_date=record.first.date(),
        last_issue_date=record.last.date(),
        rows=tuple(rows),
    )


def _by_target(rows: pd.DataFrame) -> Array:
    """(targets, 7) in m³/s."""
    return rows["flow_m3s"].to_numpy(np.float64).reshape(-1, len(QUANTILES))


def _quantiles(flows: Array) -> Quantiles:
    return Quantiles(
        **{f"p{100 * level:02.0f}": round(float(flow), 3) for level, flow in zip(QUANTILES, flows, strict=True)}
    )


def _usual(levels: Array) -> Usual | None:
    p10, p20, p50, p90 = (round(float(level), 3) for level in levels)
    return None if np.isnan(levels).any() else Usual(p10=p10, p20=p20, p50=p50, p90=p90)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)
