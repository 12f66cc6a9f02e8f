"""What a thousand stations cost, beside the same work without a platform and beside six: `make scale`.

`python -m benchmarks.scale --stations 100 range news` measures some of it with fewer stations. Runs are processes of
their own with PostgreSQL and the storage of deploy/dagster.yaml, as in production; raw files are GEOGLOWS reaches of
six years. The two sides of a ratio take turns on the same machine.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks import fargate
from benchmarks.processes import Bench, Done
from benchmarks.readme import put_into
from benchmarks.s3 import empty_bucket
from benchmarks.work import (
    FIRST_REACH,
    ROAD,
    counted,
    empty,
    fill,
    loop,
    on_one_core,
    one_run,
    one_station,
    platform,
    script,
)
from celec_assets.storage.lake import Lake
from celec_assets_tests.postgres_server import WHY_NONE, postgres_server

SCALING: Final = Path(__file__).parents[1] / "docs/scaling.md"
FEW: Final = 6
RUNS_ALONE: Final = 20
TASK_STATIONS: Final = 100
TASK_ROUNDS: Final = 3
NEWS: Final = (
    ("one station's series", 1.2),
    ("a new file of one station, from the sensor's tick to the forecast", 1.5),
)

Row = tuple[str, str, str, str]


class Scale:
    """The measurements, which share the lakes that were made before."""

    def __init__(self, bench: Bench, folder: Path, stations: int) -> None:
        self._bench, self._folder, self._stations = bench, folder, stations
        self._made: dict[int, tuple[str, str, Done]] = {}

    def lake(self, stations: int) -> tuple[str, str, Done]:
        """A lake in which that many stations have forecasts, its database, and what it took to make."""
        if stations not in self._made:
            url, name = fill(self._folder / f"lake-{stations}", stations), self._bench.new_database()
            self._made[stations] = (url, name, said := self._bench(name, platform, url))
            print(f"{stations} stations: {said.seconds:.0f} s, {said.peak_mb:.0f} MB, {said.result}", flush=True)
        return self._made[stations]

    def range(self) -> Iterator[Row]:
        n = self._stations
        by_hand = self._bench(self._bench.new_database(), script, fill(self._folder / "by-hand", n))
        nothing = self._bench(empty_name := self._bench.new_database(), empty, n)
        _, name, ours = self.lake(n)
        assert self._bench.told(empty_name) == self._bench.told(name)
        print(f"by hand {by_hand.seconds:.0f} s, empty graph {nothing.seconds:.0f} s", flush=True)
        what = f"{n} stations, from raw files to forecasts ({1000 * ours.seconds / n:.0f} ms a station)"
        yield (
            what,
            "a plain loop in two processes, and the same graph and checks with empty bodies",
            f"{ours.seconds / (by_hand.seconds + nothing.seconds):.2f}",
            "at most 1.15",
        )
        yield what, "the plain loop alone", f"{ours.seconds / by_hand.seconds:.2f}", "at most 2"

    def alone(self) -> Iterator[Row]:
        """A run for each station, as the default launcher starts them: a process each."""
        ours = self.lake(self._stations)[2]
        name = self._bench.new_database()
        prepared = fill(self._folder / "alone", RUNS_ALONE)
        self._bench(name, platform, prepared, ("observations",))
        started = time.perf_counter()
        for reach in range(FIRST_REACH, FIRST_REACH + RUNS_ALONE):
            self._bench(name, one_run, prepared, f"geoglows-{reach}")
        each = (time.perf_counter() - started) / RUNS_ALONE
        yield (
            f"one run a station, extrapolated from {RUNS_ALONE} ({each:.1f} s each)",
            f"{self._stations} stations in ranges",
            f"{each * self._stations / ours.seconds:.1f}",
            "at least 10",
        )

    def memory(self) -> Iterator[Row]:
        fewer = self._stations // 5
        many, few = (self.lake(stations)[2].peak_mb for stations in (self._stations, fewer))
        what = f"peak memory with {self._stations} stations ({many:.0f} MB, workers included)"
        yield what, f"with {fewer}", f"{many / few:.2f}", "at most 1.2"

    def news(self) -> Iterator[Row]:
        """One station among many, and among few: its series, and its road from a new file to the forecast."""
        sides = [self.lake(stations)[:2] for stations in (self._stations, FEW)]
        started = [self._bench.start(name, one_station, url) for url, name in sides]
        many, few = (side.done().result for side in started)
        for (what, bound), ours, theirs in zip(NEWS, many, few, strict=True):
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            shown = f"{what} ({1000 * statistics.median(ours):.0f} ms among {self._stations})"
            yield shown, f"the same among {FEW}", f"{ratio:.2f}", f"at most {bound}"

    def tasks(self) -> Iterator[Row]:
        """One task and two at once, of one core each, beside two plain loops: what this machine's cores can give.

        On PostgreSQL and a folder: an S3 of this machine would take a fifth of both cores for itself, and AWS's takes
        none of Fargate's.
        """
        url, name = fill(self._folder / "tasks", TASK_STATIONS), self._bench.new_database()

        def gain(work: Callable[..., Any], *arguments: Any) -> float:
            halves = ((0, TASK_STATIONS // 2), (TASK_STATIONS // 2, TASK_STATIONS))
            one = self._bench(name, on_one_core, work, url, *arguments, 0, TASK_STATIONS).seconds
            began = time.perf_counter()
            both = [self._bench.start(name, on_one_core, work, url, *arguments, *half) for half in halves]
            for task in both:
                task.done()
            return one / (time.perf_counter() - began)

        self._bench(name, on_one_core, platform, url)  # partitions and tables are there
        rounds = [(gain(platform, ROAD), gain(loop)) for _ in range(TASK_ROUNDS)]
        print("tasks", [f"{ours:.2f} (plain {plain:.2f})" for ours, plain in rounds], flush=True)
        ours, plain = (statistics.median(side) for side in zip(*rounds, strict=True))
        yield (
            f"{TASK_STATIONS} stations, from raw files to forecasts, as one run task",
            f"as two at once (plain loops gain {plain:.2f} on these two cores)",
            f"{ours:.2f}",
            "at least 1.6",
        )

    def requests(self) -> dict[str, float]:
        """What a station's road asks of S3."""
        with empty_bucket() as url:
            lake = Lake.open(url)
            for path in sorted(Path(fill(self._folder / "s3", FEW), "raw").rglob("*.csv")):
                lake.raw.deliver(f"{path.parent.name}/{path.name}", path.read_bytes())
            asked: Counter[str] = self._bench(self._bench.new_database(), on_one_core, counted, url, ROAD).result
        return {kind: asked[kind] / FEW for kind in ("put", "get")}

    def fargate(self) -> list[str]:
        """What more stations take, from what was measured here."""
        _, name, ours = self.lake(self._stations)
        rows, size = (value / self._stations for value in self._bench.rows_and_bytes(name))
        return fargate.table(ours.seconds / self._stations, self.requests(), rows, size, len(ROAD))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    names = ("range", "alone", "memory", "news", "tasks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(names)}")
    parser.add_argument("--stations", type=int, default=1000, metavar="N", help="(%(default)s)")
    options = parser.parse_args()
    if WHY_NONE:
        sys.exit(WHY_NONE)
    rows: list[Row] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(stack.enter_context(postgres_server()), folder)
        scale = Scale(bench, folder, options.stations)
        for name in options.names or names:
            for row in getattr(scale, name)():
                rows.append(row)
                print("| " + " | ".join(row) + " |", flush=True)
        if not options.names:
            head = ["| what | against | ratio | bound |", "|---|---|---|---|"]
            table = [*head, *("| " + " | ".join(row) + " |" for row in rows)]
            put_into(SCALING, "scale", "\n".join(table))
            put_into(SCALING, "fargate", "\n".join(scale.fargate()))
    return int(any(is_missed(ratio, bound) for *_, ratio, bound in rows))


def is_missed(ratio: str, bound: str) -> bool:
    word, _, limit = bound.rpartition(" ")
    return float(ratio) > float(limit) if word == "at most" else float(ratio) < float(limit)


if __name__ == "__main__":
    sys.exit(main())
