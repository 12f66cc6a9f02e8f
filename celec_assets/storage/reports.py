"""The reports that people look at; `report.serve` shows what stands under `forecast_report/`, and nothing else.

forecast_report/index.html, latest.csv, latest.json, schema.json    the newest
forecast_report/stations/<station>.html                             a page for each station, where there are many
forecast_report/by_date/<day on which it was made>/...              the same of each day
forecast_report/by_date/index.html                                  the list of these days
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Final

from celec_assets.storage.store import ObjectStore

if TYPE_CHECKING:
    from celec_assets.report.document import Report, Station

PREFIX: Final = "forecast_report"
FILES: Final = ("schema.json", "latest.json", "latest.csv", "index.html")
"""A report's objects in the order in which they are put: the page, which links the others, is the last."""

WORKERS: Final = 8
"""Puts wait for the network, not for the processor."""


def page_of(station: str) -> str:
    """Where a station's own page is, seen from the report."""
    return f"stations/{station}.html"


class Reports:
    """The newest report and those before it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, report: "Report") -> str:
        """Store a report; one that was made on the same day is replaced. Returns the key of its page.

        The day's own copy is whole before the newest one changes. Whoever is interrupted writes all of it again.
        """
        from celec_assets.report.exports import json_schema, to_csv, to_json
        from celec_assets.report.page import is_index, render, render_days, render_station

        exports = {"schema.json": json_schema(), "latest.json": to_json(report), "latest.csv": to_csv(report)}
        dated = {**exports, "index.html": render(report, earlier="../index.html").encode()}
        newest = {**exports, "index.html": render(report, earlier="by_date/index.html").encode()}
        stations = report.stations if is_index(report) else ()
        day = f"{PREFIX}/by_date/{report.made_on}"

        def put_page(station: "Station") -> None:
            self._store.put(f"{day}/{page_of(station.station)}", render_station(report, station).encode())

        def copy_page(station: "Station") -> None:
            name = page_of(station.station)
            self._store.put(f"{PREFIX}/{name}", self._store.get(f"{day}/{name}"))

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(put_page, stations))
        for name in FILES:
            self._store.put(f"{day}/{name}", dated[name])
        self._store.put(f"{PREFIX}/by_date/index.html", render_days(self.days()).encode())
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(copy_page, stations))
        for name in FILES:
            self._store.put(f"{PREFIX}/{name}", newest[name])
        return f"{PREFIX}/index.html"

    def read(self) -> "Report":
        """The newest report. Raises `ObjectMissing`."""
        from celec_assets.report.document import Report

        return Report.model_validate_json(self._store.get(f"{PREFIX}/latest.json"))

    def days(self) -> list[date]:
        """The days of which there is a whole report, the newest first."""
        return sorted(self._days(), reverse=True)

    def _days(self) -> Iterator[date]:
        for info in self._store.list(f"{PREFIX}/by_date/"):
            day, _, name = info.key.removeprefix(f"{PREFIX}/by_date/").partition("/")
            if name == "index.html":
                yield date.fromisoformat(day)
