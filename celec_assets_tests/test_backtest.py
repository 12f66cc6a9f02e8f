"""The backtest is the publishing code on past days, sees nothing later, and computes only what is new."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from celec_assets.catalogue import station
from celec_assets.forecasting import backtest, skill, training
from celec_assets.forecasting.backtest import TARGETS, as_array, run_backtest
from celec_assets.sample import sample_files
from celec_assets.series.cleaning import clean
from celec_assets.sources import read_raw_file

LAST_DAY = date(2025, 11, 30)
ORIGIN = pd.Timestamp("2025-11-12")
FIRST, LAST = pd.Timestamp("2025-11-04"), pd.Timestamp("2025-11-25")
USED = ("mazar", "paute-basin", "molino", "minas-san-francisco")


@pytest.fixture(scope="module")
def readings() -> dict[str, pd.DataFrame]:
    """Three years of the sample, by station, as the lake keeps them."""
    files = [
        read_raw_file(name, content, LAST_DAY)[1].assign(raw_file=name)
        for name, content in sample_files(last_day=LAST_DAY, years=3, reaches=())
        if "celec-sur" in name
    ]
    return dict(iter(pd.concat(files).groupby("station")))


def cleaned(readings: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {
        name: clean(
            station(name),
            readings[name],
            {o: readings[o] for o in (*station(name).neighbours, *station(name).may_be_copy_of)},
        )
        for name in USED
    }


@pytest.fixture(scope="module")
def series(readings: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return cleaned(readings)


@pytest.fixture(scope="module")
def result(series: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return run_backtest("mazar", series["mazar"], series, FIRST, LAST)


def flows_until(result: pd.DataFrame, origin: pd.Timestamp) -> np.ndarray:
    origins, flows = as_array(result)
    return flows[origins <= origin]


def test_there_is_a_forecast_from_every_observed_day(result: pd.DataFrame) -> None:
    origins, flows = as_array(result)
    assert list(origins) == list(pd.date_range(FIRST, LAST))
    assert flows.shape == (22, TARGETS, 7)
    assert (flows > 0).all()
    assert (np.diff(flows, axis=2) >= 0).all()


CHANGES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "ten times the flow": lambda later: later.assign(flow_m3s=later["flow_m3s"] * 10),
    "no flow": lambda later: later.assign(flow_m3s=0.0),
    "no level": lambda later: later.assign(level_masl=np.nan),
    "all stuck": lambda later: later.assign(flow_m3s=33.25),
    "nothing at all": lambda later: later.iloc[:0],
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_that_is_read_after_an_origin_changes_its_forecast(
    change: str, readings: dict[str, pd.DataFrame], result: pd.DataFrame
) -> None:
    altered = {
        name: pd.concat([frame[frame["day"] <= ORIGIN], CHANGES[change](frame[frame["day"] > ORIGIN])])
        for name, frame in readings.items()
    }
    series = cleaned(altered)
    again = run_backtest("mazar", series["mazar"], series, FIRST, ORIGIN)
    np.testing.assert_array_equal(flows_until(again, ORIGIN), flows_until(result, ORIGIN))


def test_what_was_read_before_an_origin_does_change_it(readings: dict[str, pd.DataFrame], result: pd.DataFrame) -> None:
    altered = {n: f.assign(flow_m3s=f["flow_m3s"].mask(f["day"] == ORIGIN, 55.5)) for n, f in readings.items()}
    series = cleaned(altered)
    again = run_backtest("mazar", series["mazar"], series, FIRST, ORIGIN)
    assert (flows_until(again, ORIGIN)[-1] != flows_until(result, ORIGIN)[-1]).any()
    np.testing.assert_array_equal(flows_until(again, ORIGIN)[:-1], flows_until(result, ORIGIN)[:-1])


def test_it_is_the_code_that_publishes(series: dict[str, pd.DataFrame], result: pd.DataFrame) -> None:
    """A model trained through the Sunday before, and the series up to the origin, published by the ordinary road."""
    sunday = pd.Timestamp("2025-11-09")
    known_then = {name: frame[frame["day"] <= sunday] for name, frame in series.items()}
    model = training.train("mazar", known_then["mazar"], known_then)
    known_now = {name: frame[frame["day"] <= ORIGIN] for name, frame in series.items()}
    published = training.issue(model, known_now["mazar"], known_now, made_on=ORIGIN.date())
    np.testing.assert_array_equal(published["flow_m3s"], flows_until(result, ORIGIN)[-1].ravel())


def test_a_later_backtest_computes_new_weeks_only(
    series: dict[str, pd.DataFrame], result: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Any] = []
    monkeypatch.setattr(backtest, "train_on", lambda *a: trained.append(a) or training.train_on(*a))
    longer = run_backtest("mazar", series["mazar"], series, FIRST, pd.Timestamp("2025-11-30"), known=result)
    assert len(trained) == 2, "the week that was cut short and the one that is new"
    np.testing.assert_array_equal(flows_until(longer, LAST), flows_until(result, LAST))
    fresh = run_backtest("mazar", series["mazar"], series, FIRST, pd.Timestamp("2025-11-30"))
    pd.testing.assert_frame_equal(longer, fresh)


def test_a_corrected_past_is_tested_again(series: dict[str, pd.DataFrame], result: pd.DataFrame) -> None:
    mazar = series["mazar"]
    corrected = {**series, "mazar": mazar.assign(flow_m3s=mazar["flow_m3s"].mask(mazar["day"] == ORIGIN, 55.5))}
    again = run_backtest("mazar", corrected["mazar"], corrected, FIRST, LAST, known=result)
    fresh = run_backtest("mazar", corrected["mazar"], corrected, FIRST, LAST)
    pd.testing.assert_frame_equal(again, fresh)


def test_only_observed_days_are_origins(series: dict[str, pd.DataFrame]) -> None:
    flag = series["mazar"]["flow_flag"].mask(series["mazar"]["day"] == ORIGIN, "suspect")
    with_a_hole = {**series, "mazar": series["mazar"].assign(flow_flag=flag)}
    assert ORIGIN not in set(as_array(run_backtest("mazar", with_a_hole["mazar"], with_a_hole, FIRST, LAST))[0])


def test_a_station_in_its_first_year_has_nothing_to_test(series: dict[str, pd.DataFrame]) -> None:
    young = {name: frame.tail(300) for name, frame in series.items()}
    with pytest.raises(skill.NothingToScore, match="mazar has no year of observed days"):
        skill.backtest_and_score("mazar", young, FIRST, LAST)


def test_the_skill_table_is_the_mean_over_stations() -> None:
    def scores(name: str, value: float) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "station": [name], "target": ["mean"], "lead_days": pd.array([None], "Int16"),
                "window_days": pd.array([7], "Int16"), "model": ["forecast"], "metric": ["mae_ratio_to_peer"], "value": [value],
            }
        )  # fmt: skip

    table = skill.skill_table(pd.concat([scores("a", 0.6), scores("b", 0.8)])).set_index("target")
    assert table.loc["mean of next 7 days", "MAE / peer"] == pytest.approx(0.7)
