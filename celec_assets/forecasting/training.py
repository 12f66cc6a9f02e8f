"""From a clean series to a model document, and from document and series to a forecast. The statistics are in `model`.

Whatever is handed to the model ends with the last observed day: nothing later can be looked at.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import pandas as pd

from celec_assets.catalogue import station as find_station
from celec_assets.forecasting.forecast import to_rows
from celec_assets.forecasting.model import FORMAT, RECIPE, FlowModel
from celec_assets.forecasting.sanity import impossible
from celec_assets.forecasting.season import Array
from celec_assets.refusal import Refusal
from celec_assets.series.schema import Flag, last_observed_day

MIN_OBSERVED_DAYS: Final = 365
"""With less, there is no telling the season from the weather."""

Inputs = tuple["pd.Series[float]", dict[str, "pd.Series[float]"]]


class SeriesTooShort(Refusal):
    """There are too few observed days to train a model."""


class ImpossibleForecast(Refusal):
    """The model in use says what no river does."""


class UnreadableModel(Refusal):
    """The stored model was made by another version of the code."""


def train(station: str, series: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Train the model of a station on its catalogue's training window.

    Args:
        series: the station's daily series (`series.schema.COLUMNS`).
        others: daily series by station, for the covariates that the catalogue names.

    Returns:
        `station, recipe, format, trained_from` and `trained_through` (ISO dates), `observed_days, data_sha256,
        versions, model`.

    Raises:
        SeriesTooShort: fewer than 365 observed days.
    """
    observed = int((series["flow_flag"] == Flag.OBSERVED).sum())
    return train_on(station, model_inputs(station, series, others), observed)


def train_on(station: str, inputs: Inputs, observed_days: int) -> dict[str, Any]:
    """The model document of a station from its inputs: what `train` returns and the backtest trains with."""
    if observed_days < MIN_OBSERVED_DAYS:
        raise SeriesTooShort(f"{station} has {observed_days} observed days; a model needs {MIN_OBSERVED_DAYS}")
    flow, covariates = inputs
    flow = flow[flow.index > flow.index[-1] - pd.DateOffset(years=find_station(station).training_years)]
    covariates = {name: values.reindex(flow.index) for name, values in covariates.items()}
    return {
        "station": station,
        "recipe": RECIPE,
        "format": FORMAT,
        "trained_from": f"{flow.index[0]:%Y-%m-%d}",
        "trained_through": f"{flow.index[-1]:%Y-%m-%d}",
        "observed_days": observed_days,
        "data_sha256": fingerprint((flow, covariates)),
        "versions": {name: version(name) for name in ("prophet", "cmdstanpy", "numpy", "pandas")},
        "model": FlowModel.fit(flow, covariates).to_dict(),
    }


def predict(document: Mapping[str, Any], inputs: Inputs) -> Array:
    """Quantiles (33 targets, 7) in m³/s from the last day of the inputs on, with a model that `train` returned.

    Raises:
        UnreadableModel: this version does not know the document's format.
    """
    if document["format"] != FORMAT:
        raise UnreadableModel(
            f"the model is of format {document['format']}, this version reads {FORMAT}; train it anew"
        )
    return FlowModel.from_dict(document["model"]).forecast(*inputs)


def issue(
    document: Mapping[str, Any], series: pd.DataFrame, others: Mapping[str, pd.DataFrame], made_on: date
) -> pd.DataFrame:
    """Forecast from the series' last observed day. Returns rows as `forecast.to_rows` says.

    Args:
        document: what `train` returned.
        made_on: the local day of today.

    Raises:
        ImpossibleForecast: it is not finite, not positive, not ordered or out of all reach: none is better than that.
    """
    inputs = model_inputs(document["station"], series, others)
    quantiles = predict(document, inputs)
    if problems := impossible(quantiles, inputs[0]):
        raise ImpossibleForecast("; ".join(problems) + "; roll the model back or train it anew")
    return to_rows(document["station"], inputs[0].index[-1].date(), made_on, quantiles)


def model_inputs(station: str, series: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> Inputs:
    """Flow through the last observed day, and the covariates of these days.

    Raises:
        SeriesTooShort: no day is observed.
    """
    last = last_observed_day(series)
    if last is None:
        raise SeriesTooShort(f"{station} has no observed day")
    daily = series.set_index("day").loc[:last]
    covariates = {}
    for covariate in find_station(station).covariates:
        quantity, _, name = covariate.partition(":")
        if (other := series if name == station else others.get(name)) is not None:
            values = other.set_index("day")["flow_m3s" if quantity == "flow" else "level_masl"]
            covariates[covariate] = values.reindex(daily.index)
    return daily["flow_m3s"], covariates


def through(inputs: Inputs, day: pd.Timestamp) -> Inputs:
    """The inputs as they were known on an earlier day."""
    flow, covariates = inputs
    return flow.loc[:day], {name: values.loc[:day] for name, values in covariates.items()}


def fingerprint(inputs: Inputs) -> str:
    """SHA-256 of everything that a model or a forecast is made from."""
    flow, covariates = inputs
    digest = hashlib.sha256(f"{flow.index[0]:%Y-%m-%d}".encode())
    for name, values in {"flow": flow, **dict(sorted(covariates.items()))}.items():
        digest.update(name.encode() + np.ascontiguousarray(values, np.float64).tobytes())
    return digest.hexdigest()
