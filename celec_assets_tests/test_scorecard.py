"""Issued forecasts meet what was observed: as the backtest scores, nothing twice, nothing from hindsight."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from celec_assets.forecasting import scores
from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS, to_rows
from celec_assets.forecasting.scorecard import METRICS, MIN_RECENT, compare_with_backtest, gather, score_issued

N_TARGETS = len(LEADS) + len(WINDOWS)
SPREAD = np.exp(0.2 * np.array([-1.645, -1.282, -0.674, 0, 0.674, 1.282, 1.645]))


@pytest.fixture(scope="module")
def flow() -> "pd.Series[float]":
    days = pd.date_range("2020-01-01", "2025-06-30")
    noise = np.random.default_rng(7).normal(0, 0.2, len(days))
    return pd.Series((100 + 50 * np.cos(days.dayofyear / 365.25 * 2 * np.pi)) * np.exp(noise), days).round(3)


def forecasts(flow: "pd.Series[float]", first: str, days: int, error: float = 1.0) -> list[pd.DataFrame]:
    """One a day, around the present flow times an error."""
    dates = pd.date_range(first, periods=days)
    return [to_rows("mazar", d.date(), d.date(), np.tile(flow[d] * error * SPREAD, (N_TARGETS, 1))) for d in dates]


def test_issued_forecasts_are_scored_as_the_backtest_is(flow: "pd.Series[float]") -> None:
    issued = gather(forecasts(flow, "2025-01-10", 40))
    scored = score_issued("mazar", issued, flow, flow)
    origins = pd.DatetimeIndex(issued["origin"].unique())
    quantiles = issued.filter(regex="q.._m3s").to_numpy().reshape(-1, N_TARGETS, len(QUANTILES))
    until = origins.max() + timedelta(days=30)
    expected = scores.score("mazar", origins, quantiles, flow.loc[:until], flow.loc[:until])
    chosen = expected[(expected["model"] == "forecast") & expected["metric"].isin(METRICS)]
    overall = scored.loc[scored["month"] == "", list(scores.COLUMNS)]
    pd.testing.assert_frame_equal(overall.reset_index(drop=True), chosen.reset_index(drop=True))
    assert set(scored["month"]) == {"", "2025-01", "2025-02"}


def test_a_forecast_is_scored_as_soon_as_its_days_were_observed(flow: "pd.Series[float]") -> None:
    issued = gather(forecasts(flow, "2025-06-25", 6))
    scored = score_issued("mazar", issued, flow, flow)
    counts = scored[(scored["month"] == "") & (scored["metric"] == "mae")].set_index("lead_days")["origins"]
    assert counts.dropna().to_dict() == {1: 5, 2: 4, 3: 3, 4: 2, 5: 1}


def test_days_that_were_not_observed_do_not_count(flow: "pd.Series[float]") -> None:
    issued = gather(forecasts(flow, "2025-01-10", 3))
    observed = flow.copy()
    observed["2025-01-12"] = np.nan
    scored = score_issued("mazar", issued, flow, observed)
    first = scored[(scored["month"] == "") & (scored["lead_days"] == 1) & (scored["metric"] == "mae")]
    assert first["origins"].to_list() == [2]


def test_forecasts_from_days_that_corrected_readings_lack_have_no_score_yet(flow: "pd.Series[float]") -> None:
    issued = gather(forecasts(flow, "2025-06-25", 1))
    without = flow.loc[:"2025-06-24"]
    scored = score_issued("mazar", issued, without, without)
    assert scored.empty
    assert compare_with_backtest(issued, None, without, without).is_kept
    assert scored.dtypes.equals(score_issued("mazar", gather(forecasts(flow, "2025-06-30", 1)), flow, flow).dtypes)


def test_what_was_gathered_before_is_kept_and_what_is_new_is_put_in_order(flow: "pd.Series[float]") -> None:
    all_of_them = forecasts(flow, "2025-01-10", 5)
    known = gather([all_of_them[0], all_of_them[3]])
    pd.testing.assert_frame_equal(gather([all_of_them[i] for i in (4, 2, 1)], known), gather(all_of_them))


def test_only_months_whose_inputs_changed_are_scored_again(
    flow: "pd.Series[float]", monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = gather(forecasts(flow, "2025-02-10", 60))
    known = score_issued("mazar", issued, flow, flow)
    scored = []
    score = scores.score
    monkeypatch.setattr(scores, "score", lambda *a: scored.append(a[1].max()) or score(*a))
    pd.testing.assert_frame_equal(score_issued("mazar", issued, flow, flow, known), known)
    assert scored == []

    more = gather(forecasts(flow, "2025-04-11", 1), issued)
    again = score_issued("mazar", more, flow, flow, known)
    assert scored == [pd.Timestamp("2025-04-11")] * 2, "over all, and April"
    pd.testing.assert_frame_equal(again, score_issued("mazar", more, flow, flow))

    scored.clear()
    corrected = flow.copy()
    corrected["2025-03-20"] = 300
    score_issued("mazar", more, corrected, corrected, again)
    assert len(scored) == 4, "a correction reaches every month that was judged by it"


def test_a_station_s_forecasts_that_have_met_nothing_yet_have_no_score(flow: "pd.Series[float]") -> None:
    scored = score_issued("mazar", gather(forecasts(flow, "2025-06-30", 1)), flow, flow)
    assert scored.empty
    assert scored["value"].dtype == np.float64


def test_forecasts_like_the_backtest_s_keep_its_promise_and_clearly_worse_ones_do_not(flow: "pd.Series[float]") -> None:
    backtest = gather(forecasts(flow, "2022-01-10", 700))
    good = compare_with_backtest(gather(forecasts(flow, "2025-03-01", 90)), backtest, flow, flow)
    bad = compare_with_backtest(gather(forecasts(flow, "2025-03-01", 90, error=2.0)), backtest, flow, flow)
    assert good.is_kept
    assert not bad.is_kept
    assert good.limit == bad.limit
    assert bad.recent > 2 * good.recent
    assert good.origins == 60


def test_no_verdict_without_enough_forecasts_or_without_a_backtest(flow: "pd.Series[float]") -> None:
    few = compare_with_backtest(gather(forecasts(flow, "2025-03-01", MIN_RECENT - 1)), None, flow, flow)
    assert few.is_kept
    assert (few.recent, few.origins) == (None, MIN_RECENT - 1)
    untested = compare_with_backtest(gather(forecasts(flow, "2025-03-01", 90, error=5)), None, flow, flow)
    assert untested.is_kept
    assert untested.limit is None
    assert untested.recent > 1
