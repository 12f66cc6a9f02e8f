"""Where each source's data come from, under which terms, and how it wants to be named. docs/sources.md says more."""

from dataclasses import dataclass
from typing import Final

from celec_assets.sources import celec_ccs, celec_historian, celec_sur, geoglows

_PUBLIC_COMPANY: Final = (
    "none stated; information of a public company of Ecuador, open to everybody (Constitution, article 18)"
)


@dataclass(frozen=True)
class Provenance:
    """A source by its id (`NAME` of its module), for whoever shows data that come from it."""

    source: str
    name: str
    url: str
    licence: str
    attribution: str


def provenance() -> tuple[Provenance, ...]:
    """All sources, in the order in which files are tried."""
    return (
        Provenance(
            celec_sur.NAME,
            "CELEC EP, Unidad de Negocio CELEC Sur: monthly hydrology exports",
            "https://www.celec.gob.ec/celecsur/",
            _PUBLIC_COMPANY,
            "Source: CELEC EP, CELEC Sur.",
        ),
        Provenance(
            celec_ccs.NAME,
            "CELEC EP, Unidad de Negocio Coca Codo Sinclair: daily flows of the Coca river",
            "https://www.celec.gob.ec/cocacodosinclair/",
            _PUBLIC_COMPANY,
            "Source: CELEC EP, Coca Codo Sinclair.",
        ),
        Provenance(
            geoglows.NAME,
            "GEOGLOWS River Forecast System v2: simulated flows of river reaches",
            "https://data.geoglows.org/",
            "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
            "Contains data of GEOGLOWS v2, licensed under CC BY 4.0, selected, cleaned and used in forecasts. Hales, "
            "R. C., et al. (2022). Advancing global hydrologic modeling with the GEOGloWS ECMWF streamflow service. "
            "Journal of Flood Risk Management, e12859. https://doi.org/10.1111/jfr3.12859",
        ),
        Provenance(
            celec_historian.NAME,
            "CELEC EP, CELEC Sur: public historian of the production dashboard",
            "https://generacioncsr.celec.gob.ec/graficasproduccion/",
            _PUBLIC_COMPANY,
            "Source: CELEC EP, CELEC Sur, public historian.",
        ),
    )
