"""Metrics against values computed by hand, their perfect values, their mask and their ranges."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celec_assets.forecasting import metrics
from celec_assets.forecasting.forecast import QUANTILES

Array = npt.NDArray[np.float64]
Metric = Callable[[Array, Array], Array]
OBSERVED = np.array([1.0, 2.0, 3.0, 4.0])
FORECAST = np.array([2.0, 2.0, 2.0, 6.0])
POINT_METRICS = (metrics.mae, metrics.bias, metrics.rmse, metrics.nse, metrics.kge)
flows = st.floats(0.01, 1e4)
pairs = st.lists(st.tuples(flows, flows), min_size=2, max_size=20).map(lambda drawn: np.array(drawn).T)
bands = st.lists(flows, min_size=7, max_size=7).map(lambda drawn: np.sort(drawn))


def by_hand() -> list[tuple[Metric, float]]:
    """Errors are 1, 0, -1, 2; the means 2.5 and 3, the variances 1.25 and 3, the covariance 1.5."""
    r, beta, gamma = math.sqrt(0.6), 1.2, math.sqrt(5 / 3)
    kge = 1 - math.sqrt((r - 1) ** 2 + (beta - 1) ** 2 + (gamma - 1) ** 2)
    return list(zip(POINT_METRICS, (1.0, 0.5, math.sqrt(1.5), -0.2, kge), strict=True))


@pytest.mark.parametrize(("metric", "expected"), by_hand())
def test_a_metric_has_the_value_computed_by_hand(metric: Metric, expected: float) -> None:
    assert metric(OBSERVED, FORECAST) == pytest.approx(expected)


@pytest.mark.parametrize(("metric", "perfect"), [*zip(POINT_METRICS, (0, 0, 0, 1, 1), strict=True)])
def test_the_observation_itself_scores_perfect(metric: Metric, perfect: float) -> None:
    assert metric(OBSERVED, OBSERVED) == pytest.approx(perfect)


@pytest.mark.parametrize("metric", POINT_METRICS)
def test_a_pair_with_a_missing_value_counts_nowhere(metric: Metric) -> None:
    observed, forecast = np.append(OBSERVED, [np.nan, 900.0]), np.append(FORECAST, [900.0, np.nan])

    assert metric(observed, forecast) == metric(OBSERVED, FORECAST)


@pytest.mark.parametrize("metric", POINT_METRICS)
def test_without_any_pair_a_metric_is_nan(metric: Metric) -> None:
    assert np.isnan(metric(np.array([np.nan, 1.0]), np.array([1.0, np.nan])))


@pytest.mark.parametrize("metric", POINT_METRICS)
def test_every_column_is_scored_by_itself(metric: Metric) -> None:
    both = metric(np.stack([OBSERVED, FORECAST], axis=1), np.stack([FORECAST, OBSERVED], axis=1))

    assert both.tolist() == [metric(OBSERVED, FORECAST), metric(FORECAST, OBSERVED)]


def test_efficiency_of_the_observed_mean_is_zero_and_of_a_constant_river_unknown() -> None:
    assert metrics.nse(OBSERVED, np.full(4, 2.5)) == 0
    assert np.isnan(metrics.nse(np.full(4, 2.5), OBSERVED))


def test_kge_is_the_form_of_2012_in_which_a_doubled_flow_errs_in_the_mean_alone() -> None:
    assert metrics.kge(OBSERVED, 2 * OBSERVED) == pytest.approx(0)


def test_pinball_weighs_a_flow_above_the_quantile_with_its_level_and_below_with_the_rest() -> None:
    levels = np.array(QUANTILES)

    assert metrics.pinball(np.array([10.0]), np.full((1, 7), 8.0)) == pytest.approx(2 * levels)
    assert metrics.pinball(np.array([10.0]), np.full((1, 7), 13.0)) == pytest.approx(3 * (1 - levels))


def test_crps_is_twice_the_mean_pinball_loss() -> None:
    quantiles = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 9.0]])
    observed = np.array([2.5, 4.0])

    assert metrics.crps(observed, quantiles) == pytest.approx(2 * metrics.pinball(observed, quantiles).mean())
    # At 2.5: (1.5 x .05 + .5 x .1 + .5 x .75 + 1.5 x .5 + 2.5 x .25 + 3.5 x .1 + 4.5 x .05) x 2/7
    assert metrics.crps(observed[:1], quantiles[:1]) == pytest.approx(2.45 * 2 / 7)


def test_a_forecast_with_a_missing_quantile_is_not_scored() -> None:
    quantiles = np.repeat([[8.0], [8.0]], 7, axis=1)
    quantiles[1, 6] = np.nan

    assert metrics.crps(np.array([10.0, 100.0]), quantiles) == pytest.approx(2)


@given(pairs)
def test_crps_of_a_forecast_without_spread_is_its_absolute_error(drawn: Array) -> None:
    observed, forecast = drawn

    assert metrics.crps(observed, np.repeat(forecast[:, None], 7, axis=1)) == pytest.approx(
        metrics.mae(observed, forecast), abs=1e-9
    )


@given(pairs)
def test_efficiencies_never_exceed_one(drawn: Array) -> None:
    assert not metrics.nse(*drawn) > 1
    assert not metrics.kge(*drawn) > 1


def test_coverage_counts_the_ends_of_the_interval_and_leaves_out_what_is_missing() -> None:
    low, high = np.full(5, 2.0), np.array([3.0, 3.0, 3.0, 3.0, np.nan])

    assert metrics.coverage(np.array([1.9, 2.0, 3.0, np.nan, 2.5]), low, high) == pytest.approx(2 / 3)
    assert metrics.width(low, high) == 1


def test_brier_score_by_hand() -> None:
    occurred = np.array([1.0, 0.0, 1.0, np.nan])

    assert metrics.brier(occurred, np.array([0.5, 0.0, 0.8, 0.0])) == pytest.approx(0.29 / 3)
    assert metrics.brier(occurred, occurred) == 0


def test_skill_is_the_share_of_the_references_error_that_is_gone() -> None:
    scores, references = np.array([0.0, 1.0, 2.0, 4.0, 1.0]), np.array([2.0, 2.0, 2.0, 2.0, 0.0])

    assert metrics.skill(scores, references) == pytest.approx([1, 0.5, 0, -1, np.nan], nan_ok=True)


def test_probability_below_is_exact_where_flow_is_lognormal_also_beyond_the_outer_quantiles() -> None:
    lognormal = NormalDist(3.0, 0.5)
    quantiles = np.exp([[lognormal.inv_cdf(level) for level in QUANTILES]] * 5)
    scores = np.array([-3.0, -1.0, 0.1, 1.5, 3.0])

    below = metrics.probability_below(quantiles, np.exp(3.0 + 0.5 * scores))

    assert below == pytest.approx([NormalDist().cdf(score) for score in scores])


def test_probability_below_a_quantile_is_its_level() -> None:
    quantiles = np.array([2.0, 3.0, 5.0, 9.0, 11.0, 30.0, 31.0])

    assert metrics.probability_below(np.tile(quantiles, (7, 1)), quantiles) == pytest.approx(QUANTILES)


def test_probability_below_is_nan_where_either_is_missing_and_takes_a_dry_river() -> None:
    quantiles = np.array([[np.nan] * 7, [1.0] * 7, [0.0] * 7])

    assert metrics.probability_below(quantiles, np.array([1.0, np.nan, 1.0])) == pytest.approx(
        [np.nan, np.nan, 1.0], nan_ok=True
    )


@given(bands, st.lists(flows, min_size=2, max_size=10))
def test_probability_below_is_a_probability_and_rises_with_the_threshold(quantiles: Array, drawn: list[float]) -> None:
    thresholds = np.sort(drawn)

    below = metrics.probability_below(np.tile(quantiles, (len(thresholds), 1)), thresholds)

    assert ((below >= 0) & (below <= 1)).all()
    assert (np.diff(below) >= -1e-12).all()
