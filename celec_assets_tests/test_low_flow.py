"""Probabilities of low flow, and lights that follow from issued forecasts alone."""

import itertools
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celec_assets.forecasting.forecast import LEADS, WINDOWS, to_rows
from celec_assets.forecasting.low_flow import COLUMNS, RULES, assess, change, with_levels

ISSUED = date(2025, 6, 30)


def series(years: int = 6) -> "pd.Series[float]":
    """Every year the same: 100 m³/s and a season of 50 m³/s around it."""
    days = pd.date_range(end=ISSUED, periods=365 * years)
    return pd.Series(100 + 50 * np.cos(days.dayofyear / 365.25 * 2 * np.pi), days)


def forecast(flow: float, spread: float = 0.3) -> pd.DataFrame:
    quantiles = flow * np.exp(spread * np.array([-1.645, -1.282, -0.674, 0, 0.674, 1.282, 1.645]))
    return to_rows("mazar", ISSUED, ISSUED, np.tile(quantiles, (len(LEADS) + len(WINDOWS), 1)))


def assessed(*below: tuple[float, float]) -> pd.DataFrame:
    """An issue date a day from (highest probability below P20, below P10)."""
    rows = [
        (pd.Timestamp(ISSUED) + pd.Timedelta(days=day), window, 30.0, 20.0, share * p20, share * p10)
        for day, (p20, p10) in enumerate(below)
        for window, share in zip(WINDOWS, (0.5, 1.0, 0.0), strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS[:-1])).astype({"window_days": "Int16"})


def lights(*below: tuple[float, float]) -> list[str]:
    return with_levels(assessed(*below)).drop_duplicates("issue_date")["level"].to_list()


def test_a_forecast_far_below_the_season_is_surely_low_and_one_far_above_is_not() -> None:
    low, high = assess(forecast(5), series()), assess(forecast(500), series())
    assert (low[["below_p20", "below_p10"]] > 0.99).all(axis=None)
    assert (high[["below_p20", "below_p10"]] < 0.01).all(axis=None)
    assert list(low["window_days"]) == list(WINDOWS)


def test_a_forecast_whose_median_is_the_mark_is_below_it_with_one_half() -> None:
    marks = assess(forecast(50), series())
    for number, mark in enumerate(marks["p20_m3s"]):
        assert assess(forecast(mark), series())["below_p20"].iloc[number] == pytest.approx(0.5, abs=0.01)


def test_the_marks_are_those_of_earlier_years_and_know_nothing_of_later_days() -> None:
    known = series()
    later = pd.concat([known, pd.Series(1.0, pd.date_range(ISSUED, periods=400)[1:])])
    pd.testing.assert_frame_equal(assess(forecast(60), known), assess(forecast(60), later))


def test_without_an_earlier_year_nothing_is_said_and_no_light_is_lit() -> None:
    short = assess(forecast(5), series().iloc[-200:])
    assert short[["p20_m3s", "below_p20"]].isna().all(axis=None)
    assert with_levels(short)["level"].isna().all()


@pytest.mark.parametrize(
    ("below", "light"),
    [((0.2, 0.1), "green"), ((0.35, 0.1), "yellow"), ((0.5, 0.2), "orange"), ((0.6, 0.5), "red"), ((0.49, 0.5), "red")],
)
def test_the_worst_rule_of_any_window_lights_up(below: tuple[float, float], light: str) -> None:
    assert lights(below) == [light]


def test_a_light_stays_until_the_probability_is_clearly_lower() -> None:
    probabilities = [(0.34, 0), (0.35, 0), (0.26, 0), (0.25, 0), (0.24, 0), (0.34, 0)]
    assert lights(*probabilities) == ["green", "yellow", "yellow", "yellow", "green", "green"]
    assert lights((0.6, 0.5), (0.6, 0.4), (0.6, 0.39), (0.39, 0.0), (0.2, 0.0)) == [
        "red", "red", "orange", "yellow", "green",
    ]  # fmt: skip


PROBABILITIES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30)


@given(PROBABILITIES, st.randoms())
def test_the_same_issued_forecasts_give_the_same_lights_in_whatever_order_they_come(probabilities, random) -> None:
    table = assessed(*probabilities)
    shuffled = table.sample(frac=1, random_state=random.randrange(1000))
    expected = with_levels(table)
    pd.testing.assert_frame_equal(with_levels(shuffled), expected)
    # One after the other, as they are issued, is the same as all at once.
    known = with_levels(table[table["issue_date"] == table["issue_date"].min()])
    for _, rows in list(table.groupby("issue_date"))[1:]:
        known = with_levels(pd.concat([known, rows]))
    pd.testing.assert_frame_equal(known, expected)


@given(PROBABILITIES)
def test_no_light_flickers_while_the_probability_moves_by_less_than_the_step(probabilities) -> None:
    step = min(rule.lit_from - rule.lit_until for rule in RULES)
    base = probabilities[0][0]
    wobbling = [(min(1.0, max(0.0, base + share * step * 0.49)), 0.0) for share, _ in probabilities]
    seen = lights(*wobbling)
    changes = sum(a != b for a, b in itertools.pairwise(seen))
    assert changes <= len(RULES)


def test_a_change_is_told_once() -> None:
    none, first = with_levels(assessed((0.2, 0.1)))[:0], with_levels(assessed((0.6, 0.5)))
    assert change(none, first) == ("green", "red")
    assert change(first, first) is None
    assert change(none, none) is None
    assert change(first, with_levels(assessed((0.6, 0.5), (0.1, 0.0)))) == ("red", "green")
    assert change(first, with_levels(assessed((0.6, 0.5), (0.6, 0.5)))) is None


def test_what_was_stored_goes_on_where_it_was(tmp_path) -> None:
    from celec_assets.storage.lake import Lake

    lake = Lake.open(str(tmp_path))
    lake.warnings.write("mazar", with_levels(assessed((0.6, 0.5))))
    longer = pd.concat([lake.warnings.read("mazar"), assessed((0.6, 0.5), (0.5, 0.45))[3:]])
    assert with_levels(longer)["level"].to_list() == ["red"] * 6
