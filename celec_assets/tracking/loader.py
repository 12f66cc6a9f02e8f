"""What `mlflow.pyfunc.load_model` calls to make a model of the document that is kept there. Nothing is pickled."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from celec_assets.forecasting.forecast import to_rows
from celec_assets.forecasting.training import model_inputs, predict


class StationModel:
    """A station's model as a notebook calls it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        """The document in the lake: `forecasting.training.train`."""

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Quantiles from the last observed day on: columns of `forecasting.forecast.COLUMNS` but for `kind`.

        Args:
            model_input: the station's daily series (`series.schema.COLUMNS`), or it and those of its neighbours in one
                frame with the further column `station`. A neighbour that is not there is done without.

        Raises:
            KeyError: the station's own series is not there.
            UnreadableModel: another version of celec_assets made the model.
        """
        own = self.document["station"]
        series = (
            {str(name): rows for name, rows in model_input.groupby("station")}
            if "station" in model_input
            else {own: model_input}
        )
        inputs = model_inputs(own, series[own], series)
        issue_date = inputs[0].index[-1].date()
        return to_rows(own, issue_date, issue_date, predict(self.document, inputs)).drop(columns="kind")


def _load_pyfunc(path: str) -> StationModel:
    """MLflow looks for this name."""
    return StationModel(json.loads(Path(path).read_text(encoding="utf-8")))
