"""What is kept in MLflow of a model and of a backtest. The names are a contract: docs/architecture.md."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from celec_assets.forecasting.skill import ASKED_FOR, LEADS_SHOWN
from celec_assets.storage.backtests import Backtest

MODELS: Final = "flow_model"
"""The experiment with a run for each model that was trained."""
BACKTESTS: Final = "flow_backtest"
"""The experiment with a run for each Dagster run that backtested."""


@dataclass(frozen=True)
class Record:
    """What an MLflow run holds; `files` by their paths among its artifacts."""

    params: dict[str, str]
    metrics: dict[str, float]
    files: dict[str, bytes]
    tags: dict[str, str] = field(default_factory=dict)


def of_model(
    document: Mapping[str, Any],
    key: str,
    scores: pd.DataFrame | None,
    pictures: Mapping[str, bytes],
    links: Mapping[str, str],
) -> Record:
    """A trained model: where it came from, and how good its recipe was at the station.

    Args:
        document: what `forecasting.training.train` returned, with `rejected`.
        key: of the document in the lake.
        scores: of the recipe's backtest at the station (`forecasting.scores.COLUMNS`), if there is one.
        pictures: PNG by file name.
        links: further tags: the Dagster run that trained it.
    """
    plain = ("recipe", "format", "trained_from", "trained_through", "observed_days", "data_sha256")
    params = {name: str(document[name]) for name in plain}
    versions = {f"version/{library}": str(version) for library, version in document["versions"].items()}
    covariates = ", ".join(document["model"]["covariates"]) or "none"
    rejected = {"rejected": "; ".join(document["rejected"])} if document["rejected"] else {}
    return Record(
        {**params, **versions, "covariates": covariates},
        {} if scores is None else {f"backtest/{name}": value for name, value in figures(scores).items()},
        dict(pictures),
        {"station": document["station"], "recipe": document["recipe"], "object": key, **rejected, **links},
    )


def of_backtest(station: str, backtest: Backtest, pictures: Mapping[str, bytes]) -> Record:
    """One station's part of a run over any number of them: every name begins with the station, but for the recipe."""
    forecasts = backtest.forecasts
    params = {
        "first_origin": f"{forecasts['origin'].min():%Y-%m-%d}",
        "last_origin": f"{forecasts['origin'].max():%Y-%m-%d}",
        "origins": str(forecasts["origin"].nunique()),
        "data_sha256": str(forecasts["inputs_sha256"].iloc[-1]),
    }
    return Record(
        {"recipe": backtest.recipe, **{f"{station}/{name}": value for name, value in params.items()}},
        {f"{station}/{name}": value for name, value in figures(backtest.scores).items()},
        {f"{station}/{name}": content for name, content in pictures.items()},
    )


def figures(scores: pd.DataFrame) -> dict[str, float]:
    """The figures that people ask for, by metric and target: `mae_ratio_to_persistence.mean_7d`, `coverage_80.day_1`.

    Args:
        scores: of one station (`forecasting.scores.COLUMNS`).
    """
    asked = set(ASKED_FOR.values())
    found = {}
    for row in scores.to_dict("records"):
        is_day = row["target"] == "day"
        shown = not is_day or row["lead_days"] in LEADS_SHOWN
        if shown and (row["model"], row["metric"]) in asked and math.isfinite(row["value"]):
            target = f"day_{row['lead_days']}" if is_day else f"mean_{row['window_days']}d"
            found[f"{row['metric']}.{target}"] = float(row["value"])
    return found
