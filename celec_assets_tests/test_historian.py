"""What the historian's connector asks for, keeps and refuses to believe, over HTTP; and that the newest answer counts."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celec_assets.catalogue import stations
from celec_assets.connectors.client import Client, StopAsking
from celec_assets.connectors.historian import REASK, Historian, NullHour, months, points
from celec_assets.connectors.pace import Pace
from celec_assets.series.cleaning import reconcile
from celec_assets.sources import read_raw_file
from celec_assets.storage.lake import Lake
from celec_assets_tests.services import FastClock, Services

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
MAZAR, AGOYAN = points(["mazar"]), points(["agoyan"])
FLOW, LEVEL = MAZAR
YESTERDAY = date(2026, 11, 22)
TWO_MONTHS = months(date(2026, 10, 1), YESTERDAY)


class Site:
    """A lake, the services, and a connector between them whose clock the test moves."""

    def __init__(self, folder: Path, services: Services, clock: FastClock) -> None:
        self.services, self.clock, self.now = services, clock, NOON
        self.lake = Lake.open(str(folder / "lake"))
        self.pace = Pace("test", folder, clock.time, clock.sleep)

    def historian(self) -> Historian:
        self.services.asked.clear()
        client = Client(self.services.historian_url, pace=self.pace, sleep=self.clock.sleep)
        return Historian(client, self.lake.raw, lambda: self.now)

    def names(self) -> list[str]:
        return [file.name for file in self.lake.raw.list()]

    def read_all(self) -> None:
        """Read every raw file that is unread, the newest first, as no order is promised."""
        for name in sorted(self.names(), reverse=True):
            if self.lake.is_unread(name):
                content = self.lake.raw.read(name)
                source, readings = read_raw_file(name, content, self.now.date())
                record, _ = self.lake.observations.write(name, self.lake.raw.sha256(content), source, readings)
                self.lake.observations.settle(name, record)

    def series(self, station: str) -> pd.DataFrame:
        self.read_all()
        return reconcile(self.lake.observations.read(station))


@pytest.fixture
def site(tmp_path: Path, services: Services, clock: FastClock) -> Site:
    services.fill(FLOW.mrid, date(2026, 9, 1), YESTERDAY)
    services.fill(LEVEL.mrid, date(2026, 9, 1), YESTERDAY, 2120.0)
    return Site(tmp_path, services, clock)


def test_the_catalogue_says_what_is_asked_for() -> None:
    assert {(p.station, p.quantity, p.mrid) for p in points()} == {
        *(("mazar", "flow", 30538), ("mazar", "level", 30031), ("molino", "flow", 24811), ("molino", "level", 24019)),
        *(("sopladora", "flow", 90537), ("sopladora", "level", 90919), ("paute-basin", "flow", 24812)),
        *(("minas-san-francisco", "flow", 650538), ("minas-san-francisco", "level", 650919)),
        *(("agoyan", "flow", 140537), ("manduriacu", "flow", 110537), ("coca-codo-sinclair", "flow", 100037)),
    }


def test_no_value_above_10_000_can_pass_as_a_flow_of_the_historian() -> None:
    assert all(stations()[p.station].flow_bounds_m3s[1] <= 10_000 for p in points() if p.quantity == "flow")


def test_months_are_the_newest_first_and_none_twice() -> None:
    assert [f"{month}" for month in months(date(2025, 12, 31), date(2026, 2, 1))] == [
        *("2026-02-01", "2026-01-01", "2025-12-01")
    ]


# What comes


def test_flow_and_level_become_one_series_up_to_every_month_s_last_day(site: Site) -> None:
    historian = site.historian()
    historian.collect(MAZAR, TWO_MONTHS)
    assert (len(historian.arrived.new), historian.arrived.unchanged, historian.arrived.failed) == (4, 0, {})
    assert historian.arrived.last_day == YESTERDAY
    assert historian.arrived.rows == 2 * (31 + 22)
    assert historian.requests == len(site.services.asked) == 1 + 4
    series = site.series("mazar")
    assert list(series.index) == list(pd.date_range("2026-10-01", YESTERDAY))
    assert series[["flow_m3s", "level_masl"]].notna().all(axis=None)
    assert series.loc["2026-10-31", "flow_m3s"] == site.services.values[FLOW.mrid][date(2026, 10, 31)]
    assert not series["sources_disagree"].any()


def test_what_was_answered_is_kept_byte_for_byte_under_a_name_that_says_what_it_is(site: Site) -> None:
    site.historian().collect([FLOW], TWO_MONTHS[:1])
    (name,) = site.names()
    answer = site.services.answer(site.services.asked[-1].path, site.services.asked[-1].params)[2]
    packed = site.lake.raw.read(name)
    assert gzip.decompress(packed) == answer
    assert packed == gzip.compress(answer, mtime=0)
    assert name.startswith("celec-historian/mazar/flow/2026-11/20261123T170000Z-")


def test_the_same_answer_again_changes_nothing(site: Site) -> None:
    site.historian().collect(MAZAR, TWO_MONTHS)
    before = {name: site.lake.raw.read(name) for name in site.names()}
    site.now += timedelta(hours=5)
    again = site.historian()
    again.collect(MAZAR, TWO_MONTHS, again=True)
    assert (again.arrived.new, again.arrived.unchanged) == ([], 4)
    assert {name: site.lake.raw.read(name) for name in site.names()} == before


# What is corrected


def corrected(site: Site, day: date, value: float | None, later: timedelta = timedelta(days=1)) -> pd.DataFrame:
    """The series after one value was changed and the historian asked again."""
    site.historian().collect(MAZAR, TWO_MONTHS)
    site.read_all()
    site.services.values[FLOW.mrid][day] = value
    site.now += later
    site.historian().collect(MAZAR, TWO_MONTHS, again=True)
    return site.series("mazar")


@pytest.mark.parametrize("day", [date(2026, 10, 31), date(2026, 11, 1), YESTERDAY])
@pytest.mark.parametrize("later", [timedelta(), timedelta(seconds=1), timedelta(days=1), timedelta(days=-1)])
def test_a_corrected_value_wins_whatever_the_clock_says(site: Site, day: date, later: timedelta) -> None:
    series = corrected(site, day, 77.5, later)
    assert series.loc[str(day), "flow_m3s"] == 77.5
    assert len(site.names()) == 5


@pytest.mark.parametrize("day", [date(2026, 10, 10), date(2026, 10, 31), YESTERDAY])
def test_a_value_that_is_taken_back_is_gone_and_the_level_stays(site: Site, day: date) -> None:
    series = corrected(site, day, None)
    assert np.isnan(series.loc[str(day), "flow_m3s"])
    assert series.loc[str(day), "level_masl"] == site.services.values[LEVEL.mrid][day]
    assert series["flow_m3s"].isna().sum() == 1


def test_a_value_that_came_back_to_what_it_was_wins_too(site: Site) -> None:
    day, value = YESTERDAY, site.services.values[FLOW.mrid][YESTERDAY]
    assert corrected(site, day, 77.5).loc[str(day), "flow_m3s"] == 77.5
    site.services.values[FLOW.mrid][day] = value
    site.historian().collect(MAZAR, TWO_MONTHS)
    assert site.series("mazar").loc[str(day), "flow_m3s"] == value


def test_a_month_that_is_taken_back_as_a_whole_is_not_believed(site: Site) -> None:
    site.historian().collect(MAZAR, TWO_MONTHS)
    for day in pd.date_range("2026-11-01", YESTERDAY):
        site.services.values[FLOW.mrid][day.date()] = None
    again = site.historian()
    again.collect(MAZAR, TWO_MONTHS)
    assert list(again.arrived.withheld) == ["celec-historian/mazar/flow/2026-11"]
    assert len(site.names()) == 4
    assert site.series("mazar")["flow_m3s"].notna().all()


def test_only_the_newest_answer_of_a_month_is_opened_of_all_that_are_kept(site: Site) -> None:
    for days in range(1, 22):
        site.services.values[FLOW.mrid] = {}
        site.services.fill(FLOW.mrid, date(2026, 10, 1), date(2026, 11, days))
        site.now = datetime(2026, 11, days + 1, 12, tzinfo=UTC)
        site.historian().collect([FLOW], months(date(2026, 11, 1), site.now.date()))
    assert len(site.names()) == 21
    site.read_all()
    assert site.lake.observations.read("mazar")["raw_file"].nunique() == 1
    assert site.series("mazar")["flow_m3s"].notna().sum() == 21


def test_an_answer_that_was_not_read_yet_has_replaced_none(site: Site) -> None:
    site.historian().collect([FLOW], TWO_MONTHS[:1])
    site.read_all()
    site.services.values[FLOW.mrid][YESTERDAY] = 77.5
    site.now += timedelta(hours=1)
    site.historian().collect([FLOW], TWO_MONTHS[:1])
    newest = site.names()[-1]
    # As a run leaves it that was killed after it put the readings and before it put the record.
    _, readings = read_raw_file(newest, site.lake.raw.read(newest), site.now.date())
    site.lake.observations.write(newest, "0" * 64, "celec-historian", readings)
    site.lake.store.delete(f"observations/files/{newest}.json")
    assert len(site.lake.observations.read("mazar")) == 22
    assert 77.5 not in set(site.lake.observations.read("mazar")["flow_m3s"])
    assert site.series("mazar").loc[str(YESTERDAY), "flow_m3s"] == 77.5


# Null hours


def test_in_a_null_hour_a_control_is_asked_first_and_nothing_is_written(site: Site) -> None:
    site.services.hour = 18
    historian = site.historian()
    with pytest.raises(NullHour, match=r"not even for mazar or molino in 2026-10.*Try again"):
        historian.collect(points(), TWO_MONTHS)
    assert [asked.params["mrid"] for asked in site.services.asked] == ["30538", "24811"]
    assert site.names() == []
    site.services.hour = 6
    site.historian().collect(MAZAR, TWO_MONTHS)
    assert len(site.names()) == 4


def test_one_control_that_is_out_of_order_does_not_stop_the_others(site: Site) -> None:
    site.services.values = {24811: site.services.values[FLOW.mrid], LEVEL.mrid: site.services.values[LEVEL.mrid]}
    site.historian().collect([LEVEL], TWO_MONTHS)
    assert len(site.names()) == 2


class Dusk(Services):
    """A null hour that begins after some requests."""

    speaks_for = 0

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, str, bytes]:
        self.hour = 6 if len(self.asked) <= self.speaks_for else 18
        return super().answer(path, params)


@pytest.mark.parametrize("speaks_for", range(1, 5))
def test_a_null_hour_that_begins_in_the_middle_leaves_no_null_behind(site: Site, speaks_for: int) -> None:
    site.services.__class__, site.services.speaks_for = Dusk, speaks_for  # type: ignore[attr-defined]
    with pytest.raises(NullHour, match=f"{5 - speaks_for} answers without a value were not kept"):
        site.historian().collect(MAZAR, TWO_MONTHS)
    assert len(site.names()) == speaks_for - 1
    assert all(b"null}," in gzip.decompress(site.lake.raw.read(n)) for n in site.names() if "2026-11" in n)
    site.services.speaks_for = 99  # type: ignore[attr-defined]
    site.historian().collect(MAZAR, TWO_MONTHS)
    assert site.series("mazar")[["flow_m3s", "level_masl"]].notna().all(axis=None)


def test_a_month_in_which_there_was_no_station_yet_is_kept_as_such_and_gives_no_reading(site: Site) -> None:
    historian = site.historian()
    historian.collect(AGOYAN, TWO_MONTHS)
    assert historian.arrived.rows == 0
    assert [asked.params["mrid"] for asked in site.services.asked] == ["30538", "140537", "140537", "30538"]
    assert len(site.names()) == 2
    site.read_all()
    assert site.lake.observations.read("agoyan").empty


def test_a_station_that_had_not_begun_is_not_asked_for_ever_earlier_months(site: Site) -> None:
    site.services.fill(AGOYAN[0].mrid, date(2026, 3, 5), YESTERDAY)
    steps: list[str] = []
    all_months = months(date(2020, 1, 1), YESTERDAY)
    site.historian().collect(AGOYAN, all_months, on_step=lambda _, month: steps.append(f"{month:%Y-%m}"))
    asked = [asked.month for asked in site.services.asked if asked.params["mrid"] == "140537"]
    assert asked == [f"{month:%Y-%m}" for month in months(date(2025, 3, 1), YESTERDAY)]
    assert len(steps) == len(all_months)
    site.now += timedelta(hours=1)
    site.historian().collect(AGOYAN, all_months)
    assert {asked.month for asked in site.services.asked if asked.params["mrid"] == "140537"} == {"2026-11"}


# What is asked


def test_what_is_there_is_not_asked_again_but_for_the_last_days(site: Site) -> None:
    site.now = datetime(2026, 11, 9, 12, tzinfo=UTC)
    site.services.fill(FLOW.mrid, date(2026, 1, 1), YESTERDAY)
    half_a_year = months(date(2026, 6, 1), site.now.date())
    site.historian().collect([FLOW], half_a_year)
    again = site.historian()
    assert again.missing([FLOW], half_a_year) == 2
    again.collect([FLOW], half_a_year)
    assert [asked.month for asked in site.services.asked] == ["2026-10", "2026-11", "2026-10"]
    assert again.arrived.there == 4


def test_an_interrupted_run_is_taken_up_where_it_was(site: Site) -> None:
    site.services.fill(FLOW.mrid, date(2025, 1, 1), YESTERDAY)
    year = months(date(2025, 12, 1), YESTERDAY)

    def interrupt(_: object, month: date) -> None:
        if month == date(2026, 6, 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.historian().collect([FLOW], year, on_step=interrupt)
    assert len(site.names()) == 6
    site.historian().collect([FLOW], year)
    assert {asked.month for asked in site.services.asked[1:]} == {
        *("2026-11", "2026-05", "2026-04", "2026-03", "2026-02", "2026-01", "2025-12")
    }
    assert len(site.names()) == 12


def test_the_day_s_run_begins_where_the_lake_ends_for_the_point_that_was_longest_unheard_of(site: Site) -> None:
    assert site.historian().first_day_to_ask(MAZAR) == date(2026, 11, 23) - REASK
    site.historian().collect(MAZAR, TWO_MONTHS)
    site.now += timedelta(days=40)
    assert site.historian().first_day_to_ask(MAZAR) == date(2026, 11, 23) - REASK
    site.services.fill(FLOW.mrid, date(2026, 11, 23), date(2027, 1, 1))
    site.historian().collect([FLOW], months(date(2027, 1, 1), date(2027, 1, 2)))
    assert site.historian().first_day_to_ask(MAZAR) == date(2026, 11, 23) - REASK
    assert site.historian().first_day_to_ask([FLOW]) == date(2027, 1, 2) - REASK
    assert site.historian().first_day_to_ask(AGOYAN) == date(2027, 1, 2) - REASK, "history is fetched on request"


# What fails


def test_one_point_that_is_not_answered_stops_no_other(site: Site) -> None:
    site.services.faults.extend([None, None, *[500] * 5, None])
    historian = site.historian()
    historian.collect(MAZAR, TWO_MONTHS)
    assert list(historian.arrived.failed) == ["celec-historian/mazar/level/2026-11"]
    assert len(site.names()) == 3


def test_three_in_a_row_without_an_answer_end_the_run(site: Site) -> None:
    site.services.faults.extend([None, *[500] * 99])
    with pytest.raises(StopAsking, match="3 questions in a row without an answer"):
        site.historian().collect(points(), TWO_MONTHS)
    assert len(site.services.asked) == 1 + 3 * 5


def test_a_server_that_is_down_is_not_taken_for_a_null_hour(site: Site) -> None:
    site.services.faults.extend([500] * 99)
    with pytest.raises(StopAsking, match="status 500") as stopped:
        site.historian().collect(points(), TWO_MONTHS)
    assert not isinstance(stopped.value, NullHour)
    assert len(site.services.asked) == 5


def test_a_refusal_in_the_middle_keeps_what_came_before_it(site: Site) -> None:
    site.services.faults.extend([None, None, 403])
    historian = site.historian()
    with pytest.raises(StopAsking, match="403"):
        historian.collect(MAZAR, TWO_MONTHS)
    assert site.names() == historian.arrived.new
    assert len(site.services.asked) == 3


@pytest.mark.parametrize("text", ['{"items":[],"hasMore":true}', "[]", "null", '{"error":"x"}', '"items"', "{"])
def test_what_is_no_answer_is_not_kept(site: Site, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Services, "answer", lambda *_: (200, "application/json", text.encode()))
    with pytest.raises(StopAsking):
        site.historian().collect(MAZAR, TWO_MONTHS)
    assert site.names() == []


# What the values mean


def test_nulls_zeros_and_faults_are_what_they_are(site: Site) -> None:
    flows = site.services.values[FLOW.mrid]
    flows |= {date(2026, 11, 1): None, date(2026, 11, 2): 0.0, date(2026, 11, 3): 23221.10, date(2026, 11, 4): 0.142}
    site.historian().collect([FLOW], TWO_MONTHS[:1])
    series = site.series("mazar")
    assert "2026-11-01" not in series.index
    assert list(series["flow_m3s"].head(2)) == [23221.10, 0.142], "cleaning flags what is out of bounds"
    items = json.loads(gzip.decompress(site.lake.raw.read(site.names()[0])))["items"]
    assert items[0]["loctimestamp"] > items[-1]["loctimestamp"], "the newest first, as it comes"
