"""What does not go by the clock: a day that stays, and schedules that do not tick."""

from datetime import date

import dagster as dg

from celec_assets.resources import Clock


class StoppedClock(Clock):
    """The same day whenever it is asked."""

    day: str
    """As in 2026-11-23; resources hold no dates."""

    def today(self) -> date:
        return date.fromisoformat(self.day)


def unscheduled(definitions: dg.Definitions) -> dg.Definitions:
    """The same definitions, whose schedules somebody would have to start: none asks a public server, or makes a run that
    a test does not know of, at some hour of some day.
    """
    for schedule in definitions.schedules or ():
        schedule._default_status = dg.DefaultScheduleStatus.STOPPED
    return definitions
