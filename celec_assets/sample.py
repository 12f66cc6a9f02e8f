"""A synthetic landing zone, so that the platform runs, is tested and is measured without CELEC's data.

What is made here is the raw files of three sources, in their owners' formats with all their quirks. No value
was measured, and every file name ends in ``_muestra`` (sample), so that whoever reads the data sees that.
Reading raw files belongs to `celec_assets.sources`, cleaning to `celec_assets.series`; neither is used here.

    python -m celec_assets.sample lake/raw
"""

import argparse
import itertools
import math
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Event = tuple[int, int, int]  # years before the last day's year, month, day

DEFAULT_REACH = 620883808
MARK = "_muestra"
RETROSPECTIVE_YEARS = 12
SPIN_UP_DAYS = 365  # thrown away, so that no series remembers how its recursion began
MONTHS = [
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
]

# What happened to rivers and plants. Bound to the season: a release needs a full reservoir.
FLOOD: Event = (1, 7, 4)  # one day of water at every station: an extreme, not a fault
DROUGHT: Event = (1, 11, 15)  # the middle of a spell of about four months
RELEASES: list[Event] = [(3, 5, 12), (2, 5, 9), (2, 6, 27), (1, 5, 21), (0, 5, 15)]  # Mazar to Molino
STOPS: list[Event] = [(1, 11, 12), (1, 11, 13), (1, 11, 14)]  # of Sopladora in the drought
SUNDAYS_PER_STOP = 36  # and for lack of demand

# What happened to the monthly exports, as months before the last one: a sample shorter than six years has
# only those that fall into it.
STAMPED_LATE = (64, 5, 4, 3, 2)  # 01:00:00 in every row, and levels of 0 on the month's last day
STAMPED_LATE_ON_DAYS_1_AND_2 = 1  # the run of late stamps ends inside this month
OLDEST_FIRST = (33, 20)
DECOMPOSED_NAME = (40, 25)  # the file name's accent as NFD, as macOS writes it
LACKING = {50: ["CaudalSop", "CotaSop", "CaudalMsf", "CotaMsf"], 46: ["CaudalMol", "CotaMol"]}
ASCII_NAME = 0
QUOTED_SINCE = pd.Period("2025-12", "M")  # CELEC's export changed here: every field quoted, no BOM
COPIED_DAYS = 11  # up to the last day, the basin's column holds Mazar's values


class River(NamedTuple):
    """A river's regime: mean flow in m3/s, day of the year of high water, amplitude in log flow."""

    mean_m3s: float
    peak_day: float
    amplitude: float


PAUTE_BASIN = River(100, 180, 0.5)
MAZAR = River(70, 180, 0.5)
MOLINO = River(110, 180, 0.4)
SOPLADORA = River(90, 180, 0.15)
MINAS_SAN_FRANCISCO = River(50, 90, 0.8)
COCA = River(290, 180, 0.5)


def sample_files(
    *, last_day: date, years: int = 6, reaches: Sequence[int] = (DEFAULT_REACH,), seed: int = 20200101
) -> Iterator[tuple[str, bytes]]:
    """Yield (path relative to the landing zone, content) of each synthetic raw file.

    - ``celec-sur/``: one file a month, oldest month first, flow in m3/s, level in metres above sea level. The
      series end on ``last_day`` and begin ``years`` years earlier, on the first of a month.
    - ``celec-ccs/``: one file, the last 24 of those months, flow in m3/s.
    - ``geoglows/``: one file a reach, flow in m3/s, 12 years for a single reach and ``years`` for several.

    The same arguments give the same bytes on every machine with the same release of NumPy: at most six digits
    are written, and processors differ in the last of sixteen. Raises ValueError, before the first file, if
    ``years`` is below 1, a reach is below 1 or named twice, or ``seed`` is negative.
    """
    if years < 1:
        raise ValueError(f"years is {years}: a sample has at least 1")
    if len(set(reaches)) < len(reaches) or min(reaches, default=1) < 1:
        raise ValueError(f"reaches are {list(reaches)}: they must be positive river ids, each named once")
    if seed < 0:
        raise ValueError(f"seed is {seed}: it cannot be negative")
    days = _days(last_day, years)
    reach_days = days if len(reaches) > 1 else _days(last_day, RETROSPECTIVE_YEARS)
    return itertools.chain(
        _celec_sur_files(_celec_sur(days, seed)),
        [(f"celec-ccs/ccs_caudales_diarios{MARK}.csv", _celec_ccs(days, seed))],
        ((f"geoglows/{reach}_retrospective_data{MARK}.csv", _geoglows(reach, reach_days, seed)) for reach in reaches),
    )


def _days(last_day: date, years: int) -> pd.DatetimeIndex:
    first = pd.Timestamp(last_day) + pd.Timedelta(days=1) - pd.DateOffset(years=years)
    return pd.date_range(first.replace(day=1), last_day)


def _dates(days: pd.DatetimeIndex, events: Iterable[Event]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([date(days[-1].year - back, month, day) for back, month, day in events])


# The rivers: log flow = level + season + slow and fast anomalies + storms + drought and flood.


def _decaying(shocks: Floats, memory_days: float) -> Floats:
    """y[t] = exp(-1 / memory) y[t-1] + shocks[t], without the spin-up."""
    gain = 1 - math.exp(-1 / memory_days)
    smooth: Floats = pd.Series(shocks / gain).ewm(alpha=gain, adjust=False).mean().to_numpy()
    return smooth[SPIN_UP_DAYS:]


def _ar1(rng: np.random.Generator, length: int, memory_days: float) -> Floats:
    """Gaussian anomalies of unit variance whose autocorrelation falls as exp(-lag / memory)."""
    noise = rng.standard_normal(length + SPIN_UP_DAYS)
    return _decaying(noise, memory_days) * math.sqrt(1 - math.exp(-2 / memory_days))


def _storms(rng: np.random.Generator, length: int) -> Floats:
    """Pulses of log flow on one day in five, which rise in a day and recede over several."""
    rains = rng.random(length + SPIN_UP_DAYS) < 1 / 5
    pulses = _decaying(rains * rng.exponential(0.55, length + SPIN_UP_DAYS), memory_days=1.8)
    return 1.3 * np.tanh(pulses / 1.3)  # bounded, so that the flood stays the largest


def _drought_and_flood(days: pd.DatetimeIndex) -> Floats:
    """What the whole country sees, in log flow."""
    from_drought = (days - _dates(days, [DROUGHT])[0]).days.to_numpy()
    from_flood = (days - _dates(days, [FLOOD])[0]).days.to_numpy()
    flood = np.where(from_flood < 0, 0, np.exp(-np.maximum(from_flood, 0.0)))
    return 2.3 * flood - 0.9 * np.exp(-((from_drought / 55) ** 2))


def _weather(rng: np.random.Generator, days: pd.DatetimeIndex) -> Floats:
    """What neighbouring rivers share, in log flow."""
    return 0.25 * _ar1(rng, len(days), memory_days=60) + _storms(rng, len(days)) + _drought_and_flood(days)


def _flow(rng: np.random.Generator, days: pd.DatetimeIndex, river: River, weather: Floats) -> Floats:
    """Daily flow of one river, m3/s: positive, and ``river.mean_m3s`` on average."""
    season = river.amplitude * np.cos(2 * np.pi * (days.dayofyear.to_numpy() - river.peak_day) / 365.25)
    flow: Floats = np.exp(season + weather + 0.15 * _ar1(rng, len(days), memory_days=4))
    flow *= river.mean_m3s / flow.mean()
    return flow


def _pond_level(rng: np.random.Generator, days: pd.DatetimeIndex, low: float, high: float) -> Floats:
    """Level of a reservoir that holds a few days of water, masl: between low and high."""
    return low + (high - low) / (1 + np.exp(-0.9 * _ar1(rng, len(days), memory_days=6)))


def _mazar_level(inflow: Floats, is_release: npt.NDArray[np.bool_]) -> Floats:
    """Level of the one reservoir with weeks of storage, masl: the balance of 310 hm3 of water over 37 m."""
    fill, fills = 0.8, []
    for flow, released in zip(inflow, is_release, strict=True):
        turbined = 80 * fill**0.6  # operators save water when the reservoir is low
        spilled = 2500 * max(fill - 1, 0)
        fill += -3 / 37 if released else (flow - turbined - spilled) * 86_400 / 310e6
        fill = min(max(fill, 0), 1.04)
        fills.append(fill)
    return 2115 + 37 * np.array(fills)


def _celec_sur(days: pd.DatetimeIndex, seed: int) -> pd.DataFrame:
    """What happened at CELEC Sur's plants, by day; the columns are the export's, in its order."""
    rng = np.random.default_rng([seed, 1])
    paute, pacific = _weather(rng, days), _weather(rng, days)
    is_sunday = days.day_name() == "Sunday"
    is_release = days.isin(_dates(days, RELEASES))
    mazar = _flow(rng, days, MAZAR, paute)
    # Regulated: dams even out the weather, and a Sunday needs less power.
    molino = _flow(rng, days, MOLINO, 0.8 * paute) * np.where(is_sunday, 0.86, 1) + 300 * is_release
    sopladora = np.minimum(_flow(rng, days, SOPLADORA, 0.35 * paute), 160) * np.where(is_sunday, 0.78, 1)
    stops = rng.choice(days[is_sunday], size=is_sunday.sum() // SUNDAYS_PER_STOP, replace=False)
    sopladora[days.isin(stops) | days.isin(_dates(days, STOPS))] = 0  # a stopped plant, not a dry river
    columns = {
        "CaudalCuencaPaute": _flow(rng, days, PAUTE_BASIN, paute),
        "CaudalMol": molino,
        "CotaMol": _pond_level(rng, days, 1975, 1991),
        "CaudalMaz": mazar,
        "CotaMaz": _mazar_level(mazar, is_release),
        "CaudalSop": sopladora,
        "CotaSop": _pond_level(rng, days, 1313, 1317),
        "CaudalMsf": _flow(rng, days, MINAS_SAN_FRANCISCO, 0.7 * paute + 0.4 * pacific),
        "CotaMsf": _pond_level(rng, days, 782, 793),
    }
    return pd.DataFrame(columns, index=days)


# The files: what happened to the exports.


def _celec_sur_files(series: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    copied = series.index[-COPIED_DAYS:]
    series.loc[copied, "CaudalCuencaPaute"] = series.loc[copied, "CaudalMaz"]
    months = pd.DatetimeIndex(series.index).to_period("M")
    for month, rows in series.groupby(months):
        back = (months[-1] - month).n
        is_quoted = back == 0 or month >= QUOTED_SINCE
        yield f"celec-sur/{_export_name(month, back)}", _export(_with_faults(rows, back), back, is_quoted)


def _export_name(month: pd.Period, back: int) -> str:
    if back == ASCII_NAME:
        return f"Hidrologia_{month.year}_{month.month:02d}{MARK}.csv"
    name = f"Hidrología_CSR_{MONTHS[month.month - 1]}-{month.year}{MARK}.csv"
    return unicodedata.normalize("NFD", name) if back in DECOMPOSED_NAME else name


def _with_faults(rows: pd.DataFrame, back: int) -> pd.DataFrame:
    """One month's rows in the file's order, without the columns it lacks and with its placeholders."""
    rows = rows.drop(columns=LACKING.get(back, []))
    if back in STAMPED_LATE:
        rows.loc[rows.index[-1], rows.columns.str.startswith("Cota")] = 0
    return rows if back in OLDEST_FIRST else rows[::-1]


def _export(rows: pd.DataFrame, back: int, is_quoted: bool) -> bytes:
    """CELEC's CSV: most have a BOM and quote the date alone; later ones have no BOM and quote every field."""
    quote = '"{}"'.format if is_quoted else str
    lines = [",".join(map(quote, ["Fecha", *rows.columns]))]
    for day, *values in rows.itertuples(name=None):
        is_late = back in STAMPED_LATE or (back == STAMPED_LATE_ON_DAYS_1_AND_2 and day.day in (1, 2))
        stamp = f'"{day:%d/%m/%Y} {"01" if is_late else "00"}:00:00"'
        lines.append(",".join([stamp, *(quote(f"{value:.6g}") for value in values)]))
    return "\n".join([*lines, ""]).encode("utf-8" if is_quoted else "utf-8-sig")


def _celec_ccs(days: pd.DatetimeIndex, seed: int) -> bytes:
    """Coca's table: 12 rows repeat the row before under a new date, 24 are in review, 31 days are absent."""
    rng = np.random.default_rng([seed, 2])
    flow = _flow(rng, days, COCA, _weather(rng, days))[days >= (days[-1].to_period("M") - 23).start_time]
    position = np.arange(len(flow))
    # Planted on every third day at most and not beside the outage, so that no fault hides another.
    outage = len(flow) // 2 + np.arange(12)
    spots = np.setdiff1d(position[2:-2:3], np.append(outage, outage[-1] + 1))
    repeated, reviewed, absent = np.split(rng.choice(spots, size=12 + 24 + 19, replace=False), [12, 36])
    balance = np.zeros(len(flow))
    balance[reviewed] = 1 + rng.exponential(20, len(reviewed))
    # css is what the plant takes in, frente what the dam lets pass: never less than some 20 m3/s.
    css = np.clip(flow - balance - 20 - rng.random(len(flow)), 0, 222)
    table = pd.DataFrame({"coca": flow, "css": css, "frente": flow - balance - css, "balance": balance})
    table["status"] = np.where(balance > 0, "review", "ok")
    table = table.iloc[position - np.isin(position, repeated)]
    table.insert(0, "date", days[-len(flow) :])
    table = table.iloc[np.delete(position, np.append(outage, absent))]
    return table.to_csv(index=False, float_format="%.2f", lineterminator="\r\n").encode()


def _geoglows(reach: int, days: pd.DatetimeIndex, seed: int) -> bytes:
    """A reach's retrospective simulation; any but the default reach draws its regime."""
    rng = np.random.default_rng([seed, reach])
    drawn = River(np.exp(rng.uniform(1, 5.5)), rng.uniform(60, 210), rng.uniform(0.2, 0.8))
    river = River(30, 180, 0.5) if reach == DEFAULT_REACH else drawn
    flow = _flow(rng, days, river, _weather(rng, days))
    lines = [f"{day},{value:.6g}" for day, value in zip(days.strftime("%Y-%m-%d"), flow, strict=True)]
    return "\n".join([f"time,{reach}", *lines, ""]).encode()


def _write(folder: Path, files: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
    """Write the files that are not there; return how many were written and how many were there.

    Raises FileExistsError, before anything is written, if a file is there with other content.
    """
    contents = {folder / name: content for name, content in files}
    there = {path for path in contents if path.exists()}
    for path in sorted(there):
        if path.read_bytes() != contents[path]:
            raise FileExistsError(f"{path} is there with other content; nothing was written")
    missing = contents.keys() - there
    for path in missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[path])
    return len(missing), len(there)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: write a sample and say so in one line, or exit with an error that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m celec_assets.sample",
        description="Write a sample of raw files into a landing zone, in the formats of CELEC and GEOGLOWS. "
        "Every value is synthetic. A file that is there with the same content is left untouched; "
        "if one is there with other content, nothing is written.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the landing zone, for example lake/raw")
    parser.add_argument(
        "--last-day",
        type=date.fromisoformat,
        default="2025-12-31",
        metavar="YYYY-MM-DD",
        help="last day of every series",
    )
    parser.add_argument("--years", type=int, default=6, metavar="N", help="length of the series")
    parser.add_argument("--reaches", type=int, default=1, metavar="N", help="number of GEOGLOWS reaches")
    options = parser.parse_args(arguments)
    reaches = range(DEFAULT_REACH, DEFAULT_REACH + options.reaches)  # all but the first are invented
    try:
        files = sample_files(last_day=options.last_day, years=options.years, reaches=reaches)
        written, there = _write(options.folder, files)
    except (ValueError, FileExistsError) as error:
        sys.exit(f"error: {error}")
    print(f"{written} synthetic files written to {options.folder}, {there} were there; no value was measured")


if __name__ == "__main__":
    main()
