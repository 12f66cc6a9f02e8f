"""What a forecast is worth: one textbook function per metric. Which forecast is measured at what stands in `scores`.

Shapes: origins run along the first axis and are averaged over, so that (n,) gives one number and (n, 33) one per
target. `quantiles` has the levels of `QUANTILES` as its last axis, (n, …, 7). Flow is in m³/s. A pair in which either
value is NaN counts nowhere; a metric without a pair, or divided by zero, is NaN.
"""

from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from celec_assets.forecasting.forecast import QUANTILES

Array = npt.NDArray[np.float64]
LEVELS: Final = np.array(QUANTILES)
NORMAL_SCORES: Final = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])
NO_FLOW_M3S: Final = 1e-6
"""What stands for zero where a logarithm is taken."""


def mae(observed: Array, forecast: Array) -> Array:
    """Mean absolute error, mean |f - o| (m³/s): 0 to ∞, perfect 0. Willmott & Matsuura 2005, Clim. Res. 30."""
    return _mean(np.abs(forecast - observed))


def bias(observed: Array, forecast: Array) -> Array:
    """Mean error, mean (f - o) (m³/s): -∞ to ∞, perfect 0; positive is too wet. Murphy 1988, Mon. Weather Rev. 116."""
    return _mean(forecast - observed)


def rmse(observed: Array, forecast: Array) -> Array:
    """Root mean square error, √ mean (f - o)² (m³/s): 0 to ∞, perfect 0. Murphy 1988, Mon. Weather Rev. 116."""
    return np.sqrt(_mean((forecast - observed) ** 2))


def nse(observed: Array, forecast: Array) -> Array:
    """Efficiency, 1 - Σ(f - o)² / Σ(o - ō)²: -∞ to 1, perfect 1; 0 is as good as the mean ō of the observations.

    Nash & Sutcliffe 1970, J. Hydrol. 10. NaN where the observations do not vary.
    """
    observed, forecast = _paired(observed, forecast)
    return skill(_mean((forecast - observed) ** 2), _mean((observed - _mean(observed)) ** 2))


def kge(observed: Array, forecast: Array) -> Array:
    """Kling-Gupta efficiency, 1 - √((r - 1)² + (β - 1)² + (γ - 1)²): -∞ to 1, perfect 1.

    r is the correlation, β = f̄/ō the ratio of means, γ = (s_f/f̄)/(s_o/ō) that of the coefficients of variation: the
    form of Kling, Fuchs & Paulin 2012, J. Hydrol. 424-425, which keeps a bias from counting again as variability (Gupta
    et al. 2009, J. Hydrol. 377, have s_f/s_o for γ). NaN where either series does not vary.
    """
    observed, forecast = _paired(observed, forecast)
    mean_o, mean_f = _mean(observed), _mean(forecast)
    std_o, std_f = np.sqrt(_mean((observed - mean_o) ** 2)), np.sqrt(_mean((forecast - mean_f) ** 2))
    r = _ratio(_mean((observed - mean_o) * (forecast - mean_f)), std_o * std_f)
    beta, gamma = _ratio(mean_f, mean_o), _ratio(std_f * mean_o, mean_f * std_o)
    return np.asarray(1 - np.sqrt((r - 1) ** 2 + (beta - 1) ** 2 + (gamma - 1) ** 2))


def quantile_losses(observed: Array, quantiles: Array) -> Array:
    """Pinball loss of each forecast, (n, …, 7), not averaged: max(τ(o - q), (τ - 1)(o - q)) at level τ (m³/s)."""
    error = observed[..., None] - quantiles
    return np.maximum(LEVELS * error, (LEVELS - 1) * error)


def pinball(observed: Array, quantiles: Array) -> Array:
    """Mean pinball loss per level, (…, 7) (m³/s): 0 to ∞, perfect 0. Koenker & Bassett 1978, Econometrica 46."""
    return _mean(quantile_losses(observed, quantiles))


def crps(observed: Array, quantiles: Array) -> Array:
    """Continuous ranked probability score (m³/s): 0 to ∞, perfect 0; of a forecast without spread, its MAE.

    Twice the mean pinball loss over `QUANTILES`. The score itself is twice the integral over all levels (Matheson &
    Winkler 1976, Manage. Sci. 22; Gneiting & Ranjan 2011, J. Bus. Econ. Stat. 29): seven levels approximate it, well
    enough to compare forecasts of the same seven, not to set beside other people's figures.
    """
    return _mean(2 * quantile_losses(observed, quantiles).mean(axis=-1))


def coverage(observed: Array, low: Array, high: Array) -> Array:
    """Share of observations within [low, high]: 0 to 1, perfect is what the interval promises: 0.8 from p10 to p90.

    Gneiting, Balabdaoui & Raftery 2007, J. R. Stat. Soc. B 69.
    """
    observed, low, high = _paired(observed, low, high)
    return _mean(np.where(np.isnan(observed), np.nan, (low <= observed) & (observed <= high)))


def width(low: Array, high: Array) -> Array:
    """Mean width of an interval, mean (high - low) (m³/s): 0 to ∞, the smaller the better at equal coverage.

    Gneiting, Balabdaoui & Raftery 2007, J. R. Stat. Soc. B 69.
    """
    return _mean(high - low)


def brier(occurred: Array, probability: Array) -> Array:
    """Brier score, mean (p - e)² with e = 1 where the event came, else 0: 0 to 1, perfect 0.

    Brier 1950, Mon. Weather Rev. 78.
    """
    return _mean((probability - occurred) ** 2)


def skill(score: Array, reference: Array) -> Array:
    """Share of the reference's error that is gone, 1 - score/reference: -∞ to 1, perfect 1; 0 is no better.

    For scores whose perfect value is 0. Murphy 1988, Mon. Weather Rev. 116.
    """
    return 1 - _ratio(score, reference)


def probability_below(quantiles_flow: Array, threshold: Array) -> Array:
    """Probability that flow stays below a threshold, from its quantiles: 0 to 1.

    The normal score Φ⁻¹(τ) runs linearly in log flow between the quantiles, so that between two of them flow is
    lognormal, and beyond the outermost ones with the slope of the outermost pair.

    Args:
        quantiles_flow: (…, 7), not falling along the last axis (m³/s).
        threshold: (…) (m³/s).
    """
    known = np.log(np.maximum(quantiles_flow, NO_FLOW_M3S))
    sought = np.log(np.maximum(threshold, NO_FLOW_M3S))[..., None]
    left = np.clip((known < sought).sum(axis=-1, keepdims=True) - 1, 0, len(LEVELS) - 2)
    start, end = np.take_along_axis(known, left, axis=-1), np.take_along_axis(known, left + 1, axis=-1)
    slope = (NORMAL_SCORES[left + 1] - NORMAL_SCORES[left]) / np.maximum(end - start, 1e-9)
    score = NORMAL_SCORES[left] + (sought - start) * slope
    below: Array = np.vectorize(NormalDist().cdf, otypes=[np.float64])(score[..., 0])
    return below


def _paired(*series: Array) -> tuple[Array, ...]:
    """The series, NaN in all wherever one is."""
    missing = np.isnan(sum(series, start=np.zeros(())))
    return tuple(np.where(missing, np.nan, values) for values in series)


def _mean(values: Array) -> Array:
    """Mean along the first axis of what is not NaN; NaN of nothing, without numpy's warning."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below != 0)
