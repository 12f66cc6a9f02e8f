"""Every source says where it comes from and how it wants to be named."""

from celec_assets.sources import SOURCES
from celec_assets.sources.provenance import provenance


def test_every_source_has_its_terms_and_only_these() -> None:
    assert [known.source for known in provenance()] == [source.NAME for source in SOURCES]
    assert all(
        known.name and known.url.startswith("https://") and known.licence and known.attribution
        for known in provenance()
    )


def test_geoglows_is_named_as_its_licence_asks() -> None:
    (geoglows,) = (known for known in provenance() if known.source == "geoglows")
    assert "CC BY 4.0" in geoglows.licence
    assert "CC BY 4.0" in geoglows.attribution
    assert "10.1111/jfr3.12859" in geoglows.attribution
    assert "cleaned" in geoglows.attribution, "changes are to be indicated"
