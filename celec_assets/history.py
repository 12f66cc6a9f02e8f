"""`celec history`: years of raw files on the first day, from the public services, in a lake that is always whole."""

import argparse
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from celec_assets.connectors.client import StopAsking
from celec_assets.connectors.collector import ECUADOR, Collector
from celec_assets.connectors.geoglows import FIRST_YEAR
from celec_assets.connectors.historian import FIRST_MONTH, Point, months, points
from celec_assets.connectors.pace import INTERVAL_S
from celec_assets.refusal import Refusal
from celec_assets.services import GeoglowsService, HistorianService, now
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake

ANSWER_S = 0.5
"""What an answer usually takes."""

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, by custom of shells."""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `celec history`. Naming stations or rivers leaves out what is not named."""
    command.add_argument(
        "--from",
        dest="first",
        type=_month,
        default=FIRST_MONTH,
        metavar="YYYY-MM",
        help=f"first month to ask CELEC's historian for (default {FIRST_MONTH:%Y-%m})",
    )
    command.add_argument(
        "--station", action="append", default=[], metavar="ID", help="only this station; may be repeated"
    )
    command.add_argument(
        "--geoglows", action="append", default=[], metavar="ID", help="only this river; may be repeated"
    )
    command.add_argument("--again", action="store_true", help="ask also for months that are there")


def fetch_history(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Ask the services for all that is not in the lake, the newest first. Returns the exit code.

    Raises:
        Refusal: a station that the historian does not hold; a lake that holds the sample.
    """
    lake = Lake.open(settings.lake_url)
    everything = not options.station and not options.geoglows
    chosen = points(options.station) if everything or options.station else ()
    if unknown := set(options.station) - {point.station for point in chosen}:
        held = ", ".join(dict.fromkeys(point.station for point in points()))
        raise Refusal(f"the historian has no station {sorted(unknown)[0]!r}; it has {held}")
    historian = HistorianService(url=settings.historian_url, ca_bundle=settings.ca_bundle).collector(lake)
    service = GeoglowsService(
        url=settings.geoglows_url, ca_bundle=settings.ca_bundle, further_rivers=settings.geoglows_rivers
    )
    geoglows = service.collector(lake)
    rivers = service.rivers() if everything else options.geoglows
    wanted = months(options.first, now().astimezone(ECUADOR).date())

    requests = {
        "CELEC's historian": historian.missing(chosen, wanted, options.again),
        "GEOGLOWS": geoglows.missing(rivers, FIRST_YEAR),
    }
    for name, number in requests.items():
        if number:
            minutes = max(round(number * (INTERVAL_S + ANSWER_S) / 60), 1)
            console.print(
                f"{name}: {number} requests at most, one at a time and a second apart: about {minutes} min",
                highlight=False,
            )
    console.print("The newest come first. Ctrl-C ends it at any time; the same command goes on from there.\n")
    progress = Progress(
        TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    code = 0
    try:
        with progress:
            task = progress.add_task("CELEC's historian", total=len(chosen) * len(wanted))

            def on_step(point: Point, month: date) -> None:
                progress.update(task, advance=1, description=f"{month:%Y-%m} {point.station} {point.quantity}")

            historian.collect(chosen, wanted, options.again, on_step)
            river_task = progress.add_task("GEOGLOWS", total=requests["GEOGLOWS"])
            geoglows.collect(
                rivers, on_step=lambda question: progress.update(river_task, advance=1, description=question)
            )
    except KeyboardInterrupt:
        console.print("\nstopped; what came is in the lake and whole. The same command goes on from there.")
        code = INTERRUPTED
    except StopAsking as reason:
        console.print(f"\nstopped: {reason}\nWhat came before is in the lake. The same command goes on from there.")
        code = 1
    failed = [line for collector in (historian, geoglows) for line in _told(collector, console)]
    return code or int(bool(failed))


def _told(collector: Collector, console: Console) -> list[str]:
    """Say what came. Returns the questions that have no answer."""
    arrived = collector.arrived
    if collector.requests or arrived.there:
        last = f", last day {arrived.last_day}" if arrived.last_day else ""
        console.print(
            f"{collector.name}: {collector.requests} requests, {len(arrived.new)} files new, {arrived.unchanged} "
            f"unchanged, {arrived.there} there before, {arrived.rows} values{last}",
            highlight=False,
        )
    for question, reason in {**arrived.failed, **arrived.withheld}.items():
        console.print(f"  {question}: {reason}", highlight=False)
    return list(arrived.failed)


def _month(text: str) -> date:
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no month like 2010-01") from None
    return month
