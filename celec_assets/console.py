"""What a terminal shows of a catch-up: a line a layer, the step that runs now, every failure, and the forecasts."""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import dagster as dg
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from celec_assets.catch_up import CatchUp, Outcome
from celec_assets.forecasting.forecast import HINDSIGHT_AFTER, Kind, summary
from celec_assets.storage.lake import Lake

WHAT_BEGINS = {
    "raw_files": "looking at the landing zone",
    "observations": "reading raw files",
    "daily_series": "cleaning daily series",
    "flow_model": "training models",
    "flow_forecast": "forecasting",
    "low_flow_warnings": "judging how likely low flow is",
    "forecast_scorecard": "scoring what was issued",
    "forecast_report": "writing the report",
}


def catch_up_on_screen(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    lake: Lake,
    console: Console,
    also: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Outcome:
    """Run a catch-up and show it. Dagster's own log is kept in the instance and can be read in the UI."""
    with _one_line_log(console) as logger:
        catch_up = CatchUp(dg.Definitions.merge(defs, dg.Definitions(loggers={"console": logger})), instance, lake)
        started = time.monotonic()
        with console.status("starting") as status:

            def on_layer(asset: str, partitions: int) -> None:
                what = f"{WHAT_BEGINS[asset]} ({partitions})" if partitions else f"{WHAT_BEGINS[asset]}: nothing new"
                console.print(f"[dim]{time.monotonic() - started:6.1f} s[/dim]  {asset:18} {what}")
                status.update(f"{what} ...")

            outcome = catch_up.run(on_layer, also)
        console.print(f"[dim]{time.monotonic() - started:6.1f} s[/dim]  done")
    for asset, partition, reason in outcome.failed:
        console.print(f"[red]{asset}[/red] {partition}: {reason}", highlight=False)
    return outcome


def print_forecasts(lake: Lake, stations: list[str], console: Console) -> None:
    """A row a station: the issue date and what a planner asks first. Then where the forecasts are."""
    table = Table(title="Inflow, m³/s: median (p10 to p90)", title_justify="left", box=SIMPLE)
    for heading in ("station", "issue date", "tomorrow", "mean of next 7 days", "mean of next 14 days"):
        table.add_column(heading, no_wrap=True)
    paths, late = [], False
    for station in stations:
        if not lake.forecasts.exists(station):
            table.add_row(station, "none", "-", "-", "-")
            continue
        forecast = lake.forecasts.read(station)
        paths.append(lake.forecasts.latest(station))
        flows = summary(forecast)
        hindsight = forecast["kind"].iloc[0] == Kind.HINDSIGHT
        late |= hindsight
        table.add_row(
            station,
            f"{forecast['issue_date'].iloc[0]:%Y-%m-%d}{' *' if hindsight else ''}",
            *(
                f"{flows[f'{name}_p50_m3s']:.1f} ({flows[f'{name}_p10_m3s']:.1f} to {flows[f'{name}_p90_m3s']:.1f})"
                for name in ("tomorrow", "mean_7d", "mean_14d")
            ),
        )
    console.print(table)
    if late:
        console.print(f"* hindsight: the newest observed day is more than {HINDSIGHT_AFTER.days} days ago\n")
    for path in paths:
        console.print(f"{lake.store.url}/{path}", highlight=False, soft_wrap=True)


@contextmanager
def _one_line_log(console: Console) -> Iterator[dg.LoggerDefinition]:
    """A Dagster logger that shows what assets say, each in a line, and none of the engine's events."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            meta: dict[str, Any] = getattr(record, "dagster_meta", {})
            if record.levelno >= logging.INFO and meta.get("dagster_event") is None:
                console.print(f"          {meta.get('step_key')}: {meta.get('orig_message')}", highlight=False)

    @dg.logger
    def lines(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("celec_assets.console")
        logger.addHandler(Lines())
        return logger

    yield lines
