"""Our code location, and the command on it, on one and the same day for ever: what two runs of it make can be compared.
The schedules are stopped, so that no tick adds to it.
"""

import sys

from celec_assets import cli
from celec_assets.build import build_definitions
from celec_assets.settings import read_settings
from celec_assets_tests.still import StoppedClock, unscheduled

defs = unscheduled(build_definitions(read_settings(), clock=StoppedClock(day="2026-01-01")))

if __name__ == "__main__":
    cli.build_definitions = lambda _: defs
    sys.exit(cli.main())
