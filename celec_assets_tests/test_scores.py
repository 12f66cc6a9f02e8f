"""Scores of forecasts whose worth is known beforehand, and the interval of the comparison."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from celec_assets.forecasting import baselines
from celec_assets.forecasting.scores import COLUMNS, compare, observed_targets, score

Array = npt.NDArray[np.float64]
ORIGINS = pd.date_range("2023-01-01", "2023-10-27")
POINT = {"mae", "bias", "rmse", "nse", "kge"}
BAND = {"pinball", "crps", "coverage_80", "width_80"}
BRIER = {"brier_below_p20", "brier_below_p10"}


def river() -> pd.Series:
    """Four years of season and weather that lasts."""
    days, rng = pd.date_range("2020-01-01", "2023-12-31"), np.random.default_rng(3)
    noise = pd.Series(rng.normal(0, 0.4, len(days))).ewm(halflife=5).mean().to_numpy()
    return pd.Series(80 * np.exp(0.8 * np.sin(days.dayofyear.to_numpy() / 58) + 2 * noise), days)


FLOW = river()
OBSERVED = observed_targets(FLOW, ORIGINS)


def band(point: Array, spread: float = 0.0) -> Array:
    """Quantiles around a point forecast, (n, 33, 7)."""
    return point[..., None] * np.exp(spread * np.array([-1.64, -1.28, -0.67, 0, 0.67, 1.28, 1.64]))


def noisy(spread: float, seed: int) -> Array:
    """The truth with an error of that size, and a band to match."""
    return band(OBSERVED * np.exp(np.random.default_rng(seed).normal(0, spread, OBSERVED.shape)), spread)


def scored(forecasts: Array, observed: pd.Series = FLOW, origins: pd.DatetimeIndex = ORIGINS) -> pd.DataFrame:
    return score("mazar", origins, forecasts, FLOW, observed)


def rows(table: pd.DataFrame, metric: str, model: str = "forecast") -> pd.DataFrame:
    return table[(table["metric"] == metric) & (table["model"] == model)].reset_index(drop=True)


def test_the_table_holds_every_metric_of_every_model_and_target_once() -> None:
    table = scored(noisy(0.1, 1))

    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(["target", "lead_days", "window_days", "model", "metric"]).any()
    points = {"persistence", "persistence_7d", "climatology", "peer"}
    low_flow_references = ("persistence_7d", "persistence_7d_dressed", "climatology")
    skills = {f"brier_skill_below_{p}_to_{m}" for p in ("p20", "p10") for m in low_flow_references}
    ratios = {f"mae_ratio_to_{model}" for model in points} | {"crps_skill_to_climatology"}
    expected = {
        "forecast": POINT | BAND | BRIER | ratios | skills,
        "persistence": POINT,
        "persistence_7d": POINT | BRIER,
        "persistence_7d_dressed": BRIER,
        "climatology": POINT | BAND | BRIER,
        "peer": POINT,
    }
    assert {model: set(found["metric"]) for model, found in table.groupby("model")} == expected
    n_targets = table.groupby(["model", "metric"]).size()
    assert {metric: n for (_, metric), n in n_targets.items() if n != 33} == dict.fromkeys(BRIER | skills, 3)


def test_leads_come_before_windows_and_each_has_its_own_column() -> None:
    found = rows(scored(noisy(0.1, 1)), "mae")

    assert found["target"].tolist() == ["day"] * 30 + ["mean"] * 3
    assert found["lead_days"].dropna().tolist() == list(range(1, 31))
    assert found["window_days"].dropna().tolist() == [7, 14, 30]
    assert (str(found["lead_days"].dtype), str(found["window_days"].dtype)) == ("Int16", "Int16")


@pytest.mark.parametrize(
    ("metric", "perfect"),
    [
        *[
            ("mae", 0),
            ("bias", 0),
            ("rmse", 0),
            ("nse", 1),
            ("kge", 1),
            ("pinball", 0),
            ("crps", 0),
            ("coverage_80", 1),
        ],
        *[("width_80", 0), ("mae_ratio_to_peer", 0), ("crps_skill_to_climatology", 1), ("brier_below_p20", 0)],
    ],
)
def test_a_perfect_forecast_scores_perfect(metric: str, perfect: float) -> None:
    found = rows(scored(band(OBSERVED)), metric)

    assert found["value"].to_numpy() == pytest.approx(perfect)
    assert set(found["origins"]) == {len(ORIGINS)}


def test_persistence_in_the_place_of_the_forecast_has_ratio_one_to_itself() -> None:
    table = scored(band(baselines.persistence(FLOW, ORIGINS)))

    assert (rows(table, "mae_ratio_to_persistence")[["value", "low", "high"]] == 1).all(axis=None)
    assert rows(table, "mae")["value"].tolist() == rows(table, "mae", "persistence")["value"].tolist()
    assert rows(table, "crps")["value"].to_numpy() == pytest.approx(rows(table, "mae")["value"].to_numpy())


def test_a_day_that_was_not_observed_is_not_scored_for_any_model() -> None:
    gap = pd.Timestamp("2023-05-10")
    absurd = FLOW.where(FLOW.index != gap, np.nan)

    table = scored(noisy(0.1, 1), absurd)

    for model in ("forecast", "persistence", "climatology", "peer"):
        lost = len(ORIGINS) - rows(table, "mae", model)["origins"]
        assert lost.tolist() == [1] * 30 + [0, 0, 0], "a window's mean can do without one of its days"
    before = rows(scored(noisy(0.1, 1)), "mae", "persistence")["value"][0]
    origin = ORIGINS.get_loc(gap) - 1
    error = abs(FLOW.loc[ORIGINS[origin]] - FLOW.loc[gap])
    n = len(ORIGINS)
    assert rows(table, "mae", "persistence")["value"][0] == pytest.approx((before * n - error) / (n - 1))


def test_a_window_is_scored_by_its_observed_days_and_not_when_a_fifth_of_them_is_missing() -> None:
    first = ORIGINS[100]
    days = FLOW.index[FLOW.index.get_loc(first) + 1 :]

    one_missing = observed_targets(FLOW.where(FLOW.index != days[3]), ORIGINS)[100]
    assert one_missing[30] == pytest.approx(FLOW[days[:7]].drop(days[3]).mean())
    two_missing = observed_targets(FLOW.where(~FLOW.index.isin(days[3:5])), ORIGINS)[100]
    assert np.isnan(two_missing[30])
    assert two_missing[31] == pytest.approx(FLOW[days[:14]].drop(days[3:5]).mean())


def test_an_origin_without_a_forecast_is_left_out_for_the_baselines_too() -> None:
    forecasts = noisy(0.1, 1)
    forecasts[:100] = np.nan
    without, alone = scored(forecasts), scored(forecasts[100:], origins=ORIGINS[100:])

    assert set(without["origins"]) == {len(ORIGINS) - 100}
    np.testing.assert_allclose(without["value"], alone["value"])


def test_brier_scores_judge_windows_below_the_seasons_thresholds() -> None:
    table = scored(noisy(0.1, 1))
    below = OBSERVED[:, 30] < baselines.low_flow_thresholds(FLOW, ORIGINS)[:, 0, 0]

    said = FLOW.rolling(7).mean()[ORIGINS].to_numpy() < baselines.low_flow_thresholds(FLOW, ORIGINS)[:, 0, 0]
    forecast, climate, week = (
        rows(table, "brier_below_p20", model)["value"][0] for model in ("forecast", "climatology", "persistence_7d")
    )
    assert 0 < below.mean() < 1
    assert climate == pytest.approx(np.mean((0.2 - below) ** 2))
    assert week == pytest.approx(np.mean(said != below))
    assert rows(table, "brier_skill_below_p20_to_persistence_7d")["value"][0] == pytest.approx(1 - forecast / week)
    assert forecast < week


def test_the_interval_of_a_comparison_is_deterministic_and_holds_the_value() -> None:
    forecasts = noisy(0.3, 1)
    once, again = scored(forecasts), scored(forecasts)

    pd.testing.assert_frame_equal(once, again)
    compared = once["metric"].str.contains("ratio|skill") & ~once["metric"].str.startswith("brier")
    low, value, high = (once.loc[compared, name] for name in ("low", "value", "high"))
    assert ((low < value) & (value < high)).all()
    assert once.loc[~once["metric"].str.contains("ratio|skill"), ["low", "high"]].isna().all(axis=None)


def test_the_order_in_which_origins_are_given_does_not_matter() -> None:
    a, b, order = noisy(0.3, 1), noisy(0.2, 2), np.random.default_rng(0).permutation(len(ORIGINS))

    shuffled = scored(a[order], origins=ORIGINS[order])
    compared = compare(ORIGINS[order], a[order], b[order], OBSERVED[order])

    pd.testing.assert_frame_equal(shuffled, scored(a))
    pd.testing.assert_frame_equal(compared, compare(ORIGINS, a, b, OBSERVED))


@pytest.mark.parametrize(("origins", "without_forecast"), [(59, 0), (80, 21)])
def test_a_few_origins_have_scores_but_no_interval(origins: int, without_forecast: int) -> None:
    forecasts = noisy(0.3, 1)[:origins]
    forecasts[:without_forecast] = np.nan

    table = scored(forecasts, origins=ORIGINS[:origins])

    ratio = rows(table, "mae_ratio_to_persistence")
    assert ratio["value"].gt(0).all()
    assert ratio[["low", "high"]].isna().all(axis=None)


def test_comparing_sees_the_worse_recipe_from_either_side() -> None:
    worse, better = noisy(0.3, 1), noisy(0.2, 2)

    found, mirrored = compare(ORIGINS, worse, better, OBSERVED), compare(ORIGINS, better, worse, OBSERVED)

    assert (found["low"] > 0).all()
    assert (mirrored["high"] < 0).all()
    np.testing.assert_allclose(found["difference"], found["crps_a"] / found["crps_b"] - 1)


def test_a_recipe_is_not_worse_than_itself() -> None:
    found = compare(ORIGINS, noisy(0.2, 1), noisy(0.2, 1), OBSERVED)

    assert (found[["difference", "low", "high"]] == 0).all(axis=None)


def test_recipes_are_compared_only_where_both_forecast() -> None:
    a, b = noisy(0.3, 1), noisy(0.2, 2)
    a[:80] = np.nan
    b[-20:] = np.nan

    found = compare(ORIGINS, a, b, OBSERVED)
    alone = compare(ORIGINS[80:-20], a[80:-20], b[80:-20], OBSERVED[80:-20])

    assert set(found["origins"]) == {len(ORIGINS) - 100}
    np.testing.assert_allclose(found["difference"], alone["difference"])
    np.testing.assert_allclose(found["crps_a"], alone["crps_a"])


def test_errors_that_last_leave_more_doubt_than_the_same_errors_in_any_order() -> None:
    lasting = np.where(np.arange(len(ORIGINS)) // 25 % 2, 0.9, 1.3)[:, None] * OBSERVED
    reference, order = band(1.2 * OBSERVED), np.random.default_rng(5).permutation(len(ORIGINS))

    in_order = compare(ORIGINS, band(lasting), reference, OBSERVED)
    shuffled = compare(ORIGINS, band(lasting[order]), reference[order], OBSERVED[order])

    doubt, less = ((found["high"] - found["low"]).iloc[0] for found in (in_order, shuffled))
    assert doubt > 1.5 * less
