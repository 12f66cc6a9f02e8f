"""The command `celec`. Every sub-command is also a target of the Makefile."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path, PurePath

import dagster as dg
from rich.console import Console
from rich.table import Table

from celec_assets import sample
from celec_assets.build import build_definitions
from celec_assets.catch_up import Outcome
from celec_assets.check_gate import judge, write_junit
from celec_assets.console import catch_up_on_screen, print_forecasts
from celec_assets.doctor import examine, show
from celec_assets.history import add_options, fetch_history
from celec_assets.partitions import STATIONS
from celec_assets.refusal import Refusal
from celec_assets.resources import Clock
from celec_assets.settings import WrongSettings, read_database_settings, read_settings
from celec_assets.storage.lake import Lake
from celec_assets.storage.store import AccessDenied, FolderStore, LakeUnavailable
from celec_assets.tracking.resource import OFF, Tracking

# Not a terminal (CI, a file): wide enough for the tables.
CONSOLE = Console(width=None if sys.stdout.isatty() else 120)


class CannotStart(Exception):
    """What the user asked for cannot be done; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command. Returns the exit code: 0 done, 1 a check failed, 2 it could not start."""
    parser = argparse.ArgumentParser(prog="celec", description="River-flow forecasts for Ecuador's hydropower plants.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    raw_help = "folder with raw files of your own; without it, a synthetic sample is used"

    demo = commands.add_parser("demo", help="bring the lake up to date and show the forecasts")
    demo.add_argument("--raw", type=Path, metavar="FOLDER", help=raw_help)
    demo.set_defaults(run=lambda options: run_demo(options.raw))

    check = commands.add_parser("check", help="run the pipeline in a new lake; fail when an asset check does")
    check.add_argument("--raw", type=Path, metavar="FOLDER", help=raw_help)
    check.add_argument(
        "--junit", type=Path, metavar="FILE", default=Path("check-results.xml"), help="JUnit XML to write"
    )
    check.set_defaults(run=lambda options: run_check(options.raw, options.junit))

    history = commands.add_parser("history", help="fill the lake with years of raw files from the public services")
    add_options(history)
    history.set_defaults(run=lambda options: fetch_history(options, read_settings(), CONSOLE))

    reread = commands.add_parser("reread", help="read raw files again, and make anew what follows")
    reread.add_argument("pattern", help="of names in the landing zone, for instance '*diciembre-2025*'; '*' is all")
    reread.set_defaults(run=lambda options: run_reread(options.pattern))

    remake = commands.add_parser("remake", help="make a station's series and forecast anew from what was read")
    remake.add_argument("station", help="station id, for instance mazar")
    remake.set_defaults(run=lambda options: run_remake(options.station))

    back = commands.add_parser("rollback", help="put the model that was in use before back into use")
    back.add_argument("station", help="station id, for instance mazar")
    back.set_defaults(run=lambda options: run_rollback(options.station))

    serve = commands.add_parser("serve", help="show the report as a web page")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 is every one (%(default)s)")
    serve.add_argument("--port", type=int, default=8080, help="(%(default)s)")
    serve.set_defaults(run=lambda options: run_serve(options.host, options.port))

    doctor = commands.add_parser("doctor", help="try whether everything that the platform stands on works here")
    doctor.set_defaults(run=lambda _: run_doctor())

    smoke = commands.add_parser("smoke", help="launch the job self_test as a run of its own and wait for its end")
    smoke.add_argument("--workspace", type=Path, required=True, metavar="FILE", help="where the code location is")
    smoke.add_argument("--minutes", type=float, default=10, help="how long the run may take (%(default)s)")
    smoke.set_defaults(run=lambda options: run_smoke(options.workspace, options.minutes))

    prepare = commands.add_parser("prepare", help="make the databases of Dagster and MLflow, or bring them up to date")
    prepare.set_defaults(run=lambda _: run_prepare())

    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (AccessDenied, CannotStart, LakeUnavailable, Refusal, WrongSettings) as error:
        print(f"celec: {error}", file=sys.stderr)
        return 2


def run_demo(raw: Path | None) -> int:
    """Fill the lake if it is empty, bring everything up to date, show the forecasts."""
    settings = read_settings()
    lake = Lake.open(settings.lake_url)
    fill(lake, raw)
    with open_instance() as instance:
        catch_up_on_screen(build_definitions(settings), instance, lake, CONSOLE)
        stations = list(instance.get_dynamic_partitions(str(STATIONS.name)))
    print_forecasts(lake, stations, CONSOLE)
    CONSOLE.print("\nThe report: .venv/bin/celec serve, then http://localhost:8080", highlight=False)
    CONSOLE.print("All of it: .venv/bin/dagster dev, then http://localhost:3000", highlight=False)
    return 0 if any(lake.forecasts.exists(station) for station in stations) else 1


def run_reread(pattern: str) -> int:
    """Read the raw files whose names match again, and make anew what follows."""
    settings = read_settings()
    lake = Lake.open(settings.lake_url)
    files = [file.name for file in lake.raw.list() if fnmatch(file.name, pattern)]
    if not files:
        raise CannotStart(f"no raw file's name matches {pattern!r}")
    with open_instance() as instance:
        outcome = catch_up_on_screen(build_definitions(settings), instance, lake, CONSOLE, {"observations": files})
    return 1 if outcome.failed else 0


def run_remake(station: str) -> int:
    """Clean a station's readings again, and make anew what follows."""
    settings = read_settings()
    lake = Lake.open(settings.lake_url)
    with open_instance() as instance:
        if station not in instance.get_dynamic_partitions(str(STATIONS.name)):
            raise CannotStart(f"there is no station {station!r} in the lake")
        outcome = catch_up_on_screen(build_definitions(settings), instance, lake, CONSOLE, {"daily_series": [station]})
    return 1 if outcome.failed else 0


def open_instance() -> dg.DagsterInstance:
    """Dagster's history of runs: of DAGSTER_HOME, or as the dagster.yaml in this folder says."""
    return dg.DagsterInstance.get() if os.environ.get("DAGSTER_HOME") else dg.DagsterInstance.from_config(".")


def run_rollback(station: str) -> int:
    """Point back to the model that was in use before; the forecast follows with the next new day."""
    settings = read_settings()
    lake = Lake.open(settings.lake_url)
    before = lake.models.pointer(station).in_use
    now = lake.models.roll_back(station)
    CONSOLE.print(f"{station}: {now} is in use again, {before} is not", highlight=False, soft_wrap=True)
    told = Tracking(url=settings.mlflow_url, dagster_url=settings.dagster_url).follow(lake, station)
    CONSOLE.print(told, highlight=False, soft_wrap=True)
    CONSOLE.print("materialize flow_forecast to forecast with it before the next new day", highlight=False)
    return 0


def run_serve(host: str, port: int) -> int:
    """Show the report that is in the lake, until the process is stopped."""
    import uvicorn

    from celec_assets.report.serve import create_app

    app = create_app(Lake.open(read_settings().lake_url).store)
    uvicorn.run(app, host=host, port=port, server_header=False)
    return 0


def run_doctor() -> int:
    """Examine this machine with the settings of this process, and show what was found."""
    settings = read_settings()
    findings = examine(settings.mlflow_url, open_instance, lambda: Lake.open(settings.lake_url).store)
    return show(findings, CONSOLE)


def run_smoke(workspace: Path, minutes: float) -> int:
    """Launch a tiny run the way people do, and say how it went."""
    from celec_assets.smoke import launch_and_wait

    with open_instance() as instance:
        return 0 if launch_and_wait(instance, workspace, minutes, lambda line: print(line, flush=True)) else 1


def run_prepare() -> int:
    """Users, databases and tables on the server that libpq's variables name."""
    from celec_assets.instance.databases import prepare

    # Line by line: the log of a task that is killed ends with what it did last.
    prepare(read_database_settings(), open_instance, lambda line: print(line, flush=True))
    return 0


def run_check(raw: Path | None, junit: Path) -> int:
    """Run everything in a new lake and judge the asset checks."""
    settings = read_settings()
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.ephemeral() as instance:
        lake = Lake.open(folder)
        fill(lake, raw)
        # What is made here is thrown away, and nobody wants to see it in MLflow.
        defs = build_definitions(settings.model_copy(update={"lake_url": folder, "mlflow_url": OFF}))
        outcome = catch_up_on_screen(defs, instance, lake, CONSOLE)
        return show_checks(defs, outcome, junit)


def show_checks(defs: dg.Definitions, outcome: Outcome, junit: Path) -> int:
    """Print the verdict on every check and write it as JUnit XML. Returns 1 when CI has to stop."""
    results = judge(defs, outcome)
    table = Table("asset", "check", "verdict", "why")
    colours = {"passed": "green", "warned": "yellow"}
    for result in results:
        colour = colours.get(result.status, "red")
        table.add_row(result.asset, result.name, f"[{colour}]{result.status}[/{colour}]", result.why)
    CONSOLE.print(table)
    write_junit(results, junit)
    bad = sum(result.is_bad for result in results)
    CONSOLE.print(f"{len(results) - bad} passed, {bad} failed", highlight=False)
    return 1 if bad else 0


def fill(lake: Lake, raw: Path | None) -> None:
    """Put the user's raw files, or into an empty lake the sample, into the landing zone.

    Raises:
        CannotStart: the folder is not there or holds no file, it holds the lake or lies in it, or sample and real files
            would be mixed.
    """
    there = {file.name for file in lake.raw.list()}
    if raw is None:
        if not there:
            yesterday = Clock().today() - timedelta(days=1)
            for name, content in sample.sample_files(last_day=yesterday):
                lake.store.put(f"raw/{name}", content)
            CONSOLE.print("an empty lake: filled with synthetic files, in which no value was measured")
        return
    if not raw.is_dir():
        raise CannotStart(f"{raw} is not a folder")
    if isinstance(lake.store, FolderStore):
        _must_lie_apart(raw.resolve(), Path(lake.store.url, "raw"))
    files = {path.relative_to(raw).as_posix(): path for path in sorted(raw.rglob("*")) if path.is_file()}
    if not files:
        raise CannotStart(f"there is no file in {raw}")
    if there and _are_synthetic(there) != _are_synthetic(files):
        raise CannotStart(
            f"the synthetic sample must not be mixed with real files, and {lake.store.url} holds the other kind; "
            f"take another lake, for instance: CELEC_LAKE_URL=lake-of-my-own make demo RAW={raw}"
        )
    for name, path in files.items():
        content = path.read_bytes()
        # Put once more, it would look like a change.
        if name not in there or lake.store.get(f"raw/{name}") != content:
            lake.store.put(f"raw/{name}", content)


def _must_lie_apart(raw: Path, landing: Path) -> None:
    inner, outer = sorted((raw, landing), key=lambda path: -len(path.parts))
    if inner != outer and inner.is_relative_to(outer):
        raise CannotStart(f"{outer} holds {inner}: keep raw files in a folder of their own, apart from the lake")


def _are_synthetic(names: Iterable[str]) -> bool:
    return any(sample.MARK in PurePath(name).stem for name in names)


if __name__ == "__main__":
    sys.exit(main())
