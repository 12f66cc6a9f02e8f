"""What a forecast is: its rows, its quantiles, and of which kind it is. How it is made stands in `model`."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

LEADS: Final = tuple(range(1, 31))
"""Days ahead; lead 1 is the day after the issue date."""
WINDOWS: Final = (7, 14, 30)
"""Days over which a mean is forecast, from lead 1 on."""
QUANTILES: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
COLUMNS: Final = ("station", "issue_date", "kind", "target", "lead_days", "window_days", "quantile", "flow_m3s")

HINDSIGHT_AFTER: Final = timedelta(days=7)
"""A forecast made so long after its issue date could have been seen by nobody in time to matter."""


class Kind(StrEnum):
    """Whether a forecast counts. Only issued ones are scored."""

    ISSUED = "issued"
    REMADE = "remade"
    HINDSIGHT = "hindsight"


def to_rows(station: str, issue_date: date, made_on: date, flow_m3s: npt.NDArray[np.float64]) -> pd.DataFrame:
    """A forecast as rows, `COLUMNS`, flow rounded to 1 L/s.

    Args:
        issue_date: the last observed day.
        made_on: the local day on which the forecast is made.
        flow_m3s: (33, 7): per lead of `LEADS` and then per window of `WINDOWS` the flow at `QUANTILES`.

    Returns:
        `target` is `day`, with `lead_days` (`window_days` missing), or `mean`, the other way round.
    """
    n_leads, n_windows, n_quantiles = len(LEADS), len(WINDOWS), len(QUANTILES)
    kind = Kind.HINDSIGHT if made_on - issue_date > HINDSIGHT_AFTER else Kind.ISSUED
    leads = pd.array([*LEADS, *[None] * n_windows], dtype="Int16").repeat(n_quantiles)
    windows = pd.array([*[None] * n_leads, *WINDOWS], dtype="Int16").repeat(n_quantiles)
    return pd.DataFrame(
        {
            "station": station,
            "issue_date": pd.Timestamp(issue_date),
            "kind": kind.value,
            "target": np.repeat(["day"] * n_leads + ["mean"] * n_windows, n_quantiles),
            "lead_days": leads,
            "window_days": windows,
            "quantile": np.tile(QUANTILES, n_leads + n_windows),
            "flow_m3s": flow_m3s.reshape(-1).round(3),
        },
        columns=list(COLUMNS),
    )


def summary(forecast: pd.DataFrame) -> dict[str, float]:
    """What a planner asks first (m³/s): flow tomorrow, mean of the next 7 and of the next 14 days, with p10 and p90."""
    horizon = {"tomorrow": ("lead_days", 1), "mean_7d": ("window_days", 7), "mean_14d": ("window_days", 14)}
    percentile = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
    return {
        f"{name}_{p}_m3s": float(
            forecast.loc[(forecast[column] == days) & (forecast["quantile"] == quantile), "flow_m3s"].iloc[0]
        )
        for name, (column, days) in horizon.items()
        for p, quantile in percentile.items()
    }
