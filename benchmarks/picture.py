"""Makes the README's picture from the report that is in the lake, with the system's Chromium: `make picture`."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from celec_assets.report.page import render
from celec_assets.settings import read_settings
from celec_assets.storage.lake import Lake

PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
WIDTH = 960


def picture(page: str) -> bytes:
    """A PNG of a report's first station with a chart, in English: from its name to the legend."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, and the page is our own.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(
            viewport={"width": WIDTH, "height": 1200}, color_scheme="light", device_scale_factor=1.25
        )
        tab.set_content(page)
        tab.get_by_label("English").check()
        station = tab.locator("section.station:visible").filter(has=tab.locator("figure")).first
        top = station.bounding_box()
        legend = station.locator("figcaption").bounding_box()
        assert top
        assert legend
        end = legend["y"] + legend["height"] + 20
        png = tab.screenshot(
            full_page=True, clip={"x": 0, "y": top["y"] - 16, "width": WIDTH, "height": end - top["y"] + 16}
        )
        browser.close()
        return png


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    target.write_bytes(picture(render(Lake.open(read_settings().lake_url).reports.read())))
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")
