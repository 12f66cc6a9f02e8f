"""What people do without us: last value, last week, the calendar, the published peer. How good it is: `scores`.

Shapes: n origins, 33 targets (`LEADS`, then the means of `WINDOWS`, both from the day after the origin on), flow in
m³/s. `flow_m3s` is a daily series without holes in its index, NaN where a value is missing; an origin is a day with a
value. Nothing after an origin is looked at. "A year earlier" is the same month and day; of 29 February mostly the 28th.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
N_TARGETS: Final = len(LEADS) + len(WINDOWS)

WEEK_MIN_DAYS: Final = 4
"""A 7-day mean needs most of its days."""
SEASON: Final = np.arange(-15, 16)
"""Days around a calendar day that count as its season."""
SEASON_MIN_VALUES: Final = 16
"""Half of one season: with fewer values, the calendar day has no earlier year to speak of."""
LOW_FLOW_LEVELS: Final = (0.2, 0.1)
ANALOGUE_RATIO_BOUNDS: Final = (0.33, 3.0)
"""As published: a year three times as wet still serves as a pattern, no more than that."""


def persistence(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex) -> Array:
    """The origin's own flow for every target, (n, 33)."""
    return np.repeat(_at(_values(flow_m3s), _positions(flow_m3s, origins))[:, None], N_TARGETS, axis=1)


def persistence_7d(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex) -> Array:
    """The mean of the 7 days up to and including the origin for every target, (n, 33); 4 of them suffice."""
    return np.repeat(_at(_last_week(flow_m3s), _positions(flow_m3s, origins))[:, None], N_TARGETS, axis=1)


def climatology(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex) -> Array:
    """The calendar's quantiles, (n, 33, 7) at `QUANTILES`, NaN without an earlier year.

    For a lead: of the flows on the days within 15 calendar days of the target day, in all years before the target's.
    For a window: of the means of the complete windows of that length that begin within 15 calendar days of the day
    after the origin, in all earlier years. The last such window ends ten months before the origin.
    """
    days = pd.date_range(origins.min(), origins.max() + pd.Timedelta(days=LEADS[-1]))
    by_day = usual_days(flow_m3s, days, QUANTILES)
    leads = by_day[(origins - days[0]).days.to_numpy()[:, None] + np.array(LEADS)]
    return np.concatenate([leads, usual_means(flow_m3s, origins, QUANTILES)], axis=1)


def usual_days(flow_m3s: "pd.Series[float]", days: pd.DatetimeIndex, levels: tuple[float, ...]) -> Array:
    """Quantiles of the flow within 15 calendar days of these days, in all years before theirs, (n, levels).

    Args:
        days: need not lie within the series.
    """
    return _season_quantiles(flow_m3s, _values(flow_m3s), days, levels)


def usual_means(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex, levels: tuple[float, ...]) -> Array:
    """Quantiles of the windows' means around the day after the origin, in earlier years, (n, 3, levels)."""
    starts, values = origins + pd.Timedelta(days=1), _values(flow_m3s)
    mean_from = (sliding_window_view(np.append(values, [np.nan] * (days - 1)), days).mean(axis=-1) for days in WINDOWS)
    return np.stack([_season_quantiles(flow_m3s, means, starts, levels) for means in mean_from], axis=1)


def low_flow_thresholds(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex) -> Array:
    """The season's P20 and P10 of the means of `WINDOWS`, (n, 3, 2): quantiles of `climatology`'s windows.

    P20 is the flow below which every fifth such mean of earlier years stayed.
    """
    return usual_means(flow_m3s, origins, LOW_FLOW_LEVELS)


def dressed_probability_below(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex, thresholds: Array) -> Array:
    """Probability that a window's mean stays below the thresholds, from the last week alone, (n, 3, 2).

    7-day persistence dressed with its own past errors (Roulston & Smith 2003, Tellus A 55): how often, over windows
    that had ended by then, their mean was a smaller multiple of the week before than the threshold is of the last week.
    """
    week, origin = _last_week(flow_m3s), _positions(flow_m3s, origins)
    with np.errstate(divide="ignore", invalid="ignore"):
        multiple = targets_after(flow_m3s, np.arange(len(flow_m3s)))[:, -len(WINDOWS) :] / week[:, None]
        sought = thresholds / _at(week, origin)[:, None, None]
    below = np.full_like(sought, np.nan)
    for window, days in enumerate(WINDOWS):
        past = (np.arange(len(week)) <= origin[:, None] - days) & ~np.isnan(multiple[:, window])
        for level in range(sought.shape[2]):
            smaller = (past & (multiple[:, window] < sought[:, window, level, None])).sum(axis=1)
            np.divide(smaller, past.sum(axis=1), out=below[:, window, level], where=past.any(axis=1))
    return np.where(np.isnan(sought), np.nan, below)


def peer(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex) -> Array:
    """The best published peer: mean of calendar and analogue years, (n, 33), NaN without an earlier year.

    Both are medians over earlier years y of what came after the origin's calendar day: T_y itself, and T_y m/m_y, where
    m is the 7-day mean at the origin and m_y that year's; the ratio m/m_y is held within 0.33 and 3.
    """
    week, origin = _last_week(flow_m3s), _positions(flow_m3s, origins)
    earlier = _positions_in_earlier_years(flow_m3s, origins)
    came = targets_after(flow_m3s, earlier)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.clip(_at(week, origin)[:, None] / _at(week, earlier), *ANALOGUE_RATIO_BOUNDS)
    calendar, analogue = (
        _quantiles(values.swapaxes(1, 2), (0.5,), at_least=1)[..., 0] for values in (came, came * ratio[..., None])
    )
    return (calendar + analogue) / 2


def targets_after(flow_m3s: "pd.Series[float]", origins: pd.DatetimeIndex | Positions) -> Array:
    """What came after the origins, (…, 33): flow on each lead day and mean of each window.

    NaN outside of the series, and unless every day of a window has a value.

    Args:
        origins: days, or their positions in the series, of any shape.
    """
    position = _positions(flow_m3s, origins) if isinstance(origins, pd.DatetimeIndex) else origins
    leads = _at(_values(flow_m3s), position[..., None] + np.array(LEADS))
    means = [leads[..., :window].mean(axis=-1, keepdims=True) for window in WINDOWS]
    return np.concatenate([leads, *means], axis=-1)


def _values(flow_m3s: "pd.Series[float]") -> Array:
    return np.asarray(flow_m3s, dtype=np.float64)


def _last_week(flow_m3s: "pd.Series[float]") -> Array:
    return _values(flow_m3s.rolling(7, min_periods=WEEK_MIN_DAYS).mean())


def _positions(flow_m3s: "pd.Series[float]", days: pd.DatetimeIndex) -> Positions:
    """Where the days stand in the series, or would if it were longer."""
    first, last = flow_m3s.index[0], flow_m3s.index[-1]
    assert len(flow_m3s) == (last - first).days + 1, "a daily series without holes in its index"
    return (days - first).days.to_numpy().astype(np.int64)


def _positions_in_earlier_years(flow_m3s: "pd.Series[float]", days: pd.DatetimeIndex) -> Positions:
    """(n, years): where the same calendar day stands one, two, ... years earlier; negative before the series."""
    years = range(1, days.max().year - flow_m3s.index[0].year + 2)
    return np.stack([_positions(flow_m3s, days - pd.DateOffset(years=back)) for back in years], axis=1)


def _at(values: Array, position: Positions) -> Array:
    """The values at these positions, NaN outside."""
    found = values[np.clip(position, 0, len(values) - 1)]
    found[(position < 0) | (position >= len(values))] = np.nan
    return found


def _season_quantiles(
    flow_m3s: "pd.Series[float]", values: Array, days: pd.DatetimeIndex, levels: tuple[float, ...]
) -> Array:
    """(n, levels): quantiles of what the values, one a day of the series, were around these days in earlier years."""
    season = _positions_in_earlier_years(flow_m3s, days)[..., None] + SEASON
    return _quantiles(_at(values, season).reshape(len(days), -1), levels, at_least=SEASON_MIN_VALUES)


def _quantiles(values: Array, levels: tuple[float, ...], at_least: int) -> Array:
    """`np.nanquantile` along the last axis, (…, levels), all rows at once; NaN of fewer values than that."""
    ordered, known = np.sort(values, axis=-1), (~np.isnan(values)).sum(axis=-1, keepdims=True)
    last = np.maximum(known - 1, 0)
    rank = last * np.array(levels)
    left = np.floor(rank).astype(np.int64)
    below = np.take_along_axis(ordered, left, axis=-1)
    above = np.take_along_axis(ordered, np.minimum(left + 1, last), axis=-1)
    return np.where(known >= at_least, below + (above - below) * (rank - left), np.nan)
