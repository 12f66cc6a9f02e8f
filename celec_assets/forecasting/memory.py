"""What a river remembers: regressions of every target on what is known on the issue date.

The targets are predicted directly, each by a regression of its own, and not by repeating a one-day step (Marcellino,
Stock and Watson 2006).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from celec_assets.forecasting.season import HORIZON, YEAR_DAYS, Array, fourier

MEMORY_DAYS: Final = 14
"""The longest look back of a mean."""
STALE_DAYS: Final = 7
"""A value is carried over at most so many missing days."""
RIDGE: Final = 10.0
"""Penalty per 1,000 rows, on features in standard units."""


def carried(values: Array) -> Array:
    """The last value carried forward, over at most `STALE_DAYS` missing days."""
    return np.asarray(pd.Series(values).ffill(limit=STALE_DAYS), np.float64)


def trailing(values: Array, days: int) -> Array:
    """The mean of the last days, where at least half of them are there."""
    return np.asarray(pd.Series(values).rolling(days, min_periods=(days + 1) // 2).mean(), np.float64)


def _lagged(values: Array, days: int) -> Array:
    return np.r_[np.full(days, np.nan), values[:-days]]


def features(anomaly: Array, others: Sequence[Array], days: Array, yearly: bool) -> tuple[Array, tuple[int, ...]]:
    """z(t), and how many of its columns (and the constant) each member uses; each member uses ever more.

    - Own: a(t), a(t-1), means of 3, 7 and 14 days.
    - Of each other series b: b(t), b(t) - b(t-1), b(t) - b(t-7), mean of 14 days.
    - Season: a(t) and its 14-day mean times sin and cos of the year, for memory is longer in one season than another.
      No member of a record without a yearly season uses these.

    Args:
        anomaly: (days,) log flow less the seasonal curve.
        others: the same of neighbours and levels.
        yearly: whether there is a yearly season.
    """
    now, mean = carried(anomaly), trailing(anomaly, MEMORY_DAYS)
    columns = [now, _lagged(now, 1), trailing(anomaly, 3), trailing(anomaly, 7), mean]
    widths = {1 + len(columns)}
    for other in others:
        value = carried(other)
        columns += [value, value - _lagged(value, 1), value - _lagged(value, 7), trailing(other, MEMORY_DAYS)]
    widths.add(1 + len(columns))
    if yearly:
        columns += [value * wave for value in (now, mean) for wave in fourier(days, YEAR_DAYS, 1).T]
        widths.add(1 + len(columns))
    return np.stack(columns, axis=1), tuple(sorted(widths))


def standardised(z: Array, mean: Array, deviation: Array) -> Array:
    """A constant, then the features in standard units, held within 4; a missing one is average."""
    return np.c_[np.ones(len(z)), np.clip(np.nan_to_num((z - mean) / deviation), -4.0, 4.0)].astype(np.float64)


def _ridge(gram: Array, right: Array, count: Array, width: int) -> Array:
    """Coefficients (width, targets) of the leading columns. The penalty grows with the rows; the constant is free."""
    left = gram[:, :width, :width].copy()
    left[:, range(1, width), range(1, width)] += (RIDGE * count / 1000 + 1e-9)[:, None]
    left[:, 0, 0] += 1e-9
    return np.asarray(np.linalg.solve(left, right[:, :width, None])[:, :, 0].T, np.float64)


def regress(z: Array, y: Array, widths: Sequence[int], blocks: Sequence[slice]) -> tuple[list[Array], Array]:
    """Ridge regressions (Hoerl and Kennard 1970) of every target and every member.

    The normal equations of all targets come from one product of matrices; a member's are a leading part of them, and
    those without a block are the whole less the block.

    Args:
        z: (rows, columns) standardised features; y: (rows, targets), NaN where unknown.
        widths: how many leading columns each member uses.
        blocks: parts of the rows, in order of time, for cross-fitting.

    Returns:
        The coefficients of each member, (width, targets), and the members' mean prediction of every row by
        coefficients that saw neither its block nor the 30 rows on either side of it (hv-block, Racine 2000).
    """
    columns = z.shape[1]
    i, j = np.triu_indices(columns)
    pairs, seen = z[:, i] * z[:, j], np.isfinite(y)
    known = np.where(seen, y, 0.0)

    def normal(rows: slice) -> tuple[Array, Array, Array]:
        gram = np.empty((y.shape[1], columns, columns))
        gram[:, i, j] = gram[:, j, i] = (pairs[rows].T @ seen[rows].astype(np.float64)).T
        return gram, (z[rows].T @ known[rows]).T, seen[rows].sum(axis=0)

    total = normal(slice(None))
    crossed = np.full_like(y, np.nan)
    for block in blocks:
        near = normal(slice(max(block.start - HORIZON, 0), block.stop + HORIZON))
        gram, right, count = (whole - part for whole, part in zip(total, near, strict=True))
        crossed[block] = np.mean([z[block, :w] @ _ridge(gram, right, count, w) for w in widths], axis=0)
    return [_ridge(*total, width) for width in widths], crossed
