"""The code location of the production tests: ours, and a few jobs that do nothing but what a test needs to see.

All schedules are stopped: no tick asks a public server, or adds to a lake that is compared, at some hours of some days.
"""

import time

import dagster as dg

from celec_assets.build import build_definitions
from celec_assets.settings import read_settings
from celec_assets_tests.still import unscheduled


class Seconds(dg.Config):
    seconds: float = 0


@dg.op
def nothing() -> None:
    pass


@dg.op
def talk(context: dg.OpExecutionContext, config: Seconds) -> None:
    """Four events a second, each of which is a write to the database."""
    until = time.monotonic() + config.seconds
    while time.monotonic() < until:
        context.log_event(dg.AssetObservation("talk"))
        time.sleep(0.25)


@dg.op
def refuse() -> None:
    raise dg.Failure("this file holds no flow")


@dg.op
def grow() -> None:
    """More and more memory, as a model that is too large for its task."""
    kept = []
    while True:
        kept.append(b"x" * 2**24)


@dg.job
def empty() -> None:
    nothing()


@dg.job
def scheduled() -> None:
    nothing()


@dg.job
def failing() -> None:
    refuse()


@dg.job
def talking() -> None:
    talk()


@dg.job(tags={"ecs/cpu": "256", "ecs/memory": "512"})
def growing() -> None:
    grow()


every_minute = dg.ScheduleDefinition(name="every_minute", job=scheduled, cron_schedule="* * * * *")


defs = dg.Definitions.merge(
    unscheduled(build_definitions(read_settings())),
    dg.Definitions(jobs=[empty, scheduled, failing, talking, growing], schedules=[every_minute]),
)
