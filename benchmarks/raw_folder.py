"""Daily series from a folder of raw files, without lake or Dagster."""

from datetime import date
from pathlib import Path

import pandas as pd

from celec_assets.catalogue import station
from celec_assets.series.cleaning import clean
from celec_assets.sources import RefusedFile, read_raw_file


def read_series(folder: Path, today: date) -> dict[str, pd.DataFrame]:
    """The clean daily series of every station that the files hold. A refused file is named and left out."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    read = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            read.append(read_raw_file(name, path.read_bytes(), today)[1].assign(raw_file=name))
        except RefusedFile as refused:
            print(f"left out: {refused}")
    readings = dict(iter(pd.concat(read).groupby("station")))
    series = {}
    for name, frame in readings.items():
        spec = station(name)
        others = {*spec.neighbours, *spec.may_be_copy_of}
        series[name] = clean(spec, frame, {other: readings[other] for other in others if other in readings})
    return series
