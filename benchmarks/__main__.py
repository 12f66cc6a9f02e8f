"""Measures what the README quotes, as ratios in one run, and writes the table there: `make benchmarks`.

Each side of a ratio is a process of its own; they take turns, and the median of the rounds counts. Exits with 1 when a
ratio is above its bound.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import launch, model, s3
from benchmarks.readme import put_into_readme

ROUNDS = 3


@dataclass(frozen=True)
class Benchmark:
    what: str
    against: str
    bound: float
    ours: Sequence[str]
    theirs: Sequence[str]


BENCHMARKS = [
    Benchmark(
        "`import celec_assets.definitions`",
        "`import dagster`",
        1.3,
        ["-c", "import celec_assets.definitions"],
        ["-c", "import dagster"],
    ),
    Benchmark(
        "the demo's pipeline, from 75 raw files to 7 forecasts and the report",
        "a plain script that calls the same functions, and the same graph with empty bodies",
        1.5,
        ["-m", "benchmarks.pipeline", "platform"],
        ["-m", "benchmarks.pipeline", "script"],
    ),
]


def seconds(arguments: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        extra = [folder] if "-m" in arguments else []
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments, *extra], check=True, capture_output=True)
        return time.perf_counter() - started


def measure() -> Iterator[tuple[str, str, float, float]]:
    for benchmark in BENCHMARKS:
        pairs = [(seconds(benchmark.ours), seconds(benchmark.theirs)) for _ in range(ROUNDS)]
        print([f"{ours:.1f} s / {theirs:.1f} s" for ours, theirs in pairs], flush=True)
        yield benchmark.what, benchmark.against, statistics.median(a / b for a, b in pairs), benchmark.bound
    yield from model.measure()
    yield from launch.measure()
    yield from s3.measure()


def main() -> int:
    rows = ["| what | against | ratio | bound |", "|---|---|---|---|"]
    too_slow = 0
    for what, against, ratio, bound in measure():
        rows.append(f"| {what} | {against} | {ratio:.2f} | {bound} |")
        print(rows[-1], flush=True)
        too_slow += ratio > bound
    put_into_readme("benchmarks", "\n".join(rows))
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
