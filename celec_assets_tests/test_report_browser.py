"""The report in a real browser: on a phone, on a desktop, in print; by mouse, keys and touch; with and without a script.

Needs Debian's package `chromium`; Playwright drives it and downloads no browser of its own.
"""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.numbers import format_decimal
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from celec_assets.report.document import Problem, Report, Station
from celec_assets.storage.reports import Reports
from celec_assets.storage.store import FolderStore
from celec_assets_tests.report_sample import sample_report, sample_station, with_stations, without_forecast
from celec_assets_tests.report_server import report_server

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium"),
]

LOCALES = {"es": "es_EC", "en": "en_GB"}
WIDEST = Path(matplotlib.get_data_path(), "fonts/ttf")
"""DejaVu Sans, the widest of what Helvetica becomes on systems that have none; Matplotlib brings it."""
FONTS = ("this machine's", "the widest")
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    report = sample_report()
    store = FolderStore(tmp_path_factory.mktemp("lake"))
    Reports(store).write(
        with_stations(
            report, *report.stations, sample_station(9), without_forecast(sample_station(7), Problem.NO_MODEL)
        )
    )
    return store


@pytest.fixture(scope="module")
def url(lake: FolderStore) -> Iterator[str]:
    with report_server(lake) as url:
        yield f"{url}/report/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, which CI is; the page is our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport=DESKTOP) as context:
        yield context


class Watch:
    """All that a page asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


def published(lake: FolderStore) -> Report:
    """The report as a program reads it."""
    return Report.model_validate(json.loads(lake.get("forecast_report/latest.json")))


def flow(value: float, language: str) -> str:
    return str(format_decimal(value, "#,##0.0" if value >= 1 else "#,##0.00", locale=LOCALES[language]))


def chart(page: Page, station: str, language: str = "es") -> Locator:
    return page.locator(f"section:has(#{language}-{station}) figure")


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def use_font(page: Page, font: str) -> None:
    if font == FONTS[0]:
        return
    for file, weight in (("DejaVuSans.ttf", "400"), ("DejaVuSans-Bold.ttf", "700")):
        data = base64.b64encode((WIDEST / file).read_bytes()).decode()
        page.evaluate(
            """async ([data, weight]) => {
                const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
                document.fonts.add(await new FontFace("widest", bytes, { weight }).load());
            }""",
            [data, weight],
        )
    page.evaluate("document.body.style.fontFamily = 'widest'")
    assert page.evaluate("document.fonts.check('700 12px widest')")


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_page_fits_and_asks_for_nothing(browser: Browser, url: str, size: Any, font: str, language: str) -> None:
    with browser.new_context(viewport=size) as context:
        page = context.new_page()
        watch = Watch(page)
        page.goto(f"{url}?lang={language}")
        use_font(page, font)
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert watch.requests == [f"{url}?lang={language}"]
        assert watch.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LOCALES)
def test_the_page_has_no_barrier(browser: Browser, store: FolderStore, language: str, scheme: Any) -> None:
    old, unrated, none = sample_station(4), sample_station(5), without_forecast(sample_station(7), Problem.NO_MODEL)
    Reports(store).write(with_stations(sample_report(), sample_station(0), old, unrated, none))
    with browser.new_context(viewport=PHONE, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(f"{(Path(store.url) / 'forecast_report' / 'index.html').as_uri()}?lang={language}")
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        found = Axe().run(page).response
        assert [(rule["id"], rule["impact"], rule["nodes"][0]["html"][:200]) for rule in found["violations"]] == []
        assert {"color-contrast", "svg-img-alt", "label"} <= {rule["id"] for rule in found["passes"]}


def test_the_page_works_from_a_file(context: BrowserContext, lake: FolderStore) -> None:
    page = context.new_page()
    watch = Watch(page)
    address = (Path(lake.url) / "forecast_report" / "index.html").as_uri()
    page.goto(address)
    page.get_by_label("English").check()
    assert page.locator("h1:visible").all_inner_texts() == ["River-flow forecast"]
    page.reload()
    assert page.locator("h1:visible").all_inner_texts() == ["River-flow forecast"]
    assert [request.partition("?")[0] for request in watch.requests] == [address, address]
    assert watch.complaints == []


def test_the_language_is_remembered(context: BrowserContext, url: str) -> None:
    page = context.new_page()
    page.goto(url)
    assert page.locator("h1:visible").all_inner_texts() == ["Pronóstico de caudales"]
    assert page.locator("html").get_attribute("lang") == "es"
    page.get_by_label("English").check()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title() == "River-flow forecast, 23 November 2026"
    later = context.new_page()
    later.goto(url)
    assert later.locator("h1:visible").all_inner_texts() == ["River-flow forecast"]
    assert later.locator("html").get_attribute("lang") == "en"
    later.goto(f"{url}?lang=es")
    assert later.locator("h1:visible").all_inner_texts() == ["Pronóstico de caudales"]


def test_where_storage_is_blocked_the_address_remembers_the_language(context: BrowserContext, url: str) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
    )
    page = context.new_page()
    watch = Watch(page)
    page.goto(url)
    page.get_by_label("English").check()
    assert page.url.endswith("?lang=en")
    page.reload()
    assert page.locator("h1:visible").all_inner_texts() == ["River-flow forecast"]
    assert watch.complaints == []


def test_without_a_script_all_is_shown_and_the_switch_still_works(browser: Browser, url: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(url)
        assert page.locator("h1:visible").all_inner_texts() == ["Pronóstico de caudales"]
        assert page.locator("svg.chart:visible").count() == 7
        assert page.locator(".readout:visible, .scrub:visible, .old:visible").count() == 0
        page.get_by_label("English").check()
        assert page.locator("h1:visible").all_inner_texts() == ["River-flow forecast"]


@pytest.mark.parametrize("language", LOCALES)
def test_the_values_on_the_page_are_those_of_the_json(
    context: BrowserContext, lake: FolderStore, url: str, language: str
) -> None:
    page = context.new_page()
    page.goto(f"{url}?lang={language}")
    for station in (station for station in published(lake).stations if station.days):
        section = page.locator(f"section:has(#{language}-{station.station})")
        rows = section.locator("table.means tbody tr")
        assert rows.nth(0).locator("td").all_inner_texts() == [flow(m.flow_m3s.p50, language) for m in station.means]
        assert rows.nth(1).locator("td").all_inner_texts() == [
            f"{flow(m.flow_m3s.p10, language)} – {flow(m.flow_m3s.p90, language)}" for m in station.means
        ]
        observed, forecast = (
            [[tidy(cell) for cell in row.split("|")] for row in table]
            for table in section.locator("figure table").evaluate_all(
                "tables => tables.map(t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent).join('|')))"
            )
        )
        assert [row[1] for row in observed] == [
            "" if day.flow_m3s is None else flow(day.flow_m3s, language) for day in station.observed
        ]
        assert [row[1:5] for row in forecast] == [
            [flow(q.p50, language)]
            + [
                f"{flow(a, language)} – {flow(b, language)}"
                for a, b in ((q.p25, q.p75), (q.p10, q.p90), (q.p05, q.p95))
            ]
            for q in (day.flow_m3s for day in station.days)
        ]


def point_at(station: Station, box: Any, day: int) -> tuple[float, float]:
    """Where on the screen a day of the chart is, counted from the first observed one."""
    last = len(station.observed) + len(station.days) - 1
    return box["x"] + box["width"] * day / last, box["y"] + box["height"] / 2


def test_the_mouse_reads_a_day(context: BrowserContext, lake: FolderStore, url: str) -> None:
    station = published(lake).stations[0]
    page = context.new_page()
    page.goto(url)
    figure = chart(page, station.station)
    figure.scroll_into_view_if_needed()
    box = figure.locator(".plot").bounding_box()
    ahead, behind = station.days[11], station.observed[33]
    page.mouse.move(*point_at(station, box, len(station.observed) + 11))
    said = tidy(figure.locator(".readout").inner_text())
    assert said.startswith("vie 4 dic · ")
    assert f"Valor central {flow(ahead.flow_m3s.p50, 'es')}" in said
    assert f"8 de cada 10 {flow(ahead.flow_m3s.p10, 'es')} – {flow(ahead.flow_m3s.p90, 'es')}" in said
    assert figure.locator(".cursor").evaluate("line => getComputedStyle(line).visibility") == "visible"
    page.mouse.move(*point_at(station, box, 33))
    said = tidy(figure.locator(".readout").inner_text())
    assert f"Observado {flow(behind.flow_m3s or 0, 'es')}" in said
    assert "Valor central" not in said


def test_the_keys_read_a_day_and_a_screen_reader_hears_it(context: BrowserContext, lake: FolderStore, url: str) -> None:
    station = published(lake).stations[1]
    page = context.new_page()
    page.goto(f"{url}?lang=en")
    figure = chart(page, station.station, "en")
    slider = figure.get_by_role("slider", name="Day on the chart of Molino (Amaluza)")
    slider.focus()
    assert "22 Nov" in (slider.get_attribute("aria-valuetext") or "")
    page.keyboard.press("ArrowRight")
    tomorrow = slider.get_attribute("aria-valuetext") or ""
    assert tomorrow == figure.locator(".readout").inner_text()
    assert f"Middle value {flow(station.days[0].flow_m3s.p50, 'en')}" in tomorrow
    page.keyboard.press("End")
    assert f"Middle value {flow(station.days[-1].flow_m3s.p50, 'en')}" in figure.locator(".readout").inner_text()
    page.keyboard.press("Home")
    assert f"Observed {flow(station.observed[0].flow_m3s or 0, 'en')}" in figure.locator(".readout").inner_text()


def test_a_finger_reads_a_day(browser: Browser, lake: FolderStore, url: str) -> None:
    station = published(lake).stations[0]
    with browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(url)
        figure = chart(page, station.station)
        figure.scroll_into_view_if_needed()
        page.touchscreen.tap(*point_at(station, figure.locator(".plot").bounding_box(), len(station.observed) + 20))
        said = tidy(figure.locator(".readout").inner_text())
        assert f"Valor central {flow(station.days[20].flow_m3s.p50, 'es')} · " in said


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=UTC), 0),
        (datetime(2026, 11, 25, 4, 59, tzinfo=UTC), 0),  # the 24th, a minute before midnight in Ecuador
        (datetime(2026, 11, 25, 5, 0, tzinfo=UTC), 2),
        (datetime(2026, 12, 13, 12, tzinfo=UTC), 20),
    ],
)
def test_a_page_that_is_opened_days_later_says_so(context: BrowserContext, url: str, now: datetime, days: int) -> None:
    page = context.new_page()
    page.clock.set_fixed_time(now)
    page.goto(url)
    expected = (
        [f"Este informe se hizo hace {days} días. Busque uno más reciente antes de decidir con él."] if days else []
    )
    assert [tidy(text) for text in page.locator(".old:visible").all_inner_texts()] == expected


@pytest.mark.parametrize("font", FONTS)
def test_a_printed_report_is_light_has_a_page_a_station_and_no_controls(browser: Browser, url: str, font: str) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        watch = Watch(page)
        page.clock.set_fixed_time(
            datetime(2026, 12, 24, 12, tzinfo=UTC)
        )  # so that the warning of its age is printed too
        page.goto(url)
        use_font(page, font)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 24)"
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("input:visible, .readout:visible").count() == 0
        pdf = page.pdf(prefer_css_page_size=True)
        assert watch.complaints == []
    pages = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert {(round(float(width)), round(float(height))) for width, height in pages} == {(595, 842)}
    assert len(pages) == 9  # the summary, seven stations with a forecast, one without it beside the method


def test_the_list_of_earlier_reports_leads_there_and_back(context: BrowserContext, url: str) -> None:
    page = context.new_page()
    watch = Watch(page)
    page.goto(url)
    page.get_by_role("link", name="Informes anteriores").click()
    assert page.locator("h1:visible").all_inner_texts() == ["Informes anteriores"]
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="lunes, 23 de noviembre de 2026").click()
    assert page.url.endswith("/report/by_date/2026-11-23/index.html")
    page.get_by_role("link", name="Informes anteriores").click()
    page.get_by_role("link", name="El más reciente").click()
    assert page.locator("h1:visible").all_inner_texts() == ["Pronóstico de caudales"]
    assert watch.complaints == []


def test_the_picture_of_the_readme_shows_a_station_and_is_small(lake: FolderStore, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.picture", str(target := tmp_path / "report.png")]
    environment = {**os.environ, "CELEC_LAKE_URL": lake.url}
    subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], check=True, timeout=120)
    png = target.read_bytes()
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width == 1200
    assert 800 < height < 1400
    assert 50_000 < len(png) < 200_000  # an empty page has 10 kB
