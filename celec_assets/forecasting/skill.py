"""A backtest and its scores in one go, and the few of its figures that people ask for. All of them are in `scores`."""

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from celec_assets.forecasting.backtest import as_array, run_backtest
from celec_assets.forecasting.scores import score
from celec_assets.refusal import Refusal
from celec_assets.series.schema import observed_flow

YEARS: Final = 4
"""How far back the usual period goes."""

ASKED_FOR: Final = {
    "MAE / persistence": ("forecast", "mae_ratio_to_persistence"),
    "MAE / 7-day persistence": ("forecast", "mae_ratio_to_persistence_7d"),
    "MAE / climatology": ("forecast", "mae_ratio_to_climatology"),
    "MAE / peer": ("forecast", "mae_ratio_to_peer"),
    "CRPS skill to climatology": ("forecast", "crps_skill_to_climatology"),
    "80 % band covers": ("forecast", "coverage_80"),
    "Brier skill below P20": ("forecast", "brier_skill_below_p20_to_persistence_7d_dressed"),
    "Brier skill below P10": ("forecast", "brier_skill_below_p10_to_persistence_7d_dressed"),
}
"""Column of the skill table: model and metric of the scores."""
LEADS_SHOWN: Final = (1, 3, 7, 14, 30)


class NothingToScore(Refusal):
    """No day of the period can be an origin."""


def usual_period(series: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last origin of a station's backtest: the last four years, but for the station's first year."""
    first, last = series["day"].iloc[0], series["day"].iloc[-1]
    return max(first + pd.DateOffset(years=1), last - pd.DateOffset(years=YEARS) + pd.Timedelta(days=1)), last


def backtest_and_score(
    station: str,
    series: Mapping[str, pd.DataFrame],
    first: pd.Timestamp,
    last: pd.Timestamp,
    known: pd.DataFrame | None = None,
    on_week: Callable[[int, int], None] = lambda *_: None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecasts from every observed day of a period, and their scores.

    Args:
        series: daily series by station: this one's and its covariates'.
        known: an earlier backtest's forecasts; on_week: is told the training week and how many there are.

    Returns:
        `backtest.COLUMNS` and `scores.COLUMNS`.

    Raises:
        NothingToScore: before every observed day of the period, less than a year was observed.
    """
    forecasts = run_backtest(station, series[station], series, first, last, known, on_week)
    if forecasts.empty:
        raise NothingToScore(f"{station} has no year of observed days before {last:%Y-%m-%d}; nothing can be tested")
    flow = series[station].set_index("day")["flow_m3s"]
    return forecasts, score(station, *as_array(forecasts), flow, observed_flow(series[station]))


def skill_table(scores: pd.DataFrame) -> pd.DataFrame:
    """The figures that people ask for, of one station or the mean over several: a row for each of some targets."""
    rows = []
    for label, chosen in _shown(scores).items():
        means = chosen.groupby(["model", "metric"])["value"].mean()
        rows.append({"target": label, **{column: means.get(key, float("nan")) for column, key in ASKED_FOR.items()}})
    return pd.DataFrame(rows)


def _shown(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    days = {f"day {lead}": scores[scores["lead_days"] == lead] for lead in LEADS_SHOWN}
    windows = sorted(scores["window_days"].dropna().unique())
    return {**days, **{f"mean of next {w} days": scores[scores["window_days"] == w] for w in windows}}
