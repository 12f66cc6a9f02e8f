"""How good forecasts were, beside what people do without us, and how sure that is. The formulas: `metrics`."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from celec_assets.forecasting import baselines, metrics, season
from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS
from celec_assets.forecasting.model import SEEN_SHARE

Array = npt.NDArray[np.float64]
Interval = tuple[Array, Array, Array]
"""Value, low and high, each one per target."""
COLUMNS: Final = (
    "station", "target", "lead_days", "window_days", "model", "metric", "value", "low", "high", "origins",
)  # fmt: skip
TARGETS: Final = pd.DataFrame(
    {
        "target": ["day"] * len(LEADS) + ["mean"] * len(WINDOWS),
        "lead_days": pd.array([*LEADS, *[None] * len(WINDOWS)], dtype="Int16"),
        "window_days": pd.array([*[None] * len(LEADS), *WINDOWS], dtype="Int16"),
    }
)
P10, MEDIAN, P90 = (QUANTILES.index(level) for level in (0.1, 0.5, 0.9))

BLOCK: Final = 30
"""Origins drawn together: errors of neighbouring origins share their weather, up to 30 days of it."""
RESAMPLES: Final = 500
SEED: Final = 1989
INTERVAL: Final = (0.05, 0.95)


def observed_targets(flow_observed_m3s: "pd.Series[float]", origins: pd.DatetimeIndex) -> Array:
    """What came after the origins, (n, 33) (m³/s): the flow of each lead, and the mean of each window's observed days.

    NaN where the lead's day, or more than a fifth of the window's days, was not observed.

    Args:
        flow_observed_m3s: daily, without holes in its index.
        origins: days of it.
    """
    after = season.targets(np.asarray(flow_observed_m3s, np.float64), SEEN_SHARE)
    return after[flow_observed_m3s.index.get_indexer(origins)]


def score(
    station: str,
    origins: pd.DatetimeIndex,
    forecasts: Array,
    flow_m3s: "pd.Series[float]",
    flow_observed_m3s: "pd.Series[float]",
) -> pd.DataFrame:
    """Score forecasts and baselines where all of them and the observation exist.

    Args:
        origins: days with an observed flow, in any order.
        forecasts: (n, 33, 7): `LEADS`, then `WINDOWS`, at `QUANTILES` (m³/s).
        flow_m3s: the clean daily series, from which the baselines are made.
        flow_observed_m3s: the same without what was filled in: what is scored.

    Returns:
        `COLUMNS`, a row per target, model and metric. `origins` says how many were scored; `low` and `high` bound 90 %
        of a paired block bootstrap, for the metrics that compare two models (`…_ratio_to_…`, `…_skill_…`).
    """
    order = np.argsort(origins)
    origins, forecasts = origins[order], forecasts[order]
    climate = baselines.climatology(flow_m3s, origins)
    points = {
        "forecast": forecasts[..., MEDIAN],
        "persistence": baselines.persistence(flow_m3s, origins),
        "persistence_7d": baselines.persistence_7d(flow_m3s, origins),
        "climatology": climate[..., MEDIAN],
        "peer": baselines.peer(flow_m3s, origins),
    }
    observed = observed_targets(flow_observed_m3s, origins)
    comparable = ~np.isnan(sum(points.values()) + observed + forecasts.sum(axis=-1) + climate.sum(axis=-1))
    observed = np.where(comparable, observed, np.nan)
    thresholds = baselines.low_flow_thresholds(flow_m3s, origins)
    dressed = baselines.dressed_probability_below(flow_m3s, origins, thresholds)
    found = [
        *_point_scores(observed, points),
        *_band_scores(observed, {"forecast": forecasts, "climatology": climate}),
        *_low_flow_scores(observed, forecasts, points["persistence_7d"], dressed, thresholds),
    ]
    return pd.concat(
        [_rows(station, model, metric, values, comparable.sum(axis=0)) for model, metric, values in found],
        ignore_index=True,
    )


def compare(origins: pd.DatetimeIndex, forecasts_a: Array, forecasts_b: Array, observed: Array) -> pd.DataFrame:
    """How much worse recipe a is than recipe b, per target: (CRPS of a - CRPS of b) / CRPS of b.

    Args:
        origins: n days in any order.
        forecasts_a: (n, 33, 7), like `forecasts_b` (m³/s).
        observed: (n, 33), of `observed_targets`.

    Returns:
        `target, lead_days, window_days, crps_a, crps_b, difference, low, high, origins`: a is worse beyond doubt where
        `low` is above 0. Only origins of which both forecasts and the observation exist count.
    """
    order = np.argsort(origins)
    loss_a, loss_b = (crps_each(observed[order], forecasts[order]) for forecasts in (forecasts_a, forecasts_b))
    both = ~np.isnan(loss_a + loss_b)
    ratio, low, high = _ratio(loss_a, loss_b)
    crps_a, crps_b = (
        metrics.crps(np.where(both, observed[order], np.nan), f[order]) for f in (forecasts_a, forecasts_b)
    )
    return TARGETS.assign(
        crps_a=crps_a, crps_b=crps_b, difference=ratio - 1, low=low - 1, high=high - 1, origins=both.sum(axis=0)
    )


Found = Iterator[tuple[str, str, Array | Interval]]


def _point_scores(observed: Array, points: dict[str, Array]) -> Found:
    for model, point in points.items():
        for metric in (metrics.mae, metrics.bias, metrics.rmse, metrics.nse, metrics.kge):
            yield model, metric.__name__, metric(observed, point)
    error = {model: np.abs(point - observed) for model, point in points.items()}
    for model in points:
        if model != "forecast":
            yield "forecast", f"mae_ratio_to_{model}", _ratio(error["forecast"], error[model])


def _band_scores(observed: Array, bands: dict[str, Array]) -> Found:
    for model, band in bands.items():
        low, high = (np.where(np.isnan(observed), np.nan, band[..., level]) for level in (P10, P90))
        yield model, "pinball", metrics.pinball(observed, band).mean(axis=-1)
        yield model, "crps", metrics.crps(observed, band)
        yield model, "coverage_80", metrics.coverage(observed, low, high)
        yield model, "width_80", metrics.width(low, high)
    loss = [crps_each(observed, bands[model]) for model in ("forecast", "climatology")]
    yield "forecast", "crps_skill_to_climatology", _skill(*loss)


def _low_flow_scores(observed: Array, forecasts: Array, last_week: Array, dressed: Array, thresholds: Array) -> Found:
    """Of the windows' means: who knew that the flow would stay below the season's P20 and P10?"""
    mean, last_week, quantiles = observed[:, len(LEADS) :], last_week[:, len(LEADS) :], forecasts[:, len(LEADS) :]
    for column, level in enumerate(baselines.LOW_FLOW_LEVELS):
        below, event = thresholds[..., column], f"below_p{100 * level:.0f}"
        occurred = np.where(np.isnan(mean), np.nan, mean < below)
        probability = {
            "forecast": metrics.probability_below(quantiles, below),
            "persistence_7d": (last_week < below).astype(np.float64),
            "persistence_7d_dressed": dressed[..., column],
            "climatology": np.full_like(below, level),
        }
        loss = {model: (p - occurred) ** 2 for model, p in probability.items()}
        for model, p in probability.items():
            yield model, f"brier_{event}", metrics.brier(occurred, p)
        for other in list(probability)[1:]:
            yield "forecast", f"brier_skill_{event}_to_{other}", _skill(loss["forecast"], loss[other])


def crps_each(observed: Array, quantiles: Array) -> Array:
    """The CRPS of each forecast, not averaged, (n, 33)."""
    return 2 * metrics.quantile_losses(observed, quantiles).mean(axis=-1)


def _skill(loss: Array, reference: Array) -> Interval:
    value, low, high = _ratio(loss, reference)
    return 1 - value, 1 - high, 1 - low


def _ratio(loss: Array, reference: Array) -> Interval:
    """Mean loss over mean reference loss per target, with its 90 % interval.

    Moving-block bootstrap (Künsch 1989, Ann. Stat. 17): blocks of 30 origins in time order are drawn with replacement,
    both losses of an origin together. A block is its sums, a resample how often each block is drawn. Fewer than two
    blocks' worth of pairs give no interval.

    Args:
        loss: (n, targets) in time order, NaN where not scored; likewise `reference`.
    """
    pairs = np.stack([loss, reference])
    known = ~np.isnan(pairs.sum(axis=0))
    pairs = np.where(known, pairs, 0.0)
    value = 1 - metrics.skill(*pairs.sum(axis=1))
    if len(loss) < 2 * BLOCK:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    blocks = sliding_window_view(pairs, BLOCK, axis=1).sum(axis=-1)
    n_blocks = blocks.shape[1]
    drawn = np.random.default_rng(SEED).multinomial(
        -(-len(loss) // BLOCK), np.full(n_blocks, 1 / n_blocks), size=RESAMPLES
    )
    resampled = 1 - metrics.skill(*(drawn.astype(np.float64) @ blocks))
    low, high = np.where(known.sum(axis=0) < 2 * BLOCK, np.nan, np.quantile(resampled, INTERVAL, axis=0))
    return value, low, high


def _rows(
    station: str, model: str, metric: str, values: Array | Interval, origins: npt.NDArray[np.int64]
) -> pd.DataFrame:
    """The rows of one metric, which is known for all targets or for the windows, the last ones, alone."""
    value, low, high = values if isinstance(values, tuple) else (values, np.nan, np.nan)
    return TARGETS[-len(value) :].assign(
        station=station, model=model, metric=metric, value=value, low=low, high=high, origins=origins[-len(value) :]
    )[list(COLUMNS)]
