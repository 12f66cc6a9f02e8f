"""What the recipe would have said on past days, had it been in use: the publishing code itself, on rolling origins.

An origin is an observed day. Its forecast sees nothing later: the model was trained through the Sunday before (or the
last observed day before it), as often as production trains, and the series ends with the origin.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS
from celec_assets.forecasting.season import Array
from celec_assets.forecasting.training import MIN_OBSERVED_DAYS, fingerprint, model_inputs, predict, through, train_on
from celec_assets.series.schema import Flag

TARGETS: Final = len(LEADS) + len(WINDOWS)
QUANTILE_COLUMNS: Final = tuple(f"q{round(100 * quantile):02d}_m3s" for quantile in QUANTILES)
COLUMNS: Final = ("origin", "trained_through", "inputs_sha256", "target_number", *QUANTILE_COLUMNS)


def run_backtest(
    station: str,
    series: pd.DataFrame,
    others: Mapping[str, pd.DataFrame],
    first: pd.Timestamp,
    last: pd.Timestamp,
    known: pd.DataFrame | None = None,
    on_week: Callable[[int, int], None] = lambda *_: None,
) -> pd.DataFrame:
    """Forecasts from every observed day from `first` to `last`.

    Args:
        series: the daily series of the station; others: those of its covariates' stations.
        known: an earlier result; its origins are kept where what they were made from is the same.
        on_week: is told the number of the training week and of all.

    Returns:
        33 rows an origin, `COLUMNS`: `target_number` 0 to 29 are the leads, 30 to 32 the windows. No row for an origin
        before which less than a year was observed.
    """
    inputs = model_inputs(station, series, others)
    observed = pd.DatetimeIndex(series.loc[series["flow_flag"] == Flag.OBSERVED, "day"])
    origins = observed[(observed >= first) & (observed <= last)]
    weeks = [(sunday, list(days)) for sunday, days in itertools.groupby(origins, key=_sunday_before)]
    found = {} if known is None else dict(iter(known.groupby("inputs_sha256")))
    results = []
    for number, (sunday, days) in enumerate(weeks, 1):
        on_week(number, len(weeks))
        learnt_from = observed[observed <= sunday]
        if len(learnt_from) < MIN_OBSERVED_DAYS:
            continue
        sha256 = fingerprint(through(inputs, days[-1]))
        if sha256 in found and len(found[sha256]) == TARGETS * len(days):
            results.append(found[sha256])
            continue
        document = train_on(station, through(inputs, learnt_from[-1]), len(learnt_from))
        flows = np.stack([predict(document, through(inputs, day)) for day in days])
        results.append(_to_frame(days, learnt_from[-1], sha256, flows))
    return pd.concat(results, ignore_index=True) if results else _to_frame([], first, "", np.zeros((0, TARGETS, 7)))


def as_array(forecasts: pd.DataFrame) -> tuple[pd.DatetimeIndex, Array]:
    """Origins, and the flow (m³/s) of each at (33 targets, 7 quantiles)."""
    flows = forecasts[list(QUANTILE_COLUMNS)].to_numpy(np.float64)
    return pd.DatetimeIndex(forecasts["origin"].iloc[::TARGETS]), flows.reshape(-1, TARGETS, len(QUANTILES))


def _sunday_before(day: pd.Timestamp) -> pd.Timestamp:
    return day - pd.Timedelta(days=day.isoweekday() % 7)


def _to_frame(days: list[pd.Timestamp], trained_through: pd.Timestamp, sha256: str, flows: Array) -> pd.DataFrame:
    rows = pd.DataFrame(flows.reshape(-1, len(QUANTILES)).round(3), columns=list(QUANTILE_COLUMNS))
    return rows.assign(
        origin=pd.DatetimeIndex(days).repeat(TARGETS),
        trained_through=trained_through,
        inputs_sha256=sha256,
        target_number=pd.array(np.tile(np.arange(TARGETS), len(days)), dtype="Int16"),
    )[list(COLUMNS)]
