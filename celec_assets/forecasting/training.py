"""From a clean series to a model document, and from document and series to a forecast. The statistics are in `model`.

Whatever is handed to the model ends with the last observed day: nothing later can be looked at.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from typing import Any, Final

import pandas as pd

from celec_assets.catalogue import station as find_station
from celec_assets.forecasting.forecast import to_rows
from celec_assets.forecasting.model import RECIPE, FlowModel
from celec_assets.refusal import Refusal
from celec_assets.series.schema import Flag, last_observed_day

MIN_OBSERVED_DAYS: Final = 365
"""With less, there is no telling the season from the weather."""


class SeriesTooShort(Refusal):
    """There are too few observed days to train a model."""


def train(station: str, series: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Train the model of a station on its catalogue's training window.

    Args:
        series: the station's daily series (`series.schema.COLUMNS`).
        others: daily series by station, for the covariates that the catalogue names.

    Returns:
        `station, recipe, trained_from, trained_through (ISO dates), observed_days, data_sha256, versions, model`.

    Raises:
        SeriesTooShort: fewer than 365 observed days.
    """
    flow, covariates = _inputs(station, series, others)
    observed = int((series["flow_flag"] == Flag.OBSERVED).sum())
    if observed < MIN_OBSERVED_DAYS:
        raise SeriesTooShort(f"{station} has {observed} observed days; a model needs {MIN_OBSERVED_DAYS}")
    flow = flow[flow.index > flow.index[-1] - pd.DateOffset(years=find_station(station).training_years)]
    data = pd.DataFrame({"flow_m3s": flow, **covariates}, index=flow.index)
    return {
        "station": station,
        "recipe": RECIPE,
        "trained_from": f"{flow.index[0]:%Y-%m-%d}",
        "trained_through": f"{flow.index[-1]:%Y-%m-%d}",
        "observed_days": int(flow.notna().sum()),
        "data_sha256": hashlib.sha256(data.to_csv().encode()).hexdigest(),
        "versions": {name: version(name) for name in ("prophet", "cmdstanpy", "numpy", "pandas")},
        "model": FlowModel.fit(flow, covariates).to_dict(),
    }


def issue(
    document: Mapping[str, Any], series: pd.DataFrame, others: Mapping[str, pd.DataFrame], made_on: date
) -> pd.DataFrame:
    """Forecast from the series' last observed day with a trained model. Returns rows as `forecast.to_rows` says.

    Args:
        document: what `train` returned.
        made_on: the local day of today.
    """
    station = document["station"]
    flow, covariates = _inputs(station, series, others)
    quantiles = FlowModel.from_dict(document["model"]).forecast(flow, covariates)
    return to_rows(station, flow.index[-1].date(), made_on, quantiles)


def _inputs(
    station: str, series: pd.DataFrame, others: Mapping[str, pd.DataFrame]
) -> tuple["pd.Series[float]", dict[str, "pd.Series[float]"]]:
    """Flow through the last observed day, and what else is known of these days: levels and neighbours' flows."""
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
