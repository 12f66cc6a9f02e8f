"""What runs need from outside: the lake and the clock."""

from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

if TYPE_CHECKING:
    from celec_assets.storage.lake import Lake

ECUADOR = ZoneInfo("America/Guayaquil")


class LakeResource(dg.ConfigurableResource["Lake"]):
    """The lake at a folder."""

    url: str

    @cached_property
    def _lake(self) -> "Lake":
        # pandas and pyarrow load when the lake is used, not with the definitions.
        from celec_assets.storage.lake import Lake

        return Lake.open(self.url)

    def get(self) -> "Lake":
        """The lake."""
        return self._lake


class Clock(dg.ConfigurableResource[date]):
    """The local day. Everything that depends on it takes it as an argument."""

    def today(self) -> date:
        """The present day in Ecuador."""
        return datetime.now(ECUADOR).date()
