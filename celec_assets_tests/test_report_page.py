"""The report as a page: what it says, in two languages, and that nothing it holds can break out of it."""

import hashlib
import re
from base64 import b64encode
from datetime import date, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from celec_assets.report.chart import HEIGHT, draw
from celec_assets.report.document import Level, Problem, Report, Station
from celec_assets.report.page import ONE_PAGE, render, render_station
from celec_assets_tests.report_sample import (
    MADE_ON,
    sample_report,
    sample_station,
    with_stations,
    without_forecast,
)

TEMPLATES = Path(__file__).parents[1] / "celec_assets" / "report" / "templates"


def edition(page: str, language: str) -> str:
    """The text of one language, tags taken out and white space made one blank."""
    (found,) = re.findall(rf'<div class="edition in-{language}".*?(?=<div class="edition|</main>)', page, re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", found)))


def brief(page: str, language: str, station: str) -> str:
    """What a station's item in the summary says."""
    (part,) = re.findall(rf'<div class="edition in-{language}".*?(?=<div class="edition|</main>)', page, re.S)
    (item,) = re.findall(rf'<li data-station="{re.escape(station)}">(.*?)</li>', part, re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", item))).strip()


def page_of(station: Station) -> str:
    return render(with_stations(sample_report(), station))


def test_a_station_is_told_in_one_sentence_with_its_light_in_words() -> None:
    station = sample_station(0)
    means = station.means[0].model_copy(
        update={
            "flow_m3s": station.means[0].flow_m3s.model_copy(update={"p10": 30.4, "p50": 45.2, "p90": 1070.4}),
            "usual_m3s": station.observed[0].usual_m3s.model_copy(update={"p50": 62.4}),
        }
    )
    page = page_of(station.model_copy(update={"means": (means,)}))
    assert brief(page, "es", "mazar") == (
        "Mazar riesgo de estiaje: alto 45 m³/s en promedio durante 7 días (23–29 de noviembre), "
        "probablemente entre 30 y 1.070 (8 de cada 10); lo usual en esta época es 62."
    )
    assert brief(page, "en", "mazar") == (
        "Mazar low-flow risk high 45 m³/s on average over 7 days (23–29 Nov), "
        "probably 30 to 1,070 (8 in 10); usual for the season is 62."
    )


@pytest.mark.parametrize(
    ("flow", "spanish", "english"), [(0.314, "0,31", "0.31"), (3.14, "3,1", "3.1"), (31.4, "31", "31")]
)
def test_small_flows_keep_digits_that_a_sentence_about_large_ones_drops(
    flow: float, spanish: str, english: str
) -> None:
    station = sample_station(0)
    mean = station.means[0].model_copy(update={"flow_m3s": station.means[0].flow_m3s.model_copy(update={"p50": flow})})
    page = page_of(station.model_copy(update={"means": (mean,)}))
    assert f" {spanish} m³/s en promedio" in brief(page, "es", "mazar")
    assert f" {english} m³/s on average" in brief(page, "en", "mazar")


def test_an_old_forecast_says_that_it_is_old_before_anything_else_and_shows_no_light() -> None:
    station = sample_station(4)
    assert station.is_stale
    assert station.level == Level.ORANGE
    page = page_of(station)
    assert brief(page, "es", "paute-basin").startswith(
        "Paute basin sin datos nuevos No hay datos nuevos desde el 3 de noviembre (20 días). El último pronóstico fue: "
    )
    assert brief(page, "en", "paute-basin").startswith(
        "Paute basin no new data No new data since 3 November (20 days). The last forecast was: "
    )
    assert "Se hizo con retraso" in brief(page, "es", "paute-basin")  # it is hindsight too
    body = page.split("Cómo se hace el pronóstico")[0].split('class="rules"')[0]
    assert 'class="shape orange"' not in body


def test_one_day_is_not_one_days() -> None:
    text = edition(page_of(sample_station(0)), "es")
    assert "22 de noviembre de 2026, 1 día antes de este informe" in text


@pytest.mark.parametrize(
    ("problem", "spanish", "english"),
    [
        (Problem.NO_READINGS, "Ningún archivo trae lecturas", "No raw file holds readings"),
        (Problem.NO_MODEL, "muy pocos días observados", "too few observed days"),
        (Problem.FAILED, "No se pudo hacer", "could not be made"),
    ],
)
def test_a_station_without_a_forecast_says_why(problem: Problem, spanish: str, english: str) -> None:
    page = page_of(without_forecast(sample_station(1), problem))
    assert "sin pronóstico Sin pronóstico. " in brief(page, "es", "molino")
    assert spanish in brief(page, "es", "molino")
    assert english in brief(page, "en", "molino")
    assert "<figure>" not in page


def test_a_report_without_stations_can_be_shown() -> None:
    assert "Pronóstico de caudales" in render(with_stations(sample_report()))


def test_what_a_model_simulates_is_not_told_as_measured() -> None:
    station = sample_station(7)
    page = page_of(station)
    assert "Viene de un modelo hidrológico, no de una medición." in brief(page, "es", station.station)
    assert "From a hydrological model, not from a gauge." in brief(page, "en", station.station)
    assert "modelo hidrológico, no" not in brief(page_of(sample_station(1)), "es", "molino")


def test_a_station_without_earlier_years_says_so_and_is_not_rated() -> None:
    page = page_of(sample_station(5))
    assert brief(page, "es", "coca").startswith("Coca riesgo de estiaje: sin evaluar")
    assert "aún no se sabe qué es lo usual: faltan años de datos" in brief(page, "es", "coca")
    assert "Probabilidad bajo" not in edition(page, "es")


@pytest.mark.parametrize(
    ("chance", "said"), [(0.0, "<1%"), (0.004, "<1%"), (0.01, "1%"), (0.6, "60%"), (0.998, ">99%")]
)
def test_nothing_that_is_forecast_is_impossible_or_certain(chance: float, said: str) -> None:
    station = sample_station(0)
    mean = station.means[0].model_copy(update={"below_p20": chance, "below_p10": None})
    text = edition(page_of(station.model_copy(update={"means": (mean,)})), "es")
    assert f"Probabilidad bajo el P20 {said} < " in text


def test_the_record_says_whether_it_comes_from_issued_forecasts_or_from_a_test() -> None:
    issued, tested = edition(page_of(sample_station(0)), "es"), edition(page_of(sample_station(1)), "es")
    assert "Según los pronósticos emitidos del 1 de enero de 2022 al 31 de diciembre de 2025." in issued
    assert "prueba" not in issued
    assert "Esos pronósticos no fueron emitidos." in tested
    said = "los errores fueron un 27% menores que los de suponer que el caudal de hoy se mantiene, y un 37% menores que"
    assert said in issued
    assert said in tested


@pytest.mark.parametrize(
    ("ratio", "said"), [(0.996, "iguales a los"), (1.12, "un 12% mayores que los"), (0.9, "un 10% menores que los")]
)
def test_errors_are_compared_in_words(ratio: float, said: str) -> None:
    station = sample_station(0)
    row = station.skill.rows[0].model_copy(
        update={"mae_ratio_to_persistence": ratio, "mae_ratio_to_climatology": None, "coverage_80": None}
    )
    page = page_of(station.model_copy(update={"skill": station.skill.model_copy(update={"rows": (row,)})}))
    assert f"los errores fueron {said} de suponer que el caudal de hoy se mantiene." in edition(page, "es")


def test_the_rules_of_the_lights_are_those_of_the_report() -> None:
    text = edition(render(sample_report()), "es")
    assert (
        "Rojo, muy alto: la probabilidad de que el caudal medio quede por debajo del P10 llega al 70% en alguno de los "
        "próximos 7, 14 o 30 días; se apaga cuando baja del 60% en todos." in text
    )


def test_flags_are_counted_in_words() -> None:
    assert "1 día salto que nada confirma, 4 días sin dato, 1 día rellenado" in edition(
        page_of(sample_station(0)), "es"
    )
    whole = sample_station(2)
    assert whole.flagged_days == {}
    assert "Los últimos 90 días fueron todos observados." in edition(page_of(whole), "es")


def test_whatever_data_hold_is_shown_and_never_run() -> None:
    evil = "</script></style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
    station = sample_station(0).model_copy(update={"name": evil, "river": evil, "plant": evil, "station": evil})
    report = with_stations(sample_report(), station)
    sources = tuple(
        source.model_copy(update={"name": evil, "licence": evil, "attribution": evil, "url": "javascript:alert(3)"})
        for source in report.sources
    )
    page = render(report.model_copy(update={"sources": sources, "version": evil}))
    assert page.count("<script>") == page.count("</script>") == 1
    assert page.count("<style>") == page.count("</style>") == 1
    assert "<img" not in page
    assert "javascript:" not in page
    assert evil in edition(page, "es")


class Names(HTMLParser):
    """What a page refers to, and how it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.fetched: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a" and (value or "").startswith("#"):
                self.anchors.append((value or "")[1:])
            elif name in ("src", "srcset", "poster", "action") or (name == "href" and tag != "a"):
                self.fetched.append(value or "")
            elif name == "style" or name.startswith("on"):
                self.inline.append(name)


def test_the_page_fetches_nothing_and_every_link_inside_it_leads_somewhere() -> None:
    names = Names()
    names.feed(page := render(sample_report(8)))
    assert [url for url in names.fetched if not url.startswith("data:")] == []
    assert "@import" not in page
    assert "url(" not in page
    assert names.inline == []  # its own policy would refuse them
    assert sorted(names.ids) == sorted(set(names.ids))
    assert set(names.anchors) <= set(names.ids)
    assert len(names.anchors) == 16


def test_many_stations_have_an_index_and_a_page_each() -> None:
    report = sample_report(ONE_PAGE + 1)
    index, first, last = render(report), *(render_station(report, report.stations[n]) for n in (0, -1))
    assert set(re.findall(r'href="(stations/[^"]+)"', index)) == {
        f"stations/{station.station}.html" for station in report.stations
    }
    assert 'class="station"' not in index
    assert 'href="latest.csv"' in index
    assert len(index.encode()) < 500_000
    for page, station in ((first, report.stations[0]), (last, report.stations[-1])):
        assert page.count('class="station"') == 2  # in both languages
        assert f'id="es-{station.station}"' in page
        assert page.count('href="../index.html"') == 2
        names = Names()
        names.feed(page)
        assert [url for url in names.fetched if not url.startswith("data:")] == []
        assert "connect-src" not in page
        assert len(page.encode()) < 250_000
    assert "stations/" not in render(sample_report(ONE_PAGE))


def test_the_policy_names_exactly_the_style_and_the_script_inside() -> None:
    page = render(sample_report(1))
    policy = unescape(re.search(r'Security-Policy" content="([^"]+)"', page)[1])
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")


def test_the_same_report_gives_the_same_page() -> None:
    assert render(sample_report()) == render(Report.model_validate_json(sample_report().model_dump_json()))


@pytest.mark.parametrize(("stations", "most"), [(6, 1_500_000), (50, 5_000_000)])
def test_the_page_is_small_enough_for_a_phone(stations: int, most: int) -> None:
    assert len(render(sample_report(stations)).encode()) < most


def test_every_sentence_is_translated_and_no_translation_is_left_over() -> None:
    options = {"trimmed": "true", "silent": "false"}
    methods = [("**.html", "jinja2.ext:babel_extract"), ("**.svg", "jinja2.ext:babel_extract")]
    found = Catalog()
    for _, _, message, _, _ in extract_from_dir(TEMPLATES, methods, {pattern: options for pattern, _ in methods}):
        found.add(message)
    with (TEMPLATES / "es.po").open("rb") as file:
        spanish = read_po(file, locale="es")
    assert {message.id for message in found if message.id} == {message.id for message in spanish if message.id}
    untranslated = [m.id for m in spanish if m.id and not all(m.string if m.pluralizable else [m.string])]
    assert untranslated == []
    assert [(message.id, *map(str, message.check())) for message in spanish if message.id and message.check()] == []


# The chart.


def test_a_gap_stays_a_gap_and_a_day_between_two_gaps_is_a_dot() -> None:
    station = sample_station(0)
    lost = {1, 2, 4}
    days = tuple(
        day.model_copy(update={"flow_m3s": None, "flag": "missing"}) if n in lost else day
        for n, day in enumerate(station.observed[:8])
    )
    chart = draw(sample_report(), station.model_copy(update={"observed": days, "days": ()}))
    runs = chart.lines["observed"].split("M")[1:]
    assert [re.findall(r"(?:^|L)(\d+) ", run) for run in runs] == [["0"], ["3"], ["5", "6", "7"]]
    assert [run.endswith("h0") for run in runs] == [True, True, False]
    assert [mark.day for mark in chart.flagged] == [days[n].day for n in sorted(lost)]
    assert all(mark.down is None for mark in chart.flagged)


def test_the_fan_holds_the_median_and_nothing_is_drawn_beyond_the_edges() -> None:
    for number in range(8):
        chart = draw(sample_report(), sample_station(number))
        downs = [
            float(down)
            for path in (*chart.bands.values(), *chart.lines.values())
            for down in re.findall(r"\d+ (-?[\d.]+)", path)
        ]
        assert min(downs) >= 0
        assert max(downs) <= HEIGHT
        assert chart.grid[0].flow_m3s == 0
        assert 3 <= len(chart.grid) <= 6
        assert "usual" in chart.lines or number == 5


def test_days_that_nobody_lists_have_their_place_on_the_axis() -> None:
    station = sample_station(0)
    chart = draw(
        sample_report(), station.model_copy(update={"observed": station.observed[:10], "days": station.days[-2:]})
    )
    assert [row.day for row in chart.rows] == [
        station.observed[0].day + timedelta(days=n) for n in range(len(chart.rows))
    ]
    assert chart.issue.day == date(2026, 11, 22)
    assert chart.today.day == MADE_ON


def test_a_dry_river_and_a_single_day_can_be_drawn() -> None:
    station = sample_station(5)
    dry = tuple(day.model_copy(update={"flow_m3s": 0.0}) for day in station.observed)
    chart = draw(sample_report(), station.model_copy(update={"observed": dry, "days": ()}))
    assert set(re.findall(r"\d+ (-?[\d.]+)", chart.lines["observed"])) == {str(HEIGHT)}
    assert draw(sample_report(), station.model_copy(update={"observed": dry[:1], "days": ()})) is None
    assert draw(sample_report(), station.model_copy(update={"observed": (), "days": ()})) is None
