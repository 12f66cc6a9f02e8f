"""The report as one web page, or as an index and a page for each station where they are many. Both languages, style,
script and charts are inside each, and nothing is fetched from anywhere.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from typing import Final

from markupsafe import Markup

from celec_assets.report.chart import HEIGHT, draw
from celec_assets.report.document import Mean, Report, SkillRow, Station
from celec_assets.report.locales import LOCALES, environment

LIGHTS: Final = ("red", "orange", "yellow", "green", "unrated", "stale", "none")
"""What a station shows, the most urgent first: its level, or why it has none."""
ONE_PAGE: Final = 50
"""Stations that fit on one page, in what a phone loads. More have a page each, and the first one lists them."""
SKILL_DAYS: Final = (1, 3, 7, 14, 30)
"""The leads whose skill the page shows; `latest.json` holds all."""


def render(report: Report, earlier: str = "by_date/index.html") -> str:
    """The page. `earlier` is where the list of earlier reports is, seen from the page."""
    counts = Counter(light(station) for station in report.stations)
    editions = _editions(
        "edition.html",
        report,
        report.stations,
        stations=() if is_index(report) else report.stations,
        counts=sorted(counts.items(), key=lambda item: LIGHTS.index(item[0])),
        earlier=earlier,
    )
    return in_page("report.html", report=report, editions=editions)


def is_index(report: Report) -> bool:
    """Whether the page of a report only lists its stations, which have pages of their own (`render_station`)."""
    return len(report.stations) > ONE_PAGE


def render_station(report: Report, station: Station) -> str:
    """The page of one station; the index is the file `index.html` in the folder above."""
    editions = _editions("station_edition.html", report, (station,), stations=(station,))
    return in_page("report.html", report=report, editions=editions)


def _editions(
    template: str, report: Report, told: Sequence[Station], stations: Sequence[Station], **values: object
) -> dict[str, Markup]:
    """A template in each language.

    Args:
        told: the stations of which it says something; stations: those that it shows with chart and table.
    """
    charts = {station.station: draw(report, station) for station in stations}
    return {
        language: Markup(  # noqa: S704  what a template has escaped goes into another one
            environment(language)
            .get_template(template)
            .render(
                **values,
                report=report,
                stations=stations,
                language=language,
                charts=charts,
                lights={station.station: light(station) for station in told},
                plot_height=HEIGHT,
                headline=headline,
                shown_skill=shown_skill,
                windows=sorted({mean.window_days for station in told for mean in station.means}),
            )
        )
        for language in LOCALES
    }


def render_days(days: Sequence[date]) -> str:
    """The list of earlier reports, by the day on which each was made."""
    return in_page("days.html", days=days)


def render_message(name: str) -> str:
    """What the server says in place of a report: `missing` or `unreadable`."""
    return in_page("message.html", name=name)


def in_page(template: str, **values: object) -> str:
    """A template that extends `page.html`, with style and script inside and a policy that lets nothing else run."""
    style, script = _asset("page.css"), _asset("page.js")
    return (
        environment("en")
        .get_template(template)
        .render(
            **values,
            style=style,
            script=script,
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"style-src '{_digest(style)}'",
                    f"script-src '{_digest(script)}'",
                    "img-src data:",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
            translated={language: environment(language).filters for language in LOCALES},
        )
    )


def light(station: Station) -> str:
    """One of `LIGHTS`: an old forecast has no light of its own, whatever it said."""
    if station.issue_date is None or not station.means:
        return "none"
    if station.is_stale:
        return "stale"
    return station.level or "unrated"


def headline(station: Station, window_days: int) -> Mean | None:
    """The forecast of the mean of the next days, if there is one of that window."""
    return next((mean for mean in station.means if mean.window_days == window_days), None)


def shown_skill(station: Station) -> list[SkillRow]:
    """The rows of skill that fit on a page: the means, then a few of the days."""
    rows = station.skill.rows if station.skill else ()
    means = sorted((row for row in rows if row.window_days), key=lambda row: row.window_days or 0)
    return [*means, *(row for row in rows if row.lead_days in SKILL_DAYS)]


def _asset(name: str) -> Markup:
    return Markup(files("celec_assets.report").joinpath("templates", name).read_text(encoding="utf-8"))  # noqa: S704


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
