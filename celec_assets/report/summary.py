"""The report in a sentence a station, as a message carries it."""

from celec_assets.report.document import Report, Station
from celec_assets.report.locales import environment
from celec_assets.report.page import headline, light

WINDOW_DAYS = 7


def sentences(report: Report) -> list[tuple[str, str]]:
    """For each station its first sentence in Spanish and in English, without markup."""
    return [(_sentence(station, "es"), _sentence(station, "en")) for station in report.stations]


def _sentence(station: Station, language: str) -> str:
    words = environment(language).get_template("words.html").module
    lit = light(station)
    lead = words.lead(station, headline(station, WINDOW_DAYS), lit).striptags()  # type: ignore[attr-defined]
    return f"{station.name}: {lead} ({words.risk(lit).striptags()})"  # type: ignore[attr-defined]
