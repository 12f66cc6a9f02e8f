"""Baselines on small series whose answers are known, and blind to whatever comes after the origin."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from celec_assets.forecasting import baselines
from celec_assets.forecasting.forecast import LEADS, WINDOWS

Array = npt.NDArray[np.float64]
Flow = pd.Series
N_LEADS = len(LEADS)


def dressed(flow: Flow, origins: pd.DatetimeIndex) -> Array:
    return baselines.dressed_probability_below(flow, origins, baselines.low_flow_thresholds(flow, origins))


ALL = (
    baselines.persistence, baselines.persistence_7d, baselines.climatology, baselines.low_flow_thresholds,
    baselines.peer, dressed,
)  # fmt: skip


def series(first: str, last: str, flow: Callable[[pd.DatetimeIndex], object]) -> Flow:
    days = pd.date_range(first, last)
    return pd.Series(np.asarray(flow(days), dtype=float), days)


def ramp(first: str, last: str) -> Flow:
    """Flow is the number of the day: 0, 1, 2, ..."""
    return series(first, last, lambda days: np.arange(len(days)))


def river(first: str = "2019-01-01", last: str = "2023-12-31") -> Flow:
    """A season, weather and a few missing days."""
    rng = np.random.default_rng(7)
    flow = series(first, last, lambda days: 50 * np.exp(np.sin(days.dayofyear / 58) + rng.normal(0, 0.3, len(days))))
    return flow.mask(rng.random(len(flow)) < 0.003)


def on(*days: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days)


def test_persistence_carries_the_last_value_and_the_last_week_forward() -> None:
    flow, origins = ramp("2023-01-01", "2023-03-31"), on("2023-01-20", "2023-02-10")

    assert baselines.persistence(flow, origins).tolist() == [[19.0] * 33, [40.0] * 33]
    assert baselines.persistence_7d(flow, origins).tolist() == [[16.0] * 33, [37.0] * 33]


def test_a_last_week_needs_four_of_its_days() -> None:
    flow = ramp("2023-01-01", "2023-03-31")
    flow["2023-01-14":"2023-01-16"] = np.nan
    flow["2023-02-04":"2023-02-07"] = np.nan

    week = baselines.persistence_7d(flow, on("2023-01-20", "2023-02-10"))[:, 0]

    assert week == pytest.approx([17.5, np.nan], nan_ok=True)


def test_what_came_after_an_origin_is_each_day_and_the_mean_of_each_complete_window() -> None:
    flow = ramp("2023-01-01", "2023-03-31")
    flow["2023-01-30"] = np.nan

    came = baselines.targets_after(flow, on("2023-01-20", "2023-03-20", "2022-12-31"))

    assert came[0, :9].tolist() == [20, 21, 22, 23, 24, 25, 26, 27, 28]
    assert np.isnan(came[0, 9])
    assert came[0, N_LEADS:] == pytest.approx([23, np.nan, np.nan], nan_ok=True)
    assert np.flatnonzero(np.isnan(came[1, :N_LEADS])).tolist() == list(range(11, 30))
    assert came[2, 0] == 0


def test_climatology_of_a_day_is_the_same_31_days_a_year_earlier() -> None:
    flow, origins = ramp("2022-01-01", "2023-12-31"), on("2023-06-10", "2023-11-10")
    position = np.array([525, 678])

    quantiles = baselines.climatology(flow, origins)

    for lead in (1, 7, 30):
        assert quantiles[:, lead - 1, 3].tolist() == (position + lead - 365).tolist()
        assert quantiles[:, lead - 1, 0] == pytest.approx(position + lead - 365 - 13.5)
        assert quantiles[:, lead - 1, 6] == pytest.approx(position + lead - 365 + 13.5)


def test_climatology_of_a_window_is_that_of_windows_that_began_around_the_same_day() -> None:
    flow, origins = ramp("2022-01-01", "2023-12-31"), on("2023-06-10")

    quantiles = baselines.climatology(flow, origins)[0, N_LEADS:]
    thresholds = baselines.low_flow_thresholds(flow, origins)[0]

    for row, window in enumerate(WINDOWS):
        middle = 525 + 1 - 365 + (window - 1) / 2
        assert quantiles[row] == pytest.approx(middle + np.array([-13.5, -12, -7.5, 0, 7.5, 12, 13.5]))
        assert thresholds[row] == pytest.approx([middle - 9, middle - 12])


def test_climatology_takes_all_earlier_years_and_not_the_present_one() -> None:
    flow = series("2018-01-01", "2021-12-31", lambda days: days.year.map({2018: 10, 2019: 20, 2020: 40, 2021: 80}))

    quantiles = baselines.climatology(flow, on("2021-06-15"))[0]

    assert (quantiles == [10, 10, 10, 20, 40, 40, 40]).all()


def test_the_peer_averages_the_calendar_and_years_scaled_by_at_most_three() -> None:
    flow = series("2018-01-01", "2021-12-31", lambda days: days.year.map({2018: 10, 2019: 20, 2020: 40, 2021: 80}))

    # Calendar: median of 10, 20, 40. Analogues: 10 x 3, 20 x 3 and 40 x 2.
    assert baselines.peer(flow, on("2021-06-15")) == pytest.approx((20 + 60) / 2)


def test_the_peer_scales_a_wet_year_down_by_at_most_a_third() -> None:
    flow = series("2020-01-01", "2021-12-31", lambda days: days.year.map({2020: 100, 2021: 1}))

    assert baselines.peer(flow, on("2021-06-15")) == pytest.approx((100 + 33) / 2)


def test_on_a_leap_day_earlier_years_answer_with_28_february() -> None:
    flow = series("2020-01-01", "2024-04-30", lambda days: 100 * days.month + days.day)
    short = ramp("2023-01-01", "2024-04-30")

    # 1 March follows everywhere; the last week's mean is 226 on the 29th of 2020 and 2024, 225 on the 28th.
    assert baselines.peer(flow, on("2024-02-29"))[0, 0] == pytest.approx(301 * (1 + 226 / 225) / 2)
    assert baselines.climatology(short, on("2024-02-28"))[0, 0, 3] == short["2023-02-28"]
    assert not np.isnan(baselines.climatology(flow, on("2024-02-29"))).any()


def test_without_an_earlier_year_there_is_no_calendar() -> None:
    flow = river("2022-01-01", "2023-12-31")

    leads = baselines.climatology(flow.fillna(50), on("2022-12-30"))[0, :N_LEADS, 3]
    assert np.isnan(leads).tolist() == [True] + [False] * 29
    first_year, second_year = on("2022-06-01"), on("2023-06-01")
    for baseline in (baselines.climatology, baselines.peer, baselines.low_flow_thresholds, dressed):
        assert np.isnan(baseline(flow, first_year)).all()
        assert not np.isnan(baseline(flow, second_year)).any()


def test_dressed_persistence_counts_past_errors_of_the_last_week() -> None:
    flow, origin = river(), pd.Timestamp("2022-03-10")
    week, past = flow.rolling(7, min_periods=4).mean(), flow[:origin]
    thresholds = week[origin] * np.array([[[1.1, 0.9], [1.2, 0.8], [1.3, 0.7]]])

    below = baselines.dressed_probability_below(flow, on("2022-03-10"), thresholds)

    for row, window in enumerate(WINDOWS):
        multiple = (past.rolling(window).mean().shift(-window) / week[:origin]).dropna()
        expected = [(multiple < threshold / week[origin]).mean() for threshold in thresholds[0, row]]
        assert below[0, row] == pytest.approx(expected)
        assert 0 < below[0, row, 1] < below[0, row, 0] < 1


@pytest.mark.parametrize("baseline", ALL)
@pytest.mark.parametrize("origin", ["2020-02-29", "2021-01-01", "2022-07-15", "2023-12-31"])
def test_nothing_after_the_origin_matters(baseline: Callable[[Flow, pd.DatetimeIndex], Array], origin: str) -> None:
    flow = river().fillna({pd.Timestamp(origin): 42.0})
    altered = flow.where(flow.index <= pd.Timestamp(origin), 9999.0)

    expected = baseline(flow, on(origin))

    assert not np.isnan(expected).any()
    np.testing.assert_array_equal(baseline(altered, on(origin)), expected)
    np.testing.assert_array_equal(baseline(flow[:origin], on(origin)), expected)


@pytest.mark.parametrize("baseline", ALL)
def test_an_origin_is_answered_alike_alone_and_among_others(
    baseline: Callable[[Flow, pd.DatetimeIndex], Array],
) -> None:
    flow, origins = river(), on("2023-11-05", "2021-03-01", "2022-08-09")

    together = baseline(flow, origins)

    np.testing.assert_array_equal(together, np.concatenate([baseline(flow, origins[[at]]) for at in range(3)]))


def test_a_series_with_a_hole_in_its_index_is_not_taken() -> None:
    flow = ramp("2022-01-01", "2023-12-31")

    with pytest.raises(AssertionError, match="without holes"):
        baselines.persistence(flow.drop(flow.index[40]), on("2023-06-10"))
