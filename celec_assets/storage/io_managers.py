"""Dagster's door to the lake: assets give and take values by partition, one object at a time."""

from functools import lru_cache
from typing import Any, Final

import dagster as dg

from celec_assets.partitions import attempt_each
from celec_assets.resources import LakeResource
from celec_assets.storage.by_partition import ByPartition
from celec_assets.storage.store import ObjectMissing

NEIGHBOURHOOD: Final = 8
"""Values that are kept while a run goes through its stations: neighbours ask for the same ones."""


class UpstreamObjectMissing(KeyError):
    """What an asset needs was never made, or was deleted."""

    def __init__(self, key: str, asset: str, partition: str) -> None:
        super().__init__(key)
        self._what = (key, asset, partition)
        self._message = f"there is no object {key!r} in the lake; materialize {asset}, partition {partition!r}, first"

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._what


class LayerReader:
    """Loads the values of a layer, and keeps the last few."""

    def __init__(self, lake: LakeResource, layer: str, asset: str) -> None:
        self._what = (lake, layer, asset)
        self._kept = lru_cache(maxsize=NEIGHBOURHOOD)(self._load)

    def __call__(self, partition: str) -> Any:
        """The value of a partition. Raises `UpstreamObjectMissing`."""
        return self._kept(partition)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._what

    def _load(self, partition: str) -> Any:
        lake, layer, asset = self._what
        try:
            return getattr(lake.get(), layer).read(partition)
        except ObjectMissing as missing:
            raise UpstreamObjectMissing(missing.key, asset, partition) from None


class LakeIOManager(dg.ConfigurableIOManager):
    """Stores and loads one layer of the lake: `layer` is an attribute of `Lake` with `write` and `read`.

    An asset gives a `ByPartition`; whoever takes it gets a `ByPartition` too, of one partition or of a range.
    """

    lake: LakeResource
    layer: str

    def handle_output(self, context: dg.OutputContext, obj: ByPartition[Any]) -> None:
        lake, sizes = self.lake.get().measured()
        layer = getattr(lake, self.layer)

        def store(partition: str, value: Any) -> dict[str, Any]:
            key = layer.write(partition, value)
            return {**obj.describe(value), "object": key, "bytes": sizes[key]}

        attempt_each(context, obj, obj.get_one, store).settle()

    def load_input(self, context: dg.InputContext) -> ByPartition[Any]:
        load = LayerReader(self.lake, self.layer, context.asset_key.to_user_string())
        return ByPartition(list(context.asset_partition_keys) if context.has_asset_partitions else [], load)
