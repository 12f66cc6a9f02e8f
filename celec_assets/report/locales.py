"""Words, numbers and dates as readers of one language expect them. The words stand in the templates, in English, and
in `templates/es.po`; a test finds those that lack a translation.
"""

import io
from collections.abc import Callable
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_interval
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent, parse_pattern
from babel.support import NullTranslations, Translations
from jinja2 import Environment, PackageLoader, StrictUndefined

LOCALES: Final = {"es": "es_EC", "en": "en_GB"}
"""The languages of the report, the default first, and the locale that numbers and dates follow."""


@cache
def environment(language: str) -> Environment:
    """The templates in one language of `LOCALES`. What is put into them is escaped."""
    templates = Environment(
        loader=PackageLoader("celec_assets.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    templates.policies["ext.i18n.trimmed"] = True
    # The extension adds this method when it is loaded.
    install: Callable[..., None] = getattr(templates, "install_gettext_translations")  # noqa: B009
    install(_translations(language), newstyle=True)
    # Parsed here: Babel would do it for each number, which takes longer than the number.
    templates.filters.update(_filters(Locale.parse(LOCALES[language])))
    return templates


def _filters(locale: Locale) -> dict[str, Callable[[Any], str]]:
    patterns = [parse_pattern(text) for text in ("#,##0", "#,##0.0", "#,##0.00")]

    def decimals(value: float, places: int) -> str:
        return str(patterns[places].apply(value, locale))

    def percent(share: float) -> str:
        return str(format_percent(share, locale=locale))

    def chance(share: float) -> str:
        """Nothing that is forecast is impossible or certain."""
        return f"<{percent(0.01)}" if share < 0.005 else f">{percent(0.99)}" if share > 0.995 else percent(share)

    def pattern(text: str) -> Callable[[date], str]:
        return lambda day: str(format_date(day, text, locale=locale))

    of = "'de' " if locale.language == "es" else ""
    return {
        # For a sentence: as many digits as a planner would say aloud. For a table: one more.
        "flow": lambda value: decimals(value, 0 if value >= 10 else 1 if value >= 1 else 2),
        "exact_flow": lambda value: decimals(value, 1 if value >= 1 else 2),
        "axis": lambda value: str(format_decimal(value, locale=locale)),
        "ratio": lambda value: decimals(value, 2),
        "count": lambda value: decimals(value, 0),
        "percent": percent,
        "chance": chance,
        "long_day": pattern(f"EEEE, d {of}MMMM {of}y"),
        "full_day": pattern(f"d {of}MMMM {of}y"),
        "span": lambda days: str(format_interval(days[0], days[1], "MMMMd", locale=locale)),
        "any_of": lambda numbers: str(format_list([str(number) for number in numbers], "or", locale=locale)),
        "day": pattern(f"d {of}MMMM"),
        "short_day": pattern("d MMM"),
        "week_day": pattern("EEE d MMM"),
    }


def _translations(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    compiled = io.BytesIO()
    with files("celec_assets.report").joinpath("templates", f"{language}.po").open("rb") as catalogue:
        write_mo(compiled, read_po(catalogue))
    compiled.seek(0)
    return Translations(compiled)
