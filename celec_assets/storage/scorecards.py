"""Scorecards, by station:

forecast_scorecard/<station>/issued.parquet   every issued forecast (`forecasting.scorecard.ISSUED_COLUMNS`)
forecast_scorecard/<station>/scores.parquet   `forecasting.scorecard.SCORE_COLUMNS`
"""

from dataclasses import dataclass

import pandas as pd

from celec_assets.storage.formats import from_parquet, to_parquet
from celec_assets.storage.store import ObjectMissing, ObjectStore


@dataclass(frozen=True)
class Scorecard:
    """What was issued at a station, in one frame, and how good it was."""

    issued: pd.DataFrame
    scores: pd.DataFrame


class Scorecards:
    """The scorecards of every station."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, station: str, scorecard: Scorecard) -> str:
        """Store a scorecard. Returns the key of its scores."""
        self._store.put(f"forecast_scorecard/{station}/issued.parquet", to_parquet(scorecard.issued))
        self._store.put(key := f"forecast_scorecard/{station}/scores.parquet", to_parquet(scorecard.scores))
        return key

    def read(self, station: str) -> Scorecard:
        """A station's scorecard. Raises `ObjectMissing`."""
        issued, scores = (
            from_parquet(self._store.get(f"forecast_scorecard/{station}/{name}.parquet"))
            for name in ("issued", "scores")
        )
        return Scorecard(issued, scores)

    def exists(self, station: str) -> bool:
        """Whether the station has one."""
        return self._store.exists(f"forecast_scorecard/{station}/scores.parquet")

    def find(self, station: str) -> Scorecard | None:
        """A station's scorecard, if it has one."""
        try:
            return self.read(station)
        except ObjectMissing:
            return None
