"""How good the forecasts would have been on a folder of raw files: `make skill RAW=… FROM=… TO=…`.

Backtests every station of the folder, and a control in which harmonic regression stands in Prophet's place; writes all
scores to docs/skill.csv and the table to the README.
"""

import argparse
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
from benchmarks.readme import put_into_readme
from celec_assets.forecasting import model
from celec_assets.forecasting.season import (
    WEEK_DAYS,
    WEEKLY_ORDER,
    YEAR_DAYS,
    YEARLY_ORDER,
    Array,
    fourier,
    has_yearly_season,
)
from celec_assets.forecasting.skill import backtest_and_score, skill_table
from celec_assets.refusal import Refusal
from celec_assets.resources import Clock
from celec_assets.sample import MARK

ROOT = Path(__file__).parents[1]
MAIN = ("mazar", "molino", "minas-san-francisco")
CONTROL = "control"


def harmonic_season(days: Array, log_flow: Array) -> Array:
    """The seasonal curve by ordinary least squares, with the same terms as Prophet's."""
    seen = np.isfinite(log_flow)
    waves = np.c_[np.ones(len(days)), fourier(days, YEAR_DAYS, YEARLY_ORDER), fourier(days, WEEK_DAYS, WEEKLY_ORDER)]
    if not has_yearly_season(days):
        waves[:, 1 : 1 + 2 * YEARLY_ORDER] = 0.0
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


def readme_table(scores: pd.DataFrame, first: str, last: str, synthetic: bool) -> str:
    ours = scores[scores["recipe"] == model.RECIPE]
    stations = sorted(set(ours["station"]))
    main = [station for station in MAIN if station in stations] or stations
    of_main = ours[ours["station"].isin(main)]
    origins = of_main[of_main["window_days"] == 7].groupby("station")["origins"].max()
    head = (
        f"Out of sample, an origin every observed day from {first} to {last}, refitted every week; mean over "
        f"{', '.join(f'{station} ({origins[station]} origins)' for station in main)}. "
        "A ratio below 1 is better than the baseline, a skill above 0 too."
    )
    if synthetic:
        head += " The files are the synthetic sample: these figures say nothing about a real river."
    by_station = "By station, against the best of the four baselines; the control has harmonic regression for Prophet:"
    rows = [{"station": station, **_row(scores[scores["station"] == station])} for station in stations]
    return "\n\n".join(
        [
            head,
            skill_table(of_main)
            .astype(object)
            .where(lambda t: t.notna(), None)
            .to_markdown(index=False, floatfmt=".3f"),
            by_station,
            pd.DataFrame(rows).to_markdown(index=False),
        ]
    )


def by_target(scores: pd.DataFrame) -> pd.DataFrame:
    """All scores: a row for each recipe, station, target and model, a column for each metric and end of an interval."""
    key = ["recipe", "station", "target", "lead_days", "window_days", "model", "origins"]
    ends = [scores.assign(metric=scores["metric"] + f"_{end}", value=scores[end]) for end in ("low", "high")]
    long = pd.concat([scores, *ends]).dropna(subset=["value"])
    return long.pivot(index=key, columns="metric", values="value").reset_index()


def _row(scores: pd.DataFrame) -> dict[str, str]:
    """Of one station: the means of the next 7 and 14 days."""
    row = {}
    for days in (7, 14):
        forecast = scores[(scores["window_days"] == days) & (scores["model"] == "forecast")]
        figures = forecast.pivot_table(index="metric", columns="recipe", values="value")
        ratios = figures[figures.index.str.startswith("mae_ratio_to_")]
        best = str(ratios[model.RECIPE].idxmax())
        baseline = best.removeprefix("mae_ratio_to_").replace("_7d", ", 7-day")
        row[f"{days} days: MAE / best baseline"] = f"{ratios[model.RECIPE][best]:.3f} ({baseline})"
        row[f"{days} days: control"] = f"{ratios[CONTROL][best]:.3f}"
        row[f"{days} days: 80 % band"] = f"{figures[model.RECIPE]['coverage_80']:.1%}"
    return row


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
    by_target(scores).to_csv(ROOT / "docs" / "skill.csv", index=False, float_format="%.4g")
    synthetic = any(MARK in path.stem for path in options.raw.rglob("*"))
    table = readme_table(scores, options.first, last, synthetic)
    put_into_readme("skill", table)
    print(table, "\n\nwritten to README.md; all scores: docs/skill.csv")


if __name__ == "__main__":
    main()
