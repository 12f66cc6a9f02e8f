"""How likely low flow is, and which light that lights.

Low is below the season's P20 or P10: what the mean flow of as many days stayed below in every fifth or tenth case, in
earlier years at this time of the year. Lights follow from the issued forecasts alone, one after the other, so that the
same history gives the same lights.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from celec_assets.forecasting import metrics
from celec_assets.forecasting.baselines import low_flow_thresholds
from celec_assets.forecasting.forecast import QUANTILES, WINDOWS
from celec_assets.forecasting.season import Array

COLUMNS: Final = ("issue_date", "window_days", "p20_m3s", "p10_m3s", "below_p20", "below_p10", "level")
GREEN: Final = "green"


@dataclass(frozen=True)
class Rule:
    """When a light is lit: the probability of a mean below the mark reaches `lit_from` in any window.

    It stays lit until the probability is below `lit_until` in all windows, so that it does not flicker.
    """

    level: str
    mark: str
    lit_from: float
    lit_until: float


RULES: Final = (
    Rule("red", "below_p10", lit_from=0.5, lit_until=0.4),
    Rule("orange", "below_p20", lit_from=0.5, lit_until=0.4),
    Rule("yellow", "below_p20", lit_from=0.35, lit_until=0.25),
)
"""The worst first. With no forecast at all the probability of a mean below P20 is 0.2."""


def assess(forecast: pd.DataFrame, flow_m3s: "pd.Series[float]") -> pd.DataFrame:
    """Probabilities of low flow from one forecast: `COLUMNS` without `level`, a row per window of `WINDOWS`.

    Args:
        forecast: rows of `forecast.COLUMNS`.
        flow_m3s: the clean daily series; nothing after the issue date is looked at.

    Returns:
        Marks and probabilities are NaN where no earlier year is known.
    """
    issue_date = forecast["issue_date"].iloc[0]
    means = forecast[forecast["target"] == "mean"].pivot(index="window_days", columns="quantile", values="flow_m3s")
    quantiles: Array = means.loc[list(WINDOWS), list(QUANTILES)].to_numpy(np.float64)
    marks = low_flow_thresholds(flow_m3s.loc[:issue_date], pd.DatetimeIndex([issue_date]))[0]
    below = np.stack([metrics.probability_below(quantiles, marks[:, column]) for column in (0, 1)], axis=1)
    return pd.DataFrame(
        {
            "issue_date": issue_date,
            "window_days": pd.array(WINDOWS, dtype="Int16"),
            "p20_m3s": marks[:, 0].round(3),
            "p10_m3s": marks[:, 1].round(3),
            "below_p20": below[:, 0].round(3),
            "below_p10": below[:, 1].round(3),
        }
    )


def with_levels(assessed: pd.DataFrame) -> pd.DataFrame:
    """The rows of `assess` of all issued forecasts, in order and with the light of each issue date: `COLUMNS`.

    `level` is missing where no probability is known.
    """
    ordered = assessed.sort_values(["issue_date", "window_days"], ignore_index=True)
    highest = ordered.groupby("issue_date")[["below_p20", "below_p10"]].max()
    lit = dict.fromkeys((rule.level for rule in RULES), False)
    levels = {}
    for issue_date, probabilities in highest.to_dict("index").items():
        for rule in RULES:
            lit[rule.level] = probabilities[rule.mark] >= (rule.lit_until if lit[rule.level] else rule.lit_from)
        known = not np.isnan(list(probabilities.values())).any()
        levels[issue_date] = next((level for level, is_lit in lit.items() if is_lit), GREEN) if known else None
    return ordered.assign(level=ordered["issue_date"].map(levels).astype(object))[list(COLUMNS)]


def change(before: pd.DataFrame, after: pd.DataFrame) -> tuple[str, str] | None:
    """The lights before and after newer forecasts, where they differ. Before the first forecast it was green."""
    if not len(after) or after["issue_date"].iloc[-1] in set(before["issue_date"]):
        return None
    was, now = ([GREEN, *table["level"].dropna()][-1] for table in (before, after))
    return (was, now) if was != now else None
