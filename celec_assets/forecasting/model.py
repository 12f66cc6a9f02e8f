"""The model inside `flow_model`: Prophet for the season, direct regressions for what it leaves behind."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS

RECIPE: Final = "prophet-season-and-memory-1"
Array = npt.NDArray[np.float64]
ORDER: Final = 3


def _season(days: pd.DatetimeIndex) -> Array:
    angle = 2 * np.pi * np.arange(1, ORDER + 1) * (days - pd.Timestamp(0)).days.to_numpy()[:, None] / 365.25
    return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(len(days), -1)


def _memory(anomaly: "pd.Series[float]") -> Array:
    means = [anomaly.rolling(days, min_periods=1).mean() for days in (1, 3, 7, 30, 90)]
    return np.column_stack([np.ones(len(anomaly)), *(m.fillna(0.0) for m in means)])


@dataclass(frozen=True)
class FlowModel:
    level: float
    season: Array
    memory: Array
    spread: Array

    @classmethod
    def fit(cls, flow_m3s: "pd.Series[float]", covariates: Mapping[str, "pd.Series[float]"]) -> Self:
        from prophet import Prophet

        logging.getLogger("cmdstanpy").disabled = True
        log_flow = np.log(flow_m3s.clip(lower=1e-3))
        prophet = Prophet(
            growth="flat",
            weekly_seasonality=False,
            daily_seasonality=False,
            yearly_seasonality=ORDER,
            uncertainty_samples=0,
        )
        prophet.fit(pd.DataFrame({"ds": log_flow.index, "y": log_flow.to_numpy()}).dropna())
        days = pd.DatetimeIndex(log_flow.index)
        level = float(prophet.params["m"].ravel()[0]) * prophet.y_scale
        season = prophet.params["beta"].ravel()[: 2 * ORDER] * prophet.y_scale
        horizon = days.append(pd.date_range(days[-1] + pd.Timedelta(days=1), periods=30))
        curve = level + _season(horizon) @ season
        anomaly = log_flow - curve[: len(days)]
        x = _memory(anomaly)
        memory, spread = [], []
        for window in [(h, 1) for h in LEADS] + [(w, w) for w in WINDOWS]:
            ahead, width = window
            target = (
                np.log(flow_m3s.rolling(width).mean().shift(-ahead))
                - pd.Series(curve).rolling(width).mean().shift(-ahead).to_numpy()[: len(days)]
            )
            ok = target.notna().to_numpy() & flow_m3s.notna().to_numpy()
            beta = np.linalg.solve(x[ok].T @ x[ok] + 10 * np.eye(x.shape[1]), x[ok].T @ target[ok].to_numpy())
            memory.append(beta)
            spread.append(np.quantile(target[ok].to_numpy() - x[ok] @ beta, QUANTILES))
        return cls(round(level, 6), season.round(6), np.round(memory, 6), np.round(spread, 6))

    def forecast(self, flow_m3s: "pd.Series[float]", covariates: Mapping[str, "pd.Series[float]"]) -> Array:
        recent = flow_m3s.iloc[-120:]
        days = pd.DatetimeIndex(recent.index)
        ahead = pd.date_range(days[-1] + pd.Timedelta(days=1), periods=30)
        anomaly = np.log(recent.clip(lower=1e-3)) - (self.level + _season(days) @ self.season)
        curve = self.level + _season(ahead) @ self.season
        base = np.array([*curve, *(curve[:w].mean() for w in WINDOWS)])
        centre = base + self.memory @ _memory(anomaly)[-1]
        return np.exp(np.sort(centre[:, None] + self.spread, axis=1))

    def to_dict(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "season": self.season.tolist(),
            "memory": self.memory.tolist(),
            "spread": self.spread.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        return cls(stored["level"], *(np.array(stored[n]) for n in ("season", "memory", "spread")))
