"""How good the forecasts would have been on a folder of raw files: `make skill RAW=… FROM=… TO=…`.

Backtests every station of the folder, and a control in which harmonic regression stands in Prophet's place; writes all
scores to docs/skill.csv and the table to the README.
"""

import argparse
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from rich.progress import Progress

from benchmarks.raw_folder import read_series
from celec_assets.forecasting import model
from celec_assets.forecasting.season import WEEK_DAYS, WEEKLY_ORDER, YEAR_DAYS, YEARLY_ORDER, Array, fourier
from celec_assets.forecasting.skill import backtest_and_score, skill_table
from celec_assets.refusal import Refusal
from celec_assets.resources import Clock

ROOT = Path(__file__).parents[1]
MAIN = ("mazar", "molino", "minas-san-francisco")
WINDOWS = {7: "7 d", 14: "14 d"}
CONTROL = "control"


def harmonic_season(days: Array, log_flow: Array) -> Array:
    """The seasonal curve by ordinary least squares, with the same terms as Prophet's."""
    seen = np.isfinite(log_flow)
    waves = np.c_[np.ones(len(days)), fourier(days, YEAR_DAYS, YEARLY_ORDER), fourier(days, WEEK_DAYS, WEEKLY_ORDER)]
    return np.linalg.lstsq(waves[seen], log_flow[seen], rcond=None)[0]


def backtest(recipe: str, station: str, series: dict[str, pd.DataFrame], first: str, last: str) -> pd.DataFrame | str:
    """Scores, or why there are none."""
    season: Callable[[Array, Array], Array] = harmonic_season if recipe == CONTROL else model.fit_season
    with mock.patch.object(model, "fit_season", season):
        try:
            scores = backtest_and_score(station, series, pd.Timestamp(first), pd.Timestamp(last))[1]
        except Refusal as refusal:
            return str(refusal)
    return scores.assign(recipe=recipe)


def readme_table(scores: pd.DataFrame, first: str, last: str, raw: Path) -> str:
    ours = scores[scores["recipe"] == model.RECIPE]
    main = [station for station in MAIN if station in set(ours["station"])] or sorted(set(ours["station"]))
    of_main = ours["station"].isin(main)
    origins = ours[of_main & (ours["window_days"] == 7)].groupby("station")["origins"].max()
    synthetic = (
        " The files are the synthetic sample: these figures say nothing about a real river." if _is_sample(raw) else ""
    )
    lines = [
        f"Out of sample, an origin every observed day from {first} to {last}, refitted every week; mean over "
        f"{', '.join(main)} ({', '.join(str(n) for n in origins[main])} origins). A ratio below 1 is better than the "
        f"baseline, a skill above 0 too.{synthetic}",
        "",
        skill_table(ours[of_main]).to_markdown(index=False, floatfmt=".3f").replace("nan", "   "),
        "",
        "By station, the means of the next 7 and 14 days; beside it, a control in which plain harmonic regression stands "
        "in Prophet's place:",
        "",
    ]
    rows = []
    for station in sorted(set(ours["station"])):
        row: dict[str, object] = {"station": station}
        for days, label in WINDOWS.items():
            chosen = scores[(scores["station"] == station) & (scores["window_days"] == days)]
            figures = chosen[chosen["model"] == "forecast"].pivot_table(
                index="metric", columns="recipe", values="value"
            )
            ratios = {
                name.removeprefix("mae_ratio_to_"): figures.loc[name]
                for name in figures.index
                if name.startswith("mae_ratio_to_")
            }
            best = max(ratios, key=lambda name: ratios[name][model.RECIPE])
            row[f"MAE / best baseline, {label}"] = f"{ratios[best][model.RECIPE]:.3f} ({best.replace('_', ', ')})"
            row[f"control, {label}"] = f"{ratios[best][CONTROL]:.3f}"
            row[f"80 % band, {label}"] = f"{figures.loc['coverage_80'][model.RECIPE]:.1%}"
        rows.append(row)
    return "\n".join([*lines, pd.DataFrame(rows).to_markdown(index=False)])


def _is_sample(raw: Path) -> bool:
    from celec_assets.sample import MARK

    return any(MARK in path.stem for path in raw.rglob("*"))


@contextmanager
def progress_of(jobs: int):
    with Progress() as progress:
        task = progress.add_task("backtests", total=jobs)
        yield lambda: progress.advance(task)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make skill", description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, metavar="FOLDER", help="raw files, in any sub-folders")
    parser.add_argument("--from", dest="first", default="2022-01-01", metavar="DAY", help="first origin (%(default)s)")
    parser.add_argument("--to", dest="last", default=None, metavar="DAY", help="last origin (the newest day)")
    options = parser.parse_args()
    today: date = Clock().today()
    series = read_series(options.raw, today)
    last = options.last or max(f"{frame['day'].iloc[-1]:%Y-%m-%d}" for frame in series.values())
    jobs = [(recipe, station) for station in series for recipe in (model.RECIPE, CONTROL)]
    with ProcessPoolExecutor() as pool, progress_of(len(jobs)) as advance:
        futures = {job: pool.submit(backtest, *job, series, options.first, last) for job in jobs}
        for future in futures.values():
            future.add_done_callback(lambda _: advance())
        results = {job: future.result() for job, future in futures.items()}
    for (recipe, _), result in results.items():
        if isinstance(result, str) and recipe == model.RECIPE:
            print(result)
    scores = pd.concat([result for result in results.values() if not isinstance(result, str)], ignore_index=True)
    scores.round(4).to_csv(ROOT / "docs" / "skill.csv", index=False)
    table = readme_table(scores, options.first, last, options.raw)
    readme = ROOT / "README.md"
    text = re.sub(
        r"(?s)(<!-- skill -->\n).*?(\n<!-- /skill -->)", lambda m: m[1] + table + m[2], readme.read_text("utf-8")
    )
    readme.write_text(text, "utf-8")
    print(table, "\n\nwritten to README.md; all scores: docs/skill.csv")


if __name__ == "__main__":
    main()
