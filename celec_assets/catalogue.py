"""The stations and what is known of each: `catalogue.toml` as objects. No logic about flow stands here."""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

GEOGLOWS_PREFIX = "geoglows-"


class Station(BaseModel):
    """A place where daily flow is known. The head of `catalogue.toml` explains each field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    source: str
    river: str = ""
    plant: str = ""
    flow_column: str = ""
    level_column: str = ""
    simulated: bool = False
    regulated: bool = False
    flow_bounds_m3s: tuple[float, float] = (0.0, 100_000.0)
    level_bounds_masl: tuple[float, float] = (-10.0, 6_300.0)
    neighbours: tuple[str, ...] = ()
    may_be_copy_of: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    mrid_flow: int | None = None
    mrid_level: int | None = None

    @property
    def max_gap_days(self) -> int:
        """The longest gap that cleaning fills (days): beyond it a flood can have come and gone unseen."""
        return 3

    @property
    def training_years(self) -> int:
        """Years before the newest day that a model is trained on.

        Simulated series reach back to 1940; the last 20 years hold several El Niño cycles and the present climate.
        """
        return 20 if self.simulated else 30


@cache
def stations() -> dict[str, Station]:
    """Every station that the catalogue names, by id, in the catalogue's order."""
    entries = tomllib.loads(files("celec_assets").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    return {key: Station(id=key, **entry) for key, entry in entries.items()}


def station(station_id: str) -> Station:
    """The station of that id; a GEOGLOWS reach that the catalogue does not name is a simulated one.

    Raises:
        KeyError: the id is neither in the catalogue nor a GEOGLOWS reach.
    """
    if known := stations().get(station_id):
        return known
    if not station_id.startswith(GEOGLOWS_PREFIX):
        raise KeyError(f"{station_id!r} is not in celec_assets/catalogue.toml; add it there")
    reach = station_id.removeprefix(GEOGLOWS_PREFIX)
    return Station(id=station_id, name=f"GEOGLOWS {reach}", river=f"reach {reach}", source="geoglows", simulated=True)


def related(station_ids: set[str]) -> set[str]:
    """These stations and all whose cleaning looks at them, so that both are made again when one of them changes."""
    return station_ids | {
        other.id for other in stations().values() if station_ids & {*other.neighbours, *other.may_be_copy_of}
    }
