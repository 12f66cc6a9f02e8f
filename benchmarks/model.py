"""What a fit, a forecast and a backtest cost beside the Prophet optimisations in them. Run by `benchmarks`."""

import statistics
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from celec_assets.catalogue import station
from celec_assets.forecasting.model import FlowModel
from celec_assets.forecasting.season import as_days, fit_season
from celec_assets.forecasting.skill import backtest_and_score
from celec_assets.forecasting.training import model_inputs, predict, through, train_on
from celec_assets.sample import sample_files
from celec_assets.series.cleaning import clean
from celec_assets.sources import read_raw_file

LAST_DAY = date(2025, 11, 30)
ROUNDS = 7


def sample_series() -> dict[str, pd.DataFrame]:
    files = [
        read_raw_file(name, content, LAST_DAY)[1].assign(raw_file=name)
        for name, content in sample_files(last_day=LAST_DAY, reaches=())
        if "celec-sur" in name
    ]
    readings = dict(iter(pd.concat(files).groupby("station")))
    return {name: clean(station(name), frame, readings) for name, frame in readings.items()}


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure() -> list[tuple[str, str, float, float]]:
    """What, against what, ratio and bound; the two sides of a ratio take turns."""
    series = sample_series()
    inputs = model_inputs("mazar", series["mazar"], series)
    flow, covariates = inputs
    days, log_flow = as_days(pd.DatetimeIndex(flow.index)), np.log(flow.to_numpy(np.float64))
    document = train_on("mazar", inputs, len(flow))
    pairs = [
        (
            seconds(lambda: FlowModel.fit(flow, covariates)),
            seconds(lambda: fit_season(days, log_flow)),
            seconds(lambda: predict(document, inputs)),
        )
        for _ in range(ROUNDS)
    ]
    fit = statistics.median(fit / prophet for fit, prophet, _ in pairs)
    forecast = statistics.median(forecast / fit for fit, _, forecast in pairs)
    milliseconds = 1000 * statistics.median(forecast for _, _, forecast in pairs)
    period = pd.Timestamp("2025-06-02"), pd.Timestamp(LAST_DAY)
    backtest = statistics.median(_backtest(series, *period) for _ in range(3))
    return [
        ("a fit, calibration and all", "the Prophet optimisation in it", fit, 2.0),
        (f"a forecast from a stored model ({milliseconds:.0f} ms here)", "a fit", forecast, 0.1),
        ("a backtest with its scores, half a year of origins", "the refits in it", backtest, 1.5),
    ]


def _backtest(series: dict[str, pd.DataFrame], first: pd.Timestamp, last: pd.Timestamp) -> float:
    whole = seconds(lambda: backtest_and_score("mazar", series, first, last))
    inputs = model_inputs("mazar", series["mazar"], series)
    sundays = pd.date_range(first - pd.Timedelta(days=1), last, freq="7D")
    return whole / seconds(lambda: [train_on("mazar", through(inputs, sunday), 400) for sunday in sundays])
