"""From issued forecasts to warnings, scorecard and report: day by day, only what was issued, whatever is missing."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from celec_assets.build import build_definitions
from celec_assets.catch_up import CatchUp, Outcome
from celec_assets.forecasting.forecast import LEADS, WINDOWS
from celec_assets.forecasting.model import RECIPE
from celec_assets.forecasting.scorecard import ISSUED_COLUMNS, score_issued
from celec_assets.forecasting.skill import backtest_and_score
from celec_assets.report.document import Problem
from celec_assets.settings import Settings
from celec_assets.storage.backtests import Backtest
from celec_assets.storage.formats import to_parquet
from celec_assets.storage.lake import Lake
from celec_assets.storage.scorecards import Scorecard
from celec_assets_tests.still import StoppedClock

FIRST = date(2025, 11, 20)
REACH = "geoglows-620883808"
PLENTY, DROUGHT = 1.0, 0.15


class Platform:
    """A lake to which a day's flow is added every day."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder, self.instance, self.lake = folder, instance, Lake.open(str(folder))

    def put(self, last: date, wetness: float = PLENTY, reach: str = REACH, days: int = 1500) -> None:
        """A file that ends on that day; its last 30 days are as wet as that."""
        index = pd.date_range(end=last, periods=days)
        noise = np.random.default_rng(1).normal(0, 0.2, 2000)[: len(index)]
        flow = (60 + 30 * np.cos(index.dayofyear.to_numpy() / 365.25 * 2 * np.pi)) * np.exp(noise)
        flow[-30:] *= wetness
        rows = "".join(f"{day:%Y-%m-%d},{value:.3f}\n" for day, value in zip(index, flow, strict=True))
        number = reach.removeprefix("geoglows-")
        self.lake.store.put(f"raw/{number}.csv", f"time,{number}\n{rows}".encode())

    def catch_up(self, today: date) -> Outcome:
        defs = build_definitions(Settings(lake_url=str(self.folder)), clock=StoppedClock(day=today.isoformat()))
        return CatchUp(defs, self.instance, self.lake).run()

    def a_day(self, last: date, wetness: float = PLENTY) -> Outcome:
        self.put(last, wetness)
        return self.catch_up(last + timedelta(days=1))


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(tmp_path / "lake", instance)


def test_every_day_adds_an_issue_date_and_a_drought_lights_up_once(platform: Platform) -> None:
    for day in range(3):
        assert platform.a_day(FIRST + timedelta(days=day)).failed == []
    platform.a_day(FIRST + timedelta(days=3), DROUGHT)
    platform.a_day(FIRST + timedelta(days=4), DROUGHT)

    dates = [pd.Timestamp(FIRST) + pd.Timedelta(days=day) for day in range(5)]
    warnings = platform.lake.warnings.read(REACH)
    assert warnings["issue_date"].drop_duplicates().to_list() == dates
    lights = warnings.drop_duplicates("issue_date")["level"].to_list()
    assert lights[:3] == ["green"] * 3
    assert lights[4] == "red"
    scorecard = platform.lake.scorecards.read(REACH)
    assert scorecard.issued["origin"].drop_duplicates().to_list() == dates
    scored = scorecard.scores.query("month == '' and metric == 'mae'").set_index("lead_days")["origins"].dropna()
    assert scored.loc[[1, 4]].to_list() == [4, 1]
    report = platform.lake.reports.read()
    (station,) = report.stations
    assert (station.level, station.issue_date) == ("red", FIRST + timedelta(days=4))
    assert station.level_since == dates[lights.index("red")].date()
    told = [alert.cause for alert in platform.lake.alerts.unsent()]
    assert told == [f"low flow: {station.name} green red"]
    assert platform.lake.reports.days() == [d.date() + timedelta(days=1) for d in reversed(dates)]


def test_a_day_opens_no_forecast_that_was_judged_before(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(3):
        platform.a_day(FIRST + timedelta(days=day))
    opened = []
    issued = type(platform.lake.forecasts).issued
    monkeypatch.setattr(
        type(platform.lake.forecasts), "issued", lambda *args: opened.append(args[2].date()) or issued(*args)
    )
    platform.a_day(FIRST + timedelta(days=3))
    assert opened == [FIRST + timedelta(days=3)] * 2, "once for the warnings, once for the scorecard"


def test_what_is_made_in_hindsight_lights_nothing_and_is_not_scored(platform: Platform) -> None:
    platform.put(FIRST, DROUGHT)
    outcome = platform.catch_up(FIRST + timedelta(days=40))
    assert outcome.failed == []
    assert platform.lake.warnings.read(REACH).empty
    assert platform.lake.scorecards.read(REACH).issued.empty
    assert list(platform.lake.alerts.unsent()) == []
    (station,) = platform.lake.reports.read().stations
    assert (station.kind, station.level, station.is_stale, station.age_days) == ("hindsight", None, True, 40)
    assert station.means[0].below_p20 is not None, "the probabilities are shown all the same"
    # Later on, in time.
    platform.put(FIRST + timedelta(days=40))
    assert platform.catch_up(FIRST + timedelta(days=41)).failed == []
    assert platform.lake.warnings.read(REACH)["issue_date"].nunique() == 1


def test_a_corrected_past_is_scored_again(platform: Platform) -> None:
    for day in range(4):
        platform.a_day(FIRST + timedelta(days=day))
    before = platform.lake.scorecards.read(REACH)
    content = platform.lake.raw.read("620883808.csv").decode()
    day = f"{FIRST + timedelta(days=1)}"
    line = next(line for line in content.splitlines() if line.startswith(day))
    platform.lake.store.put("raw/620883808.csv", content.replace(line, f"{day},500.5").encode())
    assert platform.catch_up(FIRST + timedelta(days=4)).failed == []
    after = platform.lake.scorecards.read(REACH)
    pd.testing.assert_frame_equal(after.issued, before.issued)
    lead_1 = "month == '' and metric == 'mae' and lead_days == 1"
    assert after.scores.query(lead_1)["value"].iloc[0] > before.scores.query(lead_1)["value"].iloc[0] + 50


def test_a_station_that_lacks_something_keeps_no_other_one_from_the_report(platform: Platform) -> None:
    platform.put(FIRST)
    platform.put(FIRST, reach="geoglows-610000001", days=100)
    platform.put(FIRST, reach="geoglows-610000002")
    platform.catch_up(FIRST + timedelta(days=1))
    for key in ("flow_forecast/geoglows-610000002/latest.json", f"low_flow_warnings/{REACH}.parquet"):
        platform.lake.store.delete(key)
    with dg.DagsterInstance.ephemeral() as history:
        history.add_dynamic_partitions("stations", [*platform.instance.get_dynamic_partitions("stations"), "coca"])
        clock = StoppedClock(day=(FIRST + timedelta(days=1)).isoformat())
        defs = build_definitions(Settings(lake_url=str(platform.folder)), clock=clock)
        job = defs.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(asset_selection=[dg.AssetKey("forecast_report")], instance=history).success
    found = {station.station: (station.problem, station.level) for station in platform.lake.reports.read().stations}
    assert found == {
        "coca": (Problem.NO_READINGS, None),
        "geoglows-610000001": (Problem.NO_MODEL, None),
        "geoglows-610000002": (Problem.FAILED, None),
        REACH: (None, None),
    }


def test_a_forecast_that_no_river_could_follow_is_not_shown(platform: Platform) -> None:
    platform.a_day(FIRST)
    forecast = platform.lake.forecasts.read(REACH)
    for broken in (forecast.assign(flow_m3s=-1.0), forecast.assign(flow_m3s=forecast["flow_m3s"].to_numpy()[::-1])):
        platform.lake.store.put(platform.lake.forecasts.latest(REACH), to_parquet(broken))
        platform.catch_up(FIRST + timedelta(days=1))
        assert [station.problem for station in platform.lake.reports.read().stations] == [Problem.FAILED]


def test_a_station_is_judged_by_its_backtest_until_enough_was_issued(platform: Platform) -> None:
    platform.a_day(FIRST)
    (station,) = platform.lake.reports.read().stations
    assert station.skill is None, "nothing is known yet"

    series = {REACH: platform.lake.series.read(REACH)}
    first, last = pd.Timestamp(FIRST) - pd.Timedelta(days=100), pd.Timestamp(FIRST)
    forecasts, scores = backtest_and_score(REACH, series, first, last)
    platform.lake.backtests.write(REACH, Backtest(RECIPE, forecasts, scores))
    platform.catch_up(FIRST + timedelta(days=1))
    (station,) = platform.lake.reports.read().stations
    assert (station.skill.basis, station.skill.first_issue_date) == ("backtest", first.date())
    shown = next(row for row in station.skill.rows if row.lead_days == 3)
    truth = scores.query("model == 'forecast' and lead_days == 3").set_index("metric")["value"]
    assert shown.mae_ratio_to_persistence == pytest.approx(truth["mae_ratio_to_persistence"], abs=0.0005)
    assert [row.lead_days for row in station.skill.rows[:30]] == list(LEADS)
    assert [row.window_days for row in station.skill.rows[30:]] == list(WINDOWS)

    # As if the same had been issued, day by day.
    issued = forecasts[list(ISSUED_COLUMNS)]
    flow = series[REACH].set_index("day")["flow_m3s"]
    platform.lake.scorecards.write(REACH, Scorecard(issued, score_issued(REACH, issued, flow, flow)))
    platform.catch_up(FIRST + timedelta(days=1))
    (station,) = platform.lake.reports.read().stations
    assert (station.skill.basis, station.skill.last_issue_date) == ("issued", FIRST)
    assert station.skill.rows[2] == shown
