"""Models and forecasts stay as they were put; the pointer says which one counts."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS, Kind, to_rows
from celec_assets.refusal import Refusal
from celec_assets.storage.formats import from_parquet
from celec_assets.storage.store import FolderStore, ObjectMissing
from celec_assets.storage.versions import Forecasts, Models
from celec_assets_tests.stores import PowerCut, UnreliableStore, objects

# Models


def model(number: int, **fields: Any) -> dict[str, Any]:
    return {"trained_through": "2025-11-30", "recipe": "r1", "number": number, **fields}


def test_the_model_in_use_is_the_one_written_last_and_the_old_ones_stay(store: FolderStore) -> None:
    models = Models(store)
    assert not models.exists("mazar")
    first = models.write("mazar", model(1))
    second = models.write("mazar", model(2))
    assert models.read("mazar") == model(2)
    assert (models.pointer("mazar").in_use, models.pointer("mazar").earlier) == (second, (first,))
    assert models.at(first) == model(1)
    assert models.exists("mazar")
    assert not models.exists("molino")


def test_the_same_model_again_changes_nothing(store: FolderStore) -> None:
    Models(store).write("mazar", model(1))
    key = Models(store).write("mazar", model(2))
    before = objects(store)
    assert Models(store).write("mazar", dict(reversed(model(2).items()))) == key
    assert objects(store) == before


def test_a_rejected_model_is_kept_and_not_used(store: FolderStore) -> None:
    models = Models(store)
    key = models.write("mazar", model(1, rejected=["worse than before"]))
    assert not models.exists("mazar")
    models.write("mazar", model(2))
    models.write("mazar", model(3, rejected=["worse than before"]))
    assert models.read("mazar") == model(2)
    assert models.at(key)["rejected"] == ["worse than before"]


def test_a_roll_back_goes_to_the_model_before_step_by_step_and_no_further_than_the_first(store: FolderStore) -> None:
    models = Models(store)
    for number in (1, 2, 3):
        models.write("mazar", model(number))
    for number in (2, 1):
        models.roll_back("mazar")
        assert models.read("mazar") == model(number)
    with pytest.raises(Refusal, match="no other model"):
        models.roll_back("mazar")
    assert models.read("mazar") == model(1)


def test_a_model_whose_writing_is_interrupted_is_not_in_use_until_it_is_written_again(store: FolderStore) -> None:
    Models(store).write("mazar", model(1))
    with pytest.raises(PowerCut):
        Models(UnreliableStore(Path(store.url), 1)).write("mazar", model(2))
    assert Models(store).read("mazar") == model(1)
    Models(store).write("mazar", model(2))
    assert Models(store).read("mazar") == model(2)


def test_a_station_without_a_model_is_named(store: FolderStore) -> None:
    with pytest.raises(ObjectMissing, match="flow_model/mazar/in_use"):
        Models(store).read("mazar")


# Forecasts


def forecast(day: str, flow: float = 60.0, *, hindsight: bool = False) -> pd.DataFrame:
    issue_date = pd.Timestamp(day).date()
    flows = np.full((len(LEADS) + len(WINDOWS), len(QUANTILES)), float(flow))
    return to_rows("mazar", issue_date, issue_date + timedelta(days=60 if hindsight else 1), flows)


def shown(forecasts: Forecasts) -> tuple[str, str, float]:
    """Issue date, kind and flow of the forecast that is shown."""
    rows = forecasts.read("mazar")
    return f"{rows['issue_date'].iloc[0]:%Y-%m-%d}", rows["kind"].iloc[0], rows["flow_m3s"].iloc[0]


@pytest.fixture
def forecasts(store: FolderStore) -> Forecasts:
    return Forecasts(store)


def test_an_issued_forecast_comes_back_as_it_was_made(forecasts: Forecasts) -> None:
    assert not forecasts.exists("mazar")
    key = forecasts.write("mazar", forecast("2025-12-01"))
    assert key == forecasts.latest("mazar") == "flow_forecast/mazar/issued/2025-12-01.parquet"
    assert forecasts.exists("mazar")
    stored, made = forecasts.read("mazar"), forecast("2025-12-01")
    assert stored.astype(object).where(stored.notna(), None).equals(made.astype(object).where(made.notna(), None))


def test_the_first_forecast_of_a_date_stands_and_a_different_one_is_kept_as_remade(
    store: FolderStore, forecasts: Forecasts
) -> None:
    first = forecasts.write("mazar", forecast("2025-12-01", 60))
    issued = store.get(first)
    remade = forecasts.write("mazar", forecast("2025-12-01", 70))
    assert store.get(first) == issued
    assert remade.startswith("flow_forecast/mazar/remade/2025-12-01-")
    assert set(from_parquet(store.get(remade))["kind"]) == {Kind.REMADE}
    assert shown(forecasts) == ("2025-12-01", "issued", 60)


def test_the_same_forecast_again_changes_nothing(store: FolderStore, forecasts: Forecasts) -> None:
    for flow in (60, 70):
        forecasts.write("mazar", forecast("2025-12-01", flow))
    before = objects(store)
    for flow in (60, 70, 60):
        forecasts.write("mazar", forecast("2025-12-01", flow))
    assert objects(store) == before
    assert len(before) == 3  # issued, remade, pointer


def test_an_older_date_never_replaces_a_newer_one_as_the_forecast_to_show(forecasts: Forecasts) -> None:
    forecasts.write("mazar", forecast("2025-12-01", 60))
    forecasts.write("mazar", forecast("2025-12-02", 61))
    forecasts.write("mazar", forecast("2025-12-01", 60))
    assert shown(forecasts) == ("2025-12-02", "issued", 61)
    forecasts.write("mazar", forecast("2025-11-30", 59))
    assert shown(forecasts) == ("2025-12-02", "issued", 61)


def test_a_forecast_in_hindsight_is_kept_apart_and_never_replaces_an_issued_one(
    store: FolderStore, forecasts: Forecasts
) -> None:
    issued = forecasts.write("mazar", forecast("2025-12-01", 60))
    before = store.get(issued)
    hindsight = forecasts.write("mazar", forecast("2025-12-01", 99, hindsight=True))
    assert hindsight.startswith("flow_forecast/mazar/hindsight/2025-12-01-")
    assert store.get(issued) == before
    assert shown(forecasts) == ("2025-12-01", "issued", 60)


def test_hindsight_is_shown_where_nothing_newer_was_issued_and_no_longer_once_it_is(forecasts: Forecasts) -> None:
    forecasts.write("mazar", forecast("2025-11-30", 59))
    forecasts.write("mazar", forecast("2025-12-01", 60, hindsight=True))
    assert shown(forecasts) == ("2025-12-01", "hindsight", 60)
    forecasts.write("mazar", forecast("2025-11-29", 58, hindsight=True))
    assert shown(forecasts) == ("2025-12-01", "hindsight", 60)
    forecasts.write("mazar", forecast("2025-12-01", 61))
    assert shown(forecasts) == ("2025-12-01", "issued", 61)


def test_an_issue_that_was_interrupted_before_it_was_shown_is_shown_by_the_next_run(
    store: FolderStore, forecasts: Forecasts
) -> None:
    forecasts.write("mazar", forecast("2025-12-01", 60))
    with pytest.raises(PowerCut):
        Forecasts(UnreliableStore(Path(store.url), 1)).write("mazar", forecast("2025-12-02", 61))
    assert shown(forecasts) == ("2025-12-01", "issued", 60)
    forecasts.write("mazar", forecast("2025-12-02", 62))
    assert shown(forecasts) == ("2025-12-02", "issued", 61)


def test_each_station_has_its_own_forecasts(forecasts: Forecasts) -> None:
    forecasts.write("mazar", forecast("2025-12-01"))
    assert not forecasts.exists("molino")
    with pytest.raises(ObjectMissing, match="flow_forecast/molino/latest"):
        forecasts.read("molino")
