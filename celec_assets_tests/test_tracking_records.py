"""What MLflow is told, and that nothing is told where it is off."""

import subprocess
import sys

import pandas as pd
import pytest

from celec_assets.forecasting.scores import COLUMNS
from celec_assets.storage.lake import Lake
from celec_assets.storage.store import FolderStore
from celec_assets.tracking.records import figures, of_model
from celec_assets.tracking.resource import Tracking

DOCUMENT = {
    "station": "mazar", "recipe": "r1", "format": 1, "trained_from": "2020-01-01", "trained_through": "2025-12-31",
    "observed_days": 2190, "data_sha256": "ab", "versions": {"prophet": "1.2.1"},
    "model": {"covariates": {"flow:molino": [], "level:mazar": []}}, "rejected": [],
}  # fmt: skip


def score(model: str, metric: str, lead: int | None, window: int | None, value: float) -> dict[str, object]:
    target = "day" if lead else "mean"
    row = ("mazar", target, lead, window, model, metric, value, value, value, 100)
    return dict(zip(COLUMNS, row, strict=True))


SCORES = pd.DataFrame(
    [
        score("forecast", "mae_ratio_to_persistence", 1, None, 0.9),
        score("forecast", "mae_ratio_to_persistence", None, 7, 0.8),
        score("forecast", "mae_ratio_to_persistence_7d", None, 7, 0.7),
        score("forecast", "coverage_80", None, 14, 0.81),
        score("forecast", "coverage_80", 2, None, 0.79),  # a lead that no table shows
        score("climatology", "coverage_80", None, 14, 0.75),  # not ours
        score("forecast", "nse", None, 7, 0.5),  # nobody asks
        score("forecast", "crps_skill_to_climatology", None, 30, float("nan")),
    ]
).astype({"lead_days": "Int16", "window_days": "Int16"})


def test_the_figures_that_people_ask_for_have_names_that_tell_metric_from_target() -> None:
    assert figures(SCORES) == {
        "mae_ratio_to_persistence.day_1": 0.9,
        "mae_ratio_to_persistence.mean_7d": 0.8,
        "mae_ratio_to_persistence_7d.mean_7d": 0.7,
        "coverage_80.mean_14d": 0.81,
    }


def test_a_models_record_says_where_it_came_from_and_how_good_its_recipe_was() -> None:
    record = of_model({**DOCUMENT, "rejected": ["a", "b"]}, "the/key.json", SCORES, {"x.png": b"p"}, {"run": "1"})
    assert record.params == {
        "recipe": "r1", "format": "1", "trained_from": "2020-01-01", "trained_through": "2025-12-31",
        "observed_days": "2190", "data_sha256": "ab", "version/prophet": "1.2.1", "covariates": "flow:molino, level:mazar",
    }  # fmt: skip
    assert record.metrics["backtest/coverage_80.mean_14d"] == 0.81
    assert record.files == {"x.png": b"p"}
    assert record.tags == {"station": "mazar", "recipe": "r1", "object": "the/key.json", "rejected": "a; b", "run": "1"}


def test_a_model_without_a_backtest_has_no_metrics_and_one_in_use_no_reasons() -> None:
    record = of_model(DOCUMENT, "the/key.json", None, {}, {})
    assert record.metrics == {}
    assert "rejected" not in record.tags


def test_where_mlflow_is_off_nothing_is_drawn_asked_or_said(store: FolderStore) -> None:
    tracking = Tracking(url="off", dagster_url="http://localhost:3000")
    assert tracking.model(Lake(store), DOCUMENT, lambda _: pytest.fail("drawn")) == {}
    assert tracking.follow(Lake(store), "mazar") == "MLflow is off"


def test_the_resource_loads_mlflow_when_it_is_used_and_not_before() -> None:
    script = "import sys, celec_assets.tracking.resource; print({'mlflow', 'dagster_mlflow'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
