"""The seasonal curve of a river in log flow, fitted by Prophet, and what each target would be if the flow followed it.

Prophet (Taylor and Letham 2018) with flat growth, yearly and weekly Fourier terms. Its trend and its bands are left
out: the one carries the last wet or dry year onward, the others are not calibrated (docs/method.md). Of the fitted
model only the coefficients are kept, and the curve is evaluated here: it is the same curve, a thousand times faster.
"""

import logging
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from celec_assets.forecasting.forecast import LEADS, WINDOWS

Array: TypeAlias = npt.NDArray[np.float64]

YEAR_DAYS: Final = 365.25
WEEK_DAYS: Final = 7.0
YEARLY_ORDER: Final = 1
WEEKLY_ORDER: Final = 3
YEARLY_FROM_DAYS: Final = 730
"""A shorter record has no yearly season: one year's weather is not the season. Prophet's own rule."""
HORIZON: Final = LEADS[-1]


def as_days(index: pd.DatetimeIndex) -> Array:
    """Days since 1970-01-01, which is where Prophet's seasons begin."""
    return index.to_numpy().astype("datetime64[D]").astype(np.float64)


def fourier(days: Array, period_days: float, order: int) -> Array:
    """Sine and cosine of 2πnt / period for n = 1 to order, in Prophet's order. Shape (days, 2 order)."""
    angle = 2 * np.pi * np.arange(1, order + 1) * days[:, None] / period_days
    return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(len(days), 2 * order)


def has_yearly_season(days: Array) -> bool:
    """Whether a record is long enough to tell the season from the weather."""
    return len(days) >= YEARLY_FROM_DAYS


def fit_season(days: Array, log_flow: Array) -> Array:
    """Prophet's level, yearly and weekly coefficients, in units of log flow. Missing days (NaN) are left out."""
    logging.getLogger("prophet.plot").disabled = True  # says at ERROR that plotly is not there
    from prophet import Prophet

    for name in ("prophet", "cmdstanpy"):  # a line a fit; short series are refused, or accepted, elsewhere
        logging.getLogger(name).disabled = True
    yearly = has_yearly_season(days)
    seen = np.isfinite(log_flow)
    frame = pd.DataFrame({"ds": days[seen].astype("int64").astype("datetime64[D]"), "y": log_flow[seen]})
    prophet = Prophet(
        growth="flat",
        yearly_seasonality=YEARLY_ORDER if yearly else False,
        weekly_seasonality=WEEKLY_ORDER,
        daily_seasonality=False,
        uncertainty_samples=0,
    ).fit(frame)
    none = [] if yearly else [0.0] * (2 * YEARLY_ORDER)
    return np.r_[prophet.params["m"].ravel()[0], none, prophet.params["beta"].ravel()] * prophet.y_scale


def curve(season: Array, days: Array) -> Array:
    """s(t) = level + yearly + weekly terms, in log flow, on any day: what `Prophet.predict` gives."""
    waves = np.c_[fourier(days, YEAR_DAYS, YEARLY_ORDER), fourier(days, WEEK_DAYS, WEEKLY_ORDER)]
    return season[0] + waves @ season[1:]


def targets(values: Array, share: float) -> Array:
    """What follows each day: the values of the next 30 days and their means over 7, 14 and 30 days.

    Args:
        values: (days,); missing ones NaN.
        share: of a window's days must be there, else its mean is missing.

    Returns:
        (days, 33), NaN where not known.
    """
    n = len(values)
    padded = np.r_[values, np.full(HORIZON, np.nan)]
    daily = np.stack([padded[lead : lead + n] for lead in LEADS], axis=1)
    seen = np.isfinite(daily)
    total, count = np.cumsum(np.where(seen, daily, 0.0), axis=1), np.cumsum(seen, axis=1)
    means = [
        np.where(
            (count[:, window - 1] >= share * window) & (np.arange(n) + window < n),
            total[:, window - 1] / np.maximum(count[:, window - 1], 1),
            np.nan,
        )
        for window in WINDOWS
    ]
    return np.c_[daily, np.stack(means, axis=1)]


def seasonal_targets(season: Array, days: Array) -> Array:
    """S_j(t): the log of each target's value if the flow were exp(s). Shape (days, 33)."""
    on = np.r_[days, days[-1] + np.arange(1, HORIZON + 1)]
    return np.log(targets(np.exp(curve(season, on)), share=1.0)[: len(days)])
