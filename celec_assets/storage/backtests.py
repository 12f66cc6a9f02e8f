"""Backtests, by station and recipe:

flow_backtest/<station>/<recipe>/forecasts.parquet   33 rows an origin (`forecasting.backtest.COLUMNS`)
flow_backtest/<station>/<recipe>/scores.parquet      `forecasting.scores.COLUMNS`
"""

from dataclasses import dataclass

import pandas as pd

from celec_assets.storage.formats import from_parquet, to_parquet
from celec_assets.storage.store import ObjectMissing, ObjectStore


@dataclass(frozen=True)
class Backtest:
    """What a recipe would have said at a station, and how good that would have been."""

    recipe: str
    forecasts: pd.DataFrame
    scores: pd.DataFrame


class Backtests:
    """The backtests of every station."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, station: str, backtest: Backtest) -> str:
        """Store a backtest. Returns the key of its scores."""
        folder = f"flow_backtest/{station}/{backtest.recipe}"
        self._store.put(f"{folder}/forecasts.parquet", to_parquet(backtest.forecasts))
        self._store.put(key := f"{folder}/scores.parquet", to_parquet(backtest.scores))
        return key

    def forecasts(self, station: str, recipe: str) -> pd.DataFrame | None:
        """The forecasts of a recipe on past days, if it was tested at the station."""
        return self._read(f"flow_backtest/{station}/{recipe}/forecasts.parquet")

    def scores(self, station: str, recipe: str) -> pd.DataFrame | None:
        """The scores of a recipe, if it was tested at the station."""
        return self._read(f"flow_backtest/{station}/{recipe}/scores.parquet")

    def _read(self, key: str) -> pd.DataFrame | None:
        try:
            return from_parquet(self._store.get(key))
        except ObjectMissing:
            return None
