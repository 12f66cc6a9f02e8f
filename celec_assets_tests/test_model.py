"""The model on rivers as they come: gaps, droughts without precedent, two years, weeks, neighbours that fall silent."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from celec_assets.forecasting.forecast import QUANTILES, WINDOWS, to_rows
from celec_assets.forecasting.model import FlowModel

MEDIAN = QUANTILES.index(0.5)


def river(years: float = 4, seed: int = 1, weekend: float = 0.0) -> "pd.Series[float]":
    """Log flow: season and a persistent anomaly."""
    days = pd.date_range("2020-01-01", periods=int(365.25 * years))
    rng = np.random.default_rng(seed)
    shocks = rng.normal(0, 0.15, len(days))
    anomaly = np.zeros(len(days))
    for day in range(1, len(days)):
        anomaly[day] = 0.95 * anomaly[day - 1] + shocks[day]
    season = 0.6 * np.sin(2 * np.pi * (days.dayofyear.to_numpy() - 60) / 365.25)
    return pd.Series(np.exp(4 + season + anomaly - weekend * (days.dayofweek == 6)), index=days)


def check(flows: np.ndarray) -> None:
    assert flows.shape == (33, 7)
    assert np.isfinite(flows).all()
    assert (flows > 0).all()
    assert (np.diff(flows, axis=1) >= 0).all()


def test_a_forecast_starts_near_today_and_ends_near_the_season() -> None:
    flow = river()
    flow.iloc[-5:] = 2 * np.exp(4)
    flows = FlowModel.fit(flow, {}).forecast(flow, {})
    check(flows)
    assert flows[0, MEDIAN] > 1.7 * np.exp(4)
    assert flows[29, MEDIAN] < flows[0, MEDIAN]


def test_bands_cover_what_they_promise_out_of_sample() -> None:
    flow = river(years=8)
    model = FlowModel.fit(flow.iloc[: 365 * 5], {})
    origins = range(365 * 5, len(flow) - 31, 3)
    inside = {7: [], 1: []}
    for origin in origins:
        flows = model.forecast(flow.iloc[:origin], {})
        after = flow.iloc[origin : origin + 30]
        week = after.iloc[:7].mean()
        inside[1].append(flows[0, 1] <= after.iloc[0] <= flows[0, 5])
        inside[7].append(flows[30, 1] <= week <= flows[30, 5])
    assert np.mean(inside[1]) == pytest.approx(0.8, abs=0.06)
    assert np.mean(inside[7]) == pytest.approx(0.8, abs=0.08)


def test_a_multi_day_mean_has_a_band_of_its_own() -> None:
    flow = river()
    flows = FlowModel.fit(flow, {}).forecast(flow, {})
    spread = flows[:, 5] / flows[:, 1]
    assert spread[30] < spread[:7].max(), "a week's mean is surer than its last day"
    for row, window in zip(flows[30:], WINDOWS, strict=True):
        assert flows[:window, MEDIAN].min() * 0.8 < row[MEDIAN] < flows[:window, MEDIAN].max() * 1.2


def test_gaps_are_no_hindrance() -> None:
    flow = river()
    flow.iloc[100:131] = np.nan
    flow.iloc[700:760:3] = np.nan
    flow.iloc[-4:-1] = np.nan
    check(FlowModel.fit(flow, {}).forecast(flow, {}))


def test_a_drought_without_precedent_stays_finite_and_low() -> None:
    flow = river()
    model = FlowModel.fit(flow, {})
    dry = flow.copy()
    dry.iloc[-40:] = flow.min() / 4
    flows = model.forecast(dry, {})
    check(flows)
    assert flows[0, MEDIAN] < flow.min()


@pytest.mark.parametrize("years", [1.05, 2, 20])
def test_any_length_of_record_will_do(years: float) -> None:
    flow = river(years)
    check(FlowModel.fit(flow, {}).forecast(flow, {}))


def test_a_regulated_flow_keeps_its_sundays() -> None:
    flow = river(weekend=0.3)
    flow = flow.loc[: flow.index[flow.index.dayofweek == 5][-1]]  # ends on a Saturday: lead 1 is a Sunday
    flows = FlowModel.fit(flow, {}).forecast(flow, {})[:, MEDIAN]
    assert flows[0] < 0.9 * flows[1]


def test_a_neighbour_that_falls_silent_costs_little() -> None:
    flow = river()
    other = flow.shift(-1).ffill() * 0.5  # knows tomorrow
    model = FlowModel.fit(flow, {"flow:other": other})
    assert list(model.covariates) == ["flow:other"]
    silent = other.copy()
    silent.iloc[-30:] = np.nan
    for covariates in ({"flow:other": other}, {"flow:other": silent}, {}):
        check(model.forecast(flow, covariates))
    np.testing.assert_array_equal(model.forecast(flow, {"flow:other": silent}), model.forecast(flow, {}))


def test_the_stored_model_forecasts_like_the_fitted_one_and_twice_the_same() -> None:
    flow = river()
    fitted = FlowModel.fit(flow, {})
    text = json.dumps(fitted.to_dict(), sort_keys=True)
    stored = FlowModel.from_dict(json.loads(text))
    np.testing.assert_allclose(stored.forecast(flow, {}), fitted.forecast(flow, {}), rtol=1e-3)
    assert json.dumps(FlowModel.fit(flow, {}).to_dict(), sort_keys=True) == text


def test_newer_days_move_the_forecast_without_a_refit() -> None:
    flow = river()
    model = FlowModel.fit(flow.iloc[:-10], {})
    assert model.forecast(flow, {})[0, MEDIAN] != model.forecast(flow.iloc[:-10], {})[0, MEDIAN]


def test_rows_name_target_horizon_and_quantile() -> None:
    rows = to_rows("x", date(2025, 12, 31), date(2026, 1, 1), np.arange(33 * 7, dtype=float).reshape(33, 7))
    assert len(rows) == 231
    assert rows.iloc[0].to_dict() | {"window_days": None} == {
        "station": "x", "issue_date": pd.Timestamp("2025-12-31"), "kind": "issued", "target": "day", "lead_days": 1,
        "window_days": None, "quantile": 0.05, "flow_m3s": 0.0,
    }  # fmt: skip
    assert rows["target"].value_counts().to_dict() == {"day": 210, "mean": 21}
    assert rows.groupby("target")["lead_days"].max().to_dict()["day"] == 30
    late = to_rows("x", date(2025, 12, 31), date(2026, 1, 8), np.ones((33, 7)))
    assert set(late["kind"]) == {"hindsight"}
