"""Issued forecasts against what was then observed, by the same scores as the backtest.

A forecast counts as it was issued; what was made again or in hindsight is never looked at. Scored are observed,
unflagged days.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from celec_assets.forecasting import baselines, scores
from celec_assets.forecasting.backtest import QUANTILE_COLUMNS, TARGETS, as_array
from celec_assets.forecasting.forecast import LEADS, QUANTILES
from celec_assets.forecasting.season import Array

ISSUED_COLUMNS: Final = ("origin", "target_number", *QUANTILE_COLUMNS)
SCORE_COLUMNS: Final = ("month", "inputs_sha256", *scores.COLUMNS)
METRICS: Final = (
    "mae", "bias", "pinball", "crps", "coverage_80", "mae_ratio_to_persistence", "mae_ratio_to_climatology",
    "crps_skill_to_climatology",
)  # fmt: skip
"""What is kept of `scores.score`."""

RECENT_ORIGINS: Final = 60
MIN_RECENT: Final = 30
WEEK: Final = len(LEADS)
"""Target number of the mean of the next 7 days."""
WORST_OF: Final = 0.95


def gather(issued: Iterable[pd.DataFrame], known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Issued forecasts in one frame, `ISSUED_COLUMNS`, 33 rows an origin like a backtest, in order.

    Args:
        issued: rows of `forecast.COLUMNS`, a frame per issue date; known: what was gathered before.
    """
    frames = [] if known is None else [known]
    for forecast in issued:
        flows = forecast["flow_m3s"].to_numpy(np.float64).reshape(TARGETS, len(QUANTILES))
        rows = pd.DataFrame(flows, columns=list(QUANTILE_COLUMNS))
        numbers = pd.array(range(TARGETS), dtype="Int16")
        frames.append(rows.assign(origin=forecast["issue_date"].iloc[0], target_number=numbers)[list(ISSUED_COLUMNS)])
    return pd.concat(frames, ignore_index=True).sort_values(["origin", "target_number"], ignore_index=True)


def score_issued(
    station: str,
    issued: pd.DataFrame,
    flow_m3s: "pd.Series[float]",
    flow_observed_m3s: "pd.Series[float]",
    known: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Scores over all issue dates (`month` is "") and over those of each month (`2026-11`): `SCORE_COLUMNS`.

    Args:
        issued: of `gather`, at least one; flow_m3s and flow_observed_m3s: as for `scores.score`.
        known: earlier scores; a month's are kept where what they were made from is the same.
    """
    origins, flows = as_array(issued)
    there = origins.isin(flow_m3s.index)
    origins, flows = origins[there], flows[there]
    if not len(origins):  # corrected readings lack the day of every forecast
        numbers = dict.fromkeys(("value", "low", "high"), "float64") | {"origins": "int64"}
        return pd.DataFrame(columns=list(SCORE_COLUMNS)).astype({**scores.TARGETS.dtypes, **numbers})
    months = origins.strftime("%Y-%m").to_numpy()
    found = {} if known is None else dict(iter(known.groupby("inputs_sha256")))
    results = []
    for month in ["", *sorted(set(months))]:
        chosen = months == month if month else np.full(len(origins), fill_value=True)
        until = origins[chosen].max() + pd.Timedelta(days=LEADS[-1])
        inputs = (flow_m3s.loc[:until], flow_observed_m3s.loc[:until])
        sha256 = _fingerprint(month, origins[chosen], flows[chosen], *inputs)
        if sha256 not in found:
            rows = scores.score(station, origins[chosen], flows[chosen], *inputs)
            rows = rows[(rows["model"] == "forecast") & rows["metric"].isin(METRICS) & (rows["origins"] > 0)]
            found[sha256] = rows.assign(month=month, inputs_sha256=sha256)[list(SCORE_COLUMNS)]
        results.append(found[sha256])
    # pandas cannot join what is empty without a warning.
    return pd.concat([r for r in results if len(r)] or results[:1], ignore_index=True)


@dataclass(frozen=True)
class Promise:
    """CRPS of the next 7 days' mean over that of the calendar: over the last issue dates, and what was to be expected.

    `limit` is what the backtest stayed below in 95 % of its runs of as many origins. None where too little is known.
    """

    recent: float | None
    limit: float | None
    origins: int

    @property
    def is_kept(self) -> bool:
        """Whether recent forecasts are not clearly worse than the backtest."""
        return self.recent is None or self.limit is None or self.recent <= self.limit


def compare_with_backtest(
    issued: pd.DataFrame,
    backtest: pd.DataFrame | None,
    flow_m3s: "pd.Series[float]",
    flow_observed_m3s: "pd.Series[float]",
) -> Promise:
    """Whether the forecasts of the last 60 scored issue dates are as good as the backtest promised.

    Args:
        issued: of `gather`; backtest: forecasts of `backtest.run_backtest`, if there are any.
    """
    series = (flow_m3s, flow_observed_m3s)
    recent = _losses(issued, *series)[:, -RECENT_ORIGINS:]
    scored = recent.shape[1]
    if scored < MIN_RECENT:
        return Promise(None, None, scored)
    own, calendar = recent.sum(axis=1)
    past = _losses(backtest, *series) if backtest is not None else np.zeros((2, 0))
    limit = None
    if past.shape[1] >= 2 * scored:
        of_own, of_calendar = sliding_window_view(past, scored, axis=1).sum(axis=-1)
        limit = float(np.quantile(of_own / of_calendar, WORST_OF))
    return Promise(float(own / calendar), limit, scored)


def _losses(forecasts: pd.DataFrame, flow_m3s: "pd.Series[float]", flow_observed_m3s: "pd.Series[float]") -> Array:
    """(2, n): CRPS of the next 7 days' mean, the forecast's and the calendar's, where all is known, oldest first."""
    origins, flows = as_array(forecasts)
    there = origins.isin(flow_m3s.index)
    origins, flows = origins[there], flows[there]
    if not len(origins):
        return np.zeros((2, 0))
    observed = scores.observed_targets(flow_observed_m3s, origins)
    calendar = baselines.climatology(flow_m3s, origins)
    losses = np.stack([scores.crps_each(observed, bands)[:, WEEK] for bands in (flows, calendar)])
    return losses[:, ~np.isnan(losses.sum(axis=0))]


def _fingerprint(
    month: str,
    origins: pd.DatetimeIndex,
    flows: Array,
    flow_m3s: "pd.Series[float]",
    flow_observed_m3s: "pd.Series[float]",
) -> str:
    digest = hashlib.sha256(f"{month} {flow_m3s.index[0]:%Y-%m-%d}".encode())
    for values in (origins.to_numpy().astype(np.int64), flows, flow_m3s, flow_observed_m3s):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
