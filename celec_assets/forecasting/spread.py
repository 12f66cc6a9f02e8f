"""How far the truth lies from the point forecast: quantiles of out-of-sample errors, scaled by season and state.

Split conformal prediction (Lei et al. 2018) on errors that were divided by a fitted scale.
"""

from typing import Final

import numpy as np

from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS
from celec_assets.forecasting.memory import MEMORY_DAYS, carried, trailing
from celec_assets.forecasting.season import YEAR_DAYS, Array, fourier

REACH_DAYS: Final = np.array([*LEADS, *WINDOWS], dtype=np.float64)
"""Days from the issue date to the end of each target."""
HALF_SHARE_DAYS: Final = 8.0
"""The reach at which half of a target's error is taken to belong to the year and not to the weather."""
SCALE_RIDGE: Final = 0.03
MEDIAN: Final = QUANTILES.index(0.5)


def state(anomaly: Array, days: Array) -> Array:
    """What the spread depends on: a constant, the season, the recent level, how far and which way today is off it."""
    mean = np.nan_to_num(trailing(anomaly, MEMORY_DAYS))
    jump = np.nan_to_num(carried(anomaly)) - mean
    return np.c_[np.ones(len(anomaly)), fourier(days, YEAR_DAYS, 1), np.clip(np.c_[mean, jump, np.abs(jump)], -2, 2)]


def calibrate(error: Array, x: Array) -> tuple[Array, Array, Array]:
    """Scale, its bounds, and quantiles of the scaled error, for every target.

    log σ_j = x'g_j by ridge regression on log|e_j|; then the empirical quantiles of e_j / σ_j, widened for a year that
    is not in the record: with n years at hand, a new year's effect has 1 + 1/n times its variance around theirs, and
    its share of the error is taken as reach / (reach + `HALF_SHARE_DAYS`), little at day 1 and most of it at day 30.

    Args:
        error: (rows, targets) cross-fitted errors in log flow, NaN where unknown.
        x: (rows, columns) from `state`.

    Returns:
        g (columns, targets); bounds of log σ (2, targets); quantiles (targets, quantiles).
    """
    scale, bounds = np.zeros((x.shape[1], len(REACH_DAYS))), np.zeros((2, len(REACH_DAYS)))
    quantiles = np.zeros((len(REACH_DAYS), len(QUANTILES)))
    for target, reach in enumerate(REACH_DAYS):
        seen = np.isfinite(error[:, target])
        xs, e = x[seen], error[seen, target]
        size = np.log(np.abs(e) + 0.1 * np.median(np.abs(e)) + 1e-6)
        penalty = np.diag(SCALE_RIDGE * len(e) * np.var(xs, axis=0) + 1e-6)
        scale[:, target] = np.linalg.solve(xs.T @ xs + penalty, xs.T @ size)
        fitted = xs @ scale[:, target]
        bounds[:, target] = np.quantile(fitted, [0.02, 0.98])
        q = np.quantile(e / np.exp(np.clip(fitted, *bounds[:, target])), QUANTILES)
        wider = np.sqrt(1 + reach / (reach + HALF_SHARE_DAYS) * YEAR_DAYS / len(e))
        quantiles[target] = q[MEDIAN] + (q - q[MEDIAN]) * wider
    return scale, bounds, quantiles
