"""Which model forecasts: what comes into use, what is kept out and why, and the way back."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from celec_assets.forecasting import training
from celec_assets.forecasting.backtest import QUANTILE_COLUMNS, TARGETS
from celec_assets.forecasting.gate import reasons_against, worse
from celec_assets.forecasting.sanity import impossible
from celec_assets.refusal import Refusal
from celec_assets.storage.store import FolderStore
from celec_assets.storage.versions import Models

DAYS = pd.date_range("2024-01-01", "2025-12-31")
FLOW = pd.Series(50 + 20 * np.sin(np.arange(len(DAYS)) / 20), index=DAYS)
SOUND = np.linspace(40, 60, 7) * np.ones((33, 1))


def test_a_sound_forecast_passes() -> None:
    assert impossible(SOUND, FLOW) == []


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (np.where(SOUND > 55, np.nan, SOUND), "finite"),
        (SOUND - 45, "positive"),
        (SOUND[:, ::-1], "ordered"),
        (SOUND * 100, "within reach"),
        (SOUND / 100, "within reach"),
    ],
)
def test_a_forecast_out_of_its_mind_is_named(spoilt: np.ndarray, reason: str) -> None:
    assert reason in [problem.split(":")[0] for problem in impossible(spoilt, FLOW)]


def test_a_model_in_use_that_loses_its_mind_forecasts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    series = pd.DataFrame({"day": DAYS, "flow_m3s": FLOW.to_numpy(), "flow_flag": "observed", "level_masl": np.nan})
    monkeypatch.setattr(training, "predict", lambda *_: SOUND)
    document = {"station": "geoglows-610000001"}
    assert len(training.issue(document, series, {}, date(2026, 1, 1))) == SOUND.size
    monkeypatch.setattr(training, "predict", lambda *_: SOUND - 45)
    with pytest.raises(
        training.ImpossibleForecast, match=r"positive: the lowest quantile is -5 m³/s.*roll the model back"
    ):
        training.issue(document, series, {}, date(2026, 1, 1))


def forecasts(error: float, days: pd.DatetimeIndex = DAYS[400:700], seed: int = 0) -> pd.DataFrame:
    """A backtest whose medians are off by so many m³/s, up or down."""
    rng = np.random.default_rng(seed)
    position = np.array([FLOW.index.get_loc(day) for day in days])
    leads = np.stack([FLOW.to_numpy()[position + lead] for lead in range(1, 31)], axis=1)
    truth = np.concatenate([leads, *(leads[:, :w].mean(axis=1, keepdims=True) for w in (7, 14, 30))], axis=1)
    centre = truth + error * rng.choice([-1, 1], size=(len(days), 1))
    flows = centre[..., None] + np.linspace(-5, 5, 7)
    rows = pd.DataFrame(flows.reshape(-1, 7), columns=list(QUANTILE_COLUMNS))
    return rows.assign(origin=days.repeat(TARGETS))


def test_a_recipe_that_is_worse_beyond_doubt_is_kept_out_with_figures() -> None:
    reasons = worse(forecasts(8), forecasts(3), FLOW)
    assert len(reasons) == 2
    assert "next 7 days' mean is +" in reasons[0]
    assert "300 origins" in reasons[0]


def test_a_better_recipe_and_an_equal_one_come_in() -> None:
    assert worse(forecasts(3), forecasts(8), FLOW) == []
    assert worse(forecasts(3), forecasts(3), FLOW) == []
    assert worse(forecasts(3, seed=1), forecasts(3, seed=2), FLOW) == []


def test_without_a_backtest_or_shared_origins_a_new_recipe_stays_out() -> None:
    assert "none of the new recipe" in worse(None, forecasts(3), FLOW)[0]
    assert "none of the recipe in use" in worse(forecasts(3), None, FLOW)[0]
    assert "share 100 origins" in worse(forecasts(3), forecasts(3, DAYS[600:700]), FLOW)[0]


OLD, NEW = {"recipe": "a"}, {"recipe": "b"}


@pytest.mark.parametrize(
    ("candidate", "present", "problems", "evidence", "rolled_back", "expected"),
    [
        (NEW, None, [], ["worse"], "", []),
        (OLD, OLD, [], ["worse"], "", []),
        (OLD, OLD, ["negative"], [], "", ["negative"]),
        (NEW, None, ["negative"], [], "", ["negative"]),
        (NEW, OLD, [], [], "", []),
        (NEW, OLD, [], ["worse"], "", ["worse"]),
        (NEW, OLD, [], [], "b", ["roll-back: recipe b was taken out of use here on request"]),
        (NEW, OLD, [], [], "c", []),
    ],
    ids=["first", "refit", "insane-refit", "insane-first", "better", "worse", "rolled-back", "newer-than-rolled-back"],
)
def test_the_rules(
    candidate: dict[str, Any],
    present: dict[str, Any] | None,
    problems: list[str],
    evidence: list[str],
    rolled_back: str,
    expected: list[str],
) -> None:
    assert reasons_against(candidate, present, problems, lambda: evidence, rolled_back) == expected


def document(recipe: str, day: str, rejected: list[str] | None = None) -> dict[str, Any]:
    return {"recipe": recipe, "trained_through": day, "rejected": rejected or []}


@pytest.fixture
def models(tmp_path) -> Models:
    return Models(FolderStore(tmp_path))


def test_a_rejected_model_is_kept_and_not_used(models: Models) -> None:
    first = models.write("mazar", document("a", "2025-01-05"))
    second = models.write("mazar", document("a", "2025-01-12", ["negative"]))
    pointer = models.pointer("mazar")
    assert (pointer.in_use, pointer.newest) == (first, second)
    assert models.read("mazar")["trained_through"] == "2025-01-05"


def test_roll_back_goes_one_model_back_each_time(models: Models) -> None:
    keys = [models.write("mazar", document("a", f"2025-01-{day}")) for day in ("05", "12", "19")]
    assert models.roll_back("mazar") == keys[1]
    assert models.read("mazar")["trained_through"] == "2025-01-12"
    assert models.roll_back("mazar") == keys[0]
    with pytest.raises(Refusal, match="no other model"):
        models.roll_back("mazar")


def test_a_recipe_that_was_rolled_back_is_remembered_until_another_comes(models: Models) -> None:
    models.write("mazar", document("a", "2025-01-05"))
    models.write("mazar", document("b", "2025-01-12"))
    models.roll_back("mazar")
    assert models.pointer("mazar").rolled_back == "b"
    models.write("mazar", document("b", "2025-01-19", ["roll-back"]))
    assert models.pointer("mazar").rolled_back == "b"
    models.write("mazar", document("a", "2025-01-19"))
    assert models.pointer("mazar").rolled_back == "b", "a refit of the recipe in use does not forget it"
    models.write("mazar", document("c", "2025-01-26"))
    assert models.pointer("mazar").rolled_back == ""
