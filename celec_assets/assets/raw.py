"""From the landing zone to tidy readings: `raw_files`, `observations` and their view by station."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg

from celec_assets.assets.common import OWNERS, columns
from celec_assets.partitions import RAW_FILES, STATIONS, attempt_each
from celec_assets.refusal import Refusal
from celec_assets.resources import Clock, LakeResource

if TYPE_CHECKING:
    import pandas as pd

    from celec_assets.storage.observations import FileRecord

FILE_CAN_BE_READ = "file_can_be_read"
"""The check that shows a refused file's reason, by file."""


@dg.multi_observable_source_asset(  # type: ignore[untyped-decorator]
    specs=[
        dg.AssetSpec(
            "raw_files",
            description="What lies in the landing zone, `lake/raw/`: files from CELEC and GEOGLOWS as they were put "
            "there, by people or connectors. Never changed by the platform. Observing it registers new files as "
            "partitions of `observations`.",
            group_name="raw",
            owners=OWNERS,
            kinds={"csv"},
            metadata=columns(file="string", size_bytes="int", modified="datetime, UTC"),
        )
    ]
)
def raw_files(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.ObserveResult:
    """See the spec."""
    store = lake.get()
    files = {file.name: file for file in store.raw.list()}
    known = dict.fromkeys(context.instance.get_dynamic_partitions(str(RAW_FILES.name)))
    context.instance.add_dynamic_partitions(str(RAW_FILES.name), [name for name in files if name not in known])
    refused = {**store.observations.refused(), **store.raw.unusable()}
    missing = [name for name in known if name not in files]
    listing = "\n".join(f"{f.name} {f.size} {f.modified.isoformat()}" for f in files.values())
    return dg.ObserveResult(
        data_version=dg.DataVersion(store.raw.sha256(listing.encode())),
        metadata={
            "dagster/row_count": len(files),
            "size_bytes": sum(file.size for file in files.values()),
            "newest": max((file.modified.isoformat() for file in files.values()), default="no file"),
            "source_missing": missing,
            "refused": dg.TableMetadataValue(
                [dg.TableRecord({"file": name, "reason": reason}) for name, reason in refused.items()],
                dg.TableSchema([dg.TableColumn("file"), dg.TableColumn("reason")]),
            ),
        },
    )


@dg.asset(
    partitions_def=RAW_FILES,
    deps=[raw_files],
    group_name="raw",
    owners=OWNERS,
    kinds={"python", "parquet"},
    metadata=columns(station="string", day="date", flow_m3s="float", level_masl="float", quality="string"),
)
def observations(context: dg.AssetExecutionContext, lake: LakeResource, clock: Clock) -> dg.MaterializeResult[None]:
    """Tidy readings of one raw file: station, local day, flow (m³/s) and level (m above sea level).

    A file that cannot be read without guessing is refused as a whole: its partition fails with line and reason, what
    was read of it before stays, and the other files of the run go through.
    """
    store, sizes = lake.get().measured()
    touched: set[str] = set()
    records: dict[str, FileRecord] = {}

    def keep(raw_file: str, parsed: Parsed) -> dict[str, object]:
        if parsed.readings is None:
            records[raw_file], stations = store.observations.refuse(raw_file, parsed.sha256, parsed.refused)
            touched.update(stations)
            # The step is going to fail, so the check of the next step will not be there to say it.
            context.log_event(
                dg.AssetCheckEvaluation(
                    asset_key=context.asset_key,
                    check_name=FILE_CAN_BE_READ,
                    passed=False,
                    metadata={"reason": parsed.refused},
                    partition=raw_file,
                )
            )
            raise Refusal(parsed.refused)
        written = store.observations.write(raw_file, parsed.sha256, parsed.source, parsed.readings)
        records[raw_file], stations = written
        touched.update(stations)
        record = records[raw_file]
        return {
            "dagster/row_count": record.rows,
            "source": record.source,
            "stations": list(record.stations),
            "first_day": record.first_day,
            "last_day": record.last_day,
            "sha256": record.sha256,
            "objects": list(record.keys(raw_file)),
            "bytes": sum(sizes[key] for key in record.keys(raw_file)),
        }

    attempts = attempt_each(context, context.partition_keys, partial(_parse, lake, clock.today()), keep)
    # Before the files count as read: whoever is interrupted here reads them again and says it again.
    _announce(context, touched)
    for raw_file, record in records.items():
        store.observations.settle(raw_file, record)
    for station in touched:
        store.observations.gather(station)
    attempts.settle()
    return dg.MaterializeResult()


class Parsed(NamedTuple):
    """What a raw file says, or why it is refused; and the hash of what was read."""

    sha256: str
    source: str = ""
    readings: "pd.DataFrame | None" = None
    refused: str = ""


def _parse(lake: LakeResource, today: date, raw_file: str) -> Parsed:
    from celec_assets.sources import RefusedFile, read_raw_file

    zone = lake.get().raw
    content = zone.read(raw_file)
    sha256 = zone.sha256(content)
    try:
        return Parsed(sha256, *read_raw_file(raw_file, content, today))
    except RefusedFile as refused:
        return Parsed(sha256, refused=str(refused))


station_observations = dg.AssetSpec(
    "station_observations",
    description="The same readings by station: stored so that one station's are found without opening the others'. "
    "Reported by `observations` for every station that a file holds, or no longer holds.",
    partitions_def=STATIONS,
    deps=[dg.AssetDep(observations, partition_mapping=dg.AllPartitionMapping())],
    group_name="raw",
    owners=OWNERS,
    kinds={"parquet"},
    metadata=columns(raw_file="string", day="date", flow_m3s="float", level_masl="float", quality="string"),
).with_io_manager_key("observations")


def _announce(context: dg.AssetExecutionContext, touched: set[str]) -> None:
    """Report the stations whose readings changed, and those whose cleaning looks at them."""
    from celec_assets.catalogue import related, stations

    name = str(STATIONS.name)
    known = set(context.instance.get_dynamic_partitions(name)) | touched
    order = {station: number for number, station in enumerate(stations())}
    in_order = sorted(related(touched) & known, key=lambda station: (order.get(station, len(order)), station))
    context.instance.add_dynamic_partitions(name, in_order)
    for station in in_order:
        context.log_event(dg.AssetMaterialization(station_observations.key, partition=station))
