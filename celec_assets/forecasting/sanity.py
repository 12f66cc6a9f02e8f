"""What no river does, whatever a model says."""

from typing import Final

import numpy as np
import pandas as pd

from celec_assets.forecasting.forecast import QUANTILES
from celec_assets.forecasting.season import Array

FARTHEST: Final = 5.0
"""A median above so many times the highest, or below the lowest flow over so many, is not a forecast."""


def impossible(quantiles: Array, flow_m3s: "pd.Series[float]") -> list[str]:
    """What is wrong with a forecast, in words, each beginning with the check's name. Empty: nothing.

    Args:
        quantiles: (33, 7) in m³/s.
        flow_m3s: the station's clean series.
    """
    median = quantiles[:, QUANTILES.index(0.5)]
    low, high = float(flow_m3s.min()) / FARTHEST, float(flow_m3s.max()) * FARTHEST
    checks = {
        f"finite: {np.sum(~np.isfinite(quantiles))} quantiles are not numbers": np.isfinite(quantiles).all(),
        f"positive: the lowest quantile is {np.nanmin(quantiles):.3g} m³/s": np.nanmin(quantiles) > 0,
        "ordered: a quantile is below a lower one": (np.diff(quantiles, axis=1) >= 0).all(),
        f"within reach: medians from {np.nanmin(median):.3g} to {np.nanmax(median):.3g} m³/s, where {low:.3g} to "
        f"{high:.3g} can be": np.nanmin(median) >= low and np.nanmax(median) <= high,
    }
    return [problem for problem, passed in checks.items() if not passed]
