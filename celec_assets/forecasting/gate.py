"""Which model forecasts: a better recipe comes into use, a refit of the one in use does unless it is out of its mind.

Judged are recipes, by their backtests on the same origins; a single model has no record of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from celec_assets.forecasting.backtest import as_array
from celec_assets.forecasting.forecast import LEADS
from celec_assets.forecasting.scores import compare, observed_targets

MIN_ORIGINS: Final = 180
"""Origins that two recipes must share to be compared: half a year, wet and dry."""


def worse(candidate: pd.DataFrame | None, present: pd.DataFrame | None, observed: "pd.Series[float]") -> list[str]:
    """Why the candidate's recipe must not replace the present one, in words. Empty: it is not worse.

    Args:
        candidate: backtest forecasts of the new recipe; present: of the one in use; None where there is none.
        observed: the observed flow (m³/s), daily, NaN where it was not.
    """
    if candidate is None or present is None:
        which = "new recipe" if candidate is None else "recipe in use"
        return [f"backtest: there is none of the {which} at this station; run the job `backtest` with its version"]
    origins_a, flows_a = as_array(candidate)
    origins_b, flows_b = as_array(present)
    shared = origins_a.intersection(origins_b)
    if len(shared) < MIN_ORIGINS:
        return [f"backtest: the recipes share {len(shared)} origins; {MIN_ORIGINS} are needed"]
    flows_a, flows_b = flows_a[origins_a.get_indexer(shared)], flows_b[origins_b.get_indexer(shared)]
    compared = compare(shared, flows_a, flows_b, observed_targets(observed, shared))
    weekly = compared.iloc[len(LEADS) : len(LEADS) + 2]  # the means of the next 7 and 14 days: what planners use
    return [
        f"backtest: CRPS of the next {row['window_days']} days' mean is {row['difference']:+.1%} "
        f"({row['low']:+.1%} to {row['high']:+.1%}) against the recipe in use, over {row['origins']} origins"
        for row in weekly[weekly["low"] > 0].to_dict("records")
    ]


def reasons_against(
    candidate: Mapping[str, Any],
    present: Mapping[str, Any] | None,
    problems: list[str],
    evidence: Callable[[], list[str]],
    rolled_back: str,
) -> list[str]:
    """Why a freshly trained model must not come into use. Empty: it does.

    Args:
        candidate: its document; present: that of the model in use, None at a station without one.
        problems: of `sanity.impossible`.
        evidence: gives `worse`; asked only when the recipes differ.
        rolled_back: the recipe that somebody took out of use at this station, or "".
    """
    if problems or present is None or candidate["recipe"] == present["recipe"]:
        return problems
    if candidate["recipe"] == rolled_back:
        return [f"roll-back: recipe {rolled_back} was taken out of use here on request"]
    return evidence()
