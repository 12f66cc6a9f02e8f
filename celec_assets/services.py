"""The public services that raw files come from, as resources: where each one is, and what is fetched from it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from celec_assets.refusal import Refusal

if TYPE_CHECKING:
    from celec_assets.connectors.geoglows import Geoglows
    from celec_assets.connectors.historian import Historian
    from celec_assets.storage.lake import Lake


class HistorianService(dg.ConfigurableResource[None]):
    """CELEC's historian."""

    url: str
    ca_bundle: str = ""

    def collector(self, lake: "Lake") -> "Historian":
        """What asks it and fills the lake. Raises `Refusal` for a lake that holds the sample."""
        # requests and pandas load when somebody asks, not with the definitions.
        from celec_assets.connectors.client import Client
        from celec_assets.connectors.historian import Historian

        refuse_sample(lake)
        return Historian(Client(self.url, self.ca_bundle or None), lake.raw, now)


class GeoglowsService(dg.ConfigurableResource[None]):
    """GEOGLOWS v2."""

    url: str
    ca_bundle: str = ""
    further_rivers: str = ""
    """River ids besides those of the catalogue, with commas between them."""

    def collector(self, lake: "Lake") -> "Geoglows":
        """What asks it and fills the lake. Raises `Refusal` for a lake that holds the sample."""
        from celec_assets.connectors.client import Client
        from celec_assets.connectors.geoglows import Geoglows

        refuse_sample(lake)
        return Geoglows(Client(self.url, self.ca_bundle or None), lake.raw, now)

    def rivers(self) -> list[str]:
        """The ids of all rivers that are fetched, each once."""
        from celec_assets.connectors.geoglows import catalogue_rivers

        return list(dict.fromkeys([*catalogue_rivers(), *filter(None, self.further_rivers.split(","))]))


def refuse_sample(lake: "Lake") -> None:
    """Measured values beside invented ones would be worse than none.

    Raises:
        Refusal: the lake holds the synthetic sample.
    """
    from celec_assets.sample import MARK

    if any(MARK in file.name for file in lake.raw.list()):
        raise Refusal(
            "this lake holds the synthetic sample, which must not be mixed with real values; take another lake, for "
            "instance: CELEC_LAKE_URL=my-lake make history"
        )


def now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)
