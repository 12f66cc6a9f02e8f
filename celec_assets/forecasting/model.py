"""The model inside `flow_model`: a seasonal curve, regressions on what it leaves behind, and calibrated quantiles.

With q the flow, s the seasonal curve (`season`), a = log q - s the anomaly and z what is known on the issue date
(`memory`), each of the 33 targets y_j is modelled as

    log y_j(t) = S_j(t) + z(t)'c_j + σ_j(t) ε_j

where S_j is the log of the target's value if the flow were exp(s), c_j the mean of three members, and the quantiles of
ε_j come from errors out of sample (`spread`). Multi-day means are targets of their own. docs/method.md has the figures.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from celec_assets.forecasting.memory import MEMORY_DAYS, carried, features, regress, standardised
from celec_assets.forecasting.season import (
    YEAR_DAYS,
    Array,
    as_days,
    curve,
    fit_season,
    fourier,
    has_yearly_season,
    seasonal_targets,
    targets,
)
from celec_assets.forecasting.spread import calibrate, state

RECIPE: Final = "prophet-memory-1"
"""Names code and settings. Raise it with every change that changes a forecast."""

FORMAT: Final = 1
"""Of the stored document. A recipe may change without it: then models of the recipe before still forecast."""

SEEN_SHARE: Final = 0.8
"""Of a window's days must be observed for its mean to be learnt from, and to be scored."""
BLOCKS: Final = (4, 10)
"""Cross-fitting blocks: one a year, within these numbers."""
DIGITS: Final = 5
"""Significant digits of a stored number. Processors differ from about the tenth on; what is stored must not."""


@dataclass(frozen=True)
class FlowModel:
    """A fitted station as plain arrays: `fit`, then `forecast` as often as new days come."""

    covariates: dict[str, Array]  # level and harmonics of each one's log
    yearly: bool  # whether there is a yearly season
    season: Array  # Prophet's coefficients
    mean: Array  # of the features
    deviation: Array
    members: list[Array]  # coefficients (columns used, targets)
    scale: Array  # (state, targets)
    bounds: Array  # (2, targets)
    quantiles: Array  # (targets, quantiles) of the scaled error

    @classmethod
    def fit(cls, flow_m3s: "pd.Series[float]", covariates: Mapping[str, "pd.Series[float]"]) -> Self:
        """Fit a station on all days of its series. The same input gives the same model.

        Args:
            flow_m3s: daily flow up to the last observed day, without holes in the index; missing days are NaN.
            covariates: other daily series by name (flows, levels), NaN where missing. Those with less than a year of
                values, or none in the last week, are left out.
        """
        index = pd.DatetimeIndex(flow_m3s.index)
        days, log_flow = as_days(index), _log(flow_m3s, index)
        used, others = _fit_covariates(covariates, index, days)
        season = fit_season(days, log_flow)
        anomaly = log_flow - curve(season, days)
        rows = np.flatnonzero(np.isfinite(log_flow))
        rows = rows[rows >= MEMORY_DAYS]
        yearly = has_yearly_season(days)
        z, widths = features(anomaly, others, days, yearly)
        mean, deviation = np.nanmean(z[rows], axis=0), np.nanstd(z[rows], axis=0) + 1e-9
        y = (np.log(targets(np.exp(log_flow), SEEN_SHARE)) - seasonal_targets(season, days))[rows]
        members, crossed = regress(standardised(z[rows], mean, deviation), y, widths, _blocks(len(rows)))
        return cls(used, yearly, season, mean, deviation, members, *calibrate(y - crossed, state(anomaly, days)[rows]))

    def forecast(self, flow_m3s: "pd.Series[float]", covariates: Mapping[str, "pd.Series[float]"]) -> Array:
        """Quantiles (33 targets, 7) in m³/s, issued on the last day of the series, which must be observed."""
        index = pd.date_range(end=flow_m3s.index[-1], periods=3 * MEMORY_DAYS)
        days = as_days(index)
        anomaly = _log(flow_m3s, index) - curve(self.season, days)
        others = [_log(covariates.get(name), index) - _harmonics(days) @ c for name, c in self.covariates.items()]
        z = standardised(features(anomaly, others, days, self.yearly)[0][-1:], self.mean, self.deviation)
        # When a neighbour is silent, the member that does not know it is left.
        silent = any(np.isnan(carried(other)[-1]) for other in others)
        members = self.members[:1] if silent else self.members
        point = seasonal_targets(self.season, days[-1:]) + np.mean([z[:, : len(c)] @ c for c in members], axis=0)
        sigma = np.exp(np.clip(state(anomaly, days)[-1:] @ self.scale, *self.bounds))
        return np.exp(point.T + sigma.T * self.quantiles)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, numbers rounded to `DIGITS` significant digits."""
        return _plain(asdict(self))

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The model that `to_dict` gave."""
        arrays = {
            name: np.asarray(stored[name]) for name in ("season", "mean", "deviation", "scale", "bounds", "quantiles")
        }
        covariates = {name: np.asarray(v) for name, v in stored["covariates"].items()}
        members = [np.asarray(coefficients) for coefficients in stored["members"]]
        return cls(covariates=covariates, yearly=stored["yearly"], members=members, **arrays)


def _fit_covariates(
    covariates: Mapping[str, "pd.Series[float]"], index: pd.DatetimeIndex, days: Array
) -> tuple[dict[str, Array], list[Array]]:
    """Level and harmonics of each usable covariate's log, and what they leave behind."""
    waves = _harmonics(days)
    used: dict[str, Array] = {}
    for name in sorted(covariates):
        values = _log(covariates[name], index)
        seen = np.isfinite(values)
        if seen.sum() >= YEAR_DAYS and np.isfinite(carried(values)[-1]):
            left = waves[seen].T @ waves[seen] + 1e-5 * seen.sum() * np.eye(waves.shape[1])
            used[name] = np.linalg.solve(left, waves[seen].T @ values[seen])
    return used, [_log(covariates[name], index) - waves @ c for name, c in used.items()]


def _blocks(rows: int) -> list[slice]:
    edges = np.linspace(0, rows, int(np.clip(rows // 365, *BLOCKS)) + 1).astype(int)
    return [slice(int(first), int(last)) for first, last in pairwise(edges)]


def _log(values: "pd.Series[float] | None", index: pd.DatetimeIndex) -> Array:
    there = np.full(len(index), np.nan) if values is None else values.reindex(index).to_numpy(np.float64)
    return np.log(np.where(there > 0, there, np.nan))


def _harmonics(days: Array) -> Array:
    return np.c_[np.ones(len(days)), fourier(days, YEAR_DAYS, 2)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, np.ndarray | list):
        return [_plain(v) for v in value]
    return value if isinstance(value, bool) else float(f"{value:.{DIGITS}g}")
