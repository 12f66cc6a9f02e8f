"""The reports that people look at; `report.serve` shows what stands under `forecast_report/`, and nothing else.

forecast_report/index.html, latest.csv, latest.json, schema.json    the newest
forecast_report/by_date/<day on which it was made>/...              the same four of each day
forecast_report/by_date/index.html                                  the list of these days
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Final

from celec_assets.storage.store import ObjectStore

if TYPE_CHECKING:
    from celec_assets.report.document import Report

PREFIX: Final = "forecast_report"
FILES: Final = ("schema.json", "latest.json", "latest.csv", "index.html")
"""A report's objects in the order in which they are put: the page, which links the others, is the last."""


class Reports:
    """The newest report and those before it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, report: "Report") -> str:
        """Store a report; one that was made on the same day is replaced. Returns the key of its page.

        The day's own copy is whole before the newest one changes. Whoever is interrupted writes all of it again.
        """
        from celec_assets.report.exports import json_schema, to_csv, to_json
        from celec_assets.report.page import render, render_days

        exports = {"schema.json": json_schema(), "latest.json": to_json(report), "latest.csv": to_csv(report)}
        dated = {**exports, "index.html": render(report, earlier="../index.html").encode()}
        newest = {**exports, "index.html": render(report, earlier="by_date/index.html").encode()}
        for name in FILES:
            self._store.put(f"{PREFIX}/by_date/{report.made_on}/{name}", dated[name])
        self._store.put(f"{PREFIX}/by_date/index.html", render_days(self.days()).encode())
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
