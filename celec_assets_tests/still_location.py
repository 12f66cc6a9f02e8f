"""Our code location, and the command on it, on one and the same day for ever: what two runs of it make can be compared.
The schedules are stopped, so that no tick adds to it.
"""

import sys
from datetime import date

import dagster as dg

from celec_assets import cli
from celec_assets.build import build_definitions
from celec_assets.resources import Clock
from celec_assets.settings import read_settings


class StoppedClock(Clock):
    def today(self) -> date:
        return date(2026, 1, 1)


defs = build_definitions(read_settings(), clock=StoppedClock())
for schedule in defs.schedules or ():
    schedule._default_status = dg.DefaultScheduleStatus.STOPPED

if __name__ == "__main__":
    cli.build_definitions = lambda _: defs
    sys.exit(cli.main())
