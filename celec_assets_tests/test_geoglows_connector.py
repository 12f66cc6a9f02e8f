"""What the GEOGLOWS connector asks for and keeps, over HTTP; and that a forecast is known and gives no reading."""

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from celec_assets.connectors.client import Client, StopAsking
from celec_assets.connectors.geoglows import Geoglows, catalogue_rivers
from celec_assets.connectors.pace import Pace
from celec_assets.sources import read_raw_file
from celec_assets.storage.lake import Lake
from celec_assets_tests.services import FastClock, Services

RIVER, OTHER = "620883808", "620569241"
TODAY = date(2026, 11, 23)


class Site:
    def __init__(self, folder: Path, services: Services, clock: FastClock) -> None:
        self.services, self.clock, self.now = services, clock, datetime(2026, 11, 23, 12, tzinfo=UTC)
        self.lake = Lake.open(str(folder / "lake"))
        self.pace = Pace("test", folder, clock.time, clock.sleep)
        for river in (RIVER, OTHER):
            self.fill(river, date(2019, 1, 1), date(2026, 11, 10))

    def fill(self, river: str, first: date, last: date) -> None:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        self.services.rivers.setdefault(int(river), {}).update({day: day.toordinal() % 9 + 0.25 for day in days})

    def connector(self) -> Geoglows:
        self.services.asked.clear()
        client = Client(self.services.geoglows_url, pace=self.pace, sleep=self.clock.sleep)
        return Geoglows(client, self.lake.raw, lambda: self.now)

    def collect(self, *rivers: str, first_year: int = 2019) -> Geoglows:
        connector = self.connector()
        assert connector.missing(rivers, first_year) >= 2 * len(rivers)
        connector.collect(rivers, first_year)
        return connector

    def questions(self) -> list[str]:
        return [file.name.rpartition("/")[0] for file in self.lake.raw.list()]

    def rivers_asked(self) -> list[str]:
        return list(dict.fromkeys(asked.path.rpartition("/")[2] for asked in self.services.asked))

    def windows(self) -> list[str]:
        return [
            f"{a.params['start_date']}-{a.params['end_date']}" for a in self.services.asked if "start_date" in a.params
        ]


@pytest.fixture
def site(tmp_path: Path, services: Services, clock: FastClock) -> Site:
    return Site(tmp_path, services, clock)


def test_the_catalogue_s_river_is_asked_for() -> None:
    assert catalogue_rivers() == (RIVER,)


def test_past_years_are_one_request_and_this_year_and_the_forecast_one_each(site: Site) -> None:
    arrived = site.collect(RIVER).arrived
    assert site.questions() == [
        f"geoglows/{RIVER}/forecast/2026-11-23",
        f"geoglows/{RIVER}/retrospective/2019-2025",
        f"geoglows/{RIVER}/retrospective/2026",
    ]
    assert site.windows() == ["20190101-20251231", "20260101-20261231"]
    assert (arrived.last_day, arrived.rows) == (date(2026, 11, 10), len(site.services.rivers[int(RIVER)]))


def test_the_answers_are_read_as_they_are_and_a_forecast_gives_no_reading(site: Site) -> None:
    site.collect(RIVER)
    readings = {}
    for file in site.lake.raw.list():
        source, frame = read_raw_file(file.name, site.lake.raw.read(file.name), TODAY)
        assert source == "geoglows"
        readings[file.name.rpartition("/")[0].rpartition(f"{RIVER}/")[2]] = len(frame)
    assert readings == {"forecast/2026-11-23": 0, "retrospective/2019-2025": 2557, "retrospective/2026": 314}


def test_what_was_answered_is_kept_byte_for_byte(site: Site) -> None:
    site.collect(RIVER)
    for file, asked in zip(reversed(list(site.lake.raw.list())), site.services.asked[:0:-1], strict=False):
        assert gzip.decompress(site.lake.raw.read(file.name)) == site.services.answer(asked.path, asked.params)[2]


def test_the_next_day_only_what_may_have_changed_is_asked_for(site: Site) -> None:
    site.collect(RIVER)
    site.now += timedelta(days=1)
    site.services.issued = date(2026, 11, 24)
    site.fill(RIVER, date(2026, 11, 11), date(2026, 11, 12))
    again = site.collect(RIVER)
    assert site.windows() == ["20260101-20261231"]
    assert len(again.arrived.new) == 2
    assert site.questions().count(f"geoglows/{RIVER}/retrospective/2026") == 2
    third = site.collect(RIVER)
    assert (third.arrived.new, third.arrived.unchanged) == ([], 2)


def test_last_year_is_asked_for_until_the_end_of_february(site: Site) -> None:
    site.collect(RIVER)
    site.now = datetime(2027, 2, 28, 12, tzinfo=UTC)
    site.fill(RIVER, date(2026, 11, 11), date(2027, 1, 31))
    site.collect(RIVER)
    assert site.windows() == ["20260101-20261231", "20270101-20271231"]
    site.now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    site.collect(RIVER)
    assert site.windows() == ["20270101-20271231"]


def test_a_year_that_has_no_day_yet_leaves_no_file(site: Site) -> None:
    site.now = datetime(2027, 1, 2, 12, tzinfo=UTC)
    site.collect(RIVER)
    assert f"geoglows/{RIVER}/retrospective/2027" not in site.questions()


def test_earlier_years_that_are_wanted_later_are_one_gap(site: Site) -> None:
    site.fill(RIVER, date(2010, 1, 1), date(2018, 12, 31))
    site.collect(RIVER, first_year=2022)
    site.collect(RIVER, first_year=2010)
    assert site.windows() == ["20100101-20211231", "20260101-20261231"]


def test_a_river_that_is_not_known_fails_alone(site: Site) -> None:
    connector = site.connector()
    connector.collect([OTHER, "999999999", RIVER], 2025)
    assert list(connector.arrived.failed) == [
        "geoglows/999999999/forecast",
        "geoglows/999999999/retrospective/2025",
    ]
    assert len([question for question in site.questions() if RIVER in question]) == 3


def test_a_run_that_was_cut_off_is_gone_on_with_where_it_stopped(site: Site) -> None:
    def cut_off(done: str) -> None:
        if done == f"{OTHER} forecast":
            raise KeyboardInterrupt

    site.collect(OTHER, RIVER)
    site.now += timedelta(days=1)
    site.services.issued = date(2026, 11, 24)
    with pytest.raises(KeyboardInterrupt):
        site.connector().collect([OTHER, RIVER], 2025, cut_off)
    site.now += timedelta(hours=1)
    site.collect(OTHER, RIVER)
    assert site.rivers_asked() == [RIVER, OTHER]


def test_rivers_without_an_answer_come_first_and_do_not_keep_the_others_from_theirs(site: Site) -> None:
    site.collect(OTHER, RIVER)
    site.now += timedelta(days=1)
    site.services.issued = date(2026, 11, 24)
    connector = site.connector()
    connector.collect([OTHER, RIVER, "999999998", "999999999"], 2026)
    assert site.rivers_asked() == ["999999998", RIVER, "999999999", OTHER]
    assert len(connector.arrived.new) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "data product not available"}',
        b"time,620569241\n2026-01-01 00:00:00+00:00,1.5\n",
        b"time,620883808\n2026-01-01 00:00:00+00:00,1.5\n2026-01-02 00:0",
        b"time,620883808\n2026-02-30 00:00:00+00:00,1.5\n",
        b"<html>504</html>",
        b"",
    ],
    ids=["error", "another-river", "cut-off", "no-day", "web-page", "nothing"],
)
def test_what_is_no_answer_is_not_kept(site: Site, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(Services, "answer", lambda *_: (200, "text/csv", body))
    with pytest.raises(StopAsking, match="3 questions in a row"):
        site.connector().collect([RIVER, OTHER], 2026 - 1)
    assert site.questions() == []
