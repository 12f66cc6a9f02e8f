"""How the assets are divided, and what holds for a range of partitions in one run."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any, TypeVar

import dagster as dg
from dagster._core.definitions.data_version import get_input_event_pointer_tag

from celec_assets.refusal import Refusal
from celec_assets.storage.store import AccessDenied, LakeUnavailable
from celec_assets.workers import each_made

T = TypeVar("T")

RAW_FILES = dg.DynamicPartitionsDefinition(name="raw_files")
PROGRESS_SECONDS = 5
"""Every log line is a row in the database: one for each partition would cost more than the partition."""

STATIONS = dg.DynamicPartitionsDefinition(name="stations")


def range_tags(ordered: Iterable[str], wanted: Collection[str], at_most: int) -> Iterator[dict[str, str]]:
    """Run tags that cover exactly the wanted partitions: one set of tags for each unbroken range of them.

    Args:
        ordered: all partitions, as Dagster orders them.
        at_most: partitions of one run; a longer range becomes several.
    """
    for is_wanted, unbroken in groupby(ordered, key=set(wanted).__contains__):
        while is_wanted and (run := list(islice(unbroken, at_most))):
            yield {"dagster/asset_partition_range_start": run[0], "dagster/asset_partition_range_end": run[-1]}


def attempt_each(
    context: dg.AssetExecutionContext | dg.OutputContext,
    partitions: Iterable[str],
    make: Callable[[str], T],
    store: Callable[[str, T], Mapping[str, Any]],
) -> "Attempts":
    """Do the work of every partition. One that fails does not stop the others: `Attempts.settle` tells.

    Args:
        make: makes the value of one partition, perhaps in another process (`workers`).
        store: stores it, one after the other and in this process, and returns the metadata of its materialization.
    """
    partitions = list(partitions)
    attempts = Attempts(context)
    told = time.monotonic()
    for number, (partition, value) in enumerate(each_made(partitions, make), 1):
        try:
            attempts.done[partition] = store(partition, value())
        except Refusal as refusal:
            attempts.failed[partition] = str(refusal)
            context.log.error(f"{partition} ({number} of {len(partitions)}): refused: {refusal}")
        except LakeUnavailable as unavailable:
            # To find that out took most of a minute, and the others would find nothing else.
            attempts.failed.update(dict.fromkeys(partitions[number - 1 :], str(unavailable)))
            attempts.lakes_fault = unavailable
            context.log.exception(f"{partition} ({number} of {len(partitions)}): failed, the rest is not tried")
            break
        except Exception as error:
            attempts.failed[partition] = f"{type(error).__name__}: {error}"
            if isinstance(error, AccessDenied):
                attempts.lakes_fault = error
            context.log.exception(f"{partition} ({number} of {len(partitions)}): failed")
        if time.monotonic() - told > PROGRESS_SECONDS:
            context.log.info(f"{number} of {len(partitions)} done, {partition} last")
            told = time.monotonic()
    return attempts


class Attempts:
    """What became of every partition of a run."""

    def __init__(self, context: dg.AssetExecutionContext | dg.OutputContext) -> None:
        self._context = context
        self.done: dict[str, Mapping[str, Any]] = {}
        self.failed: dict[str, str] = {}
        self.lakes_fault: Exception | None = None
        """For which the run is started again (`executor`)."""

    def settle(self) -> None:
        """Tell Dagster: metadata for each partition that is done, and exactly the others as failed.

        A step can only succeed or fail as a whole. When some partitions failed, the others are reported one by one,
        and then the step fails.

        Raises:
            dagster.Failure: at least one partition failed; it names each and why.
        """
        context = self._context
        step = (
            context.step_context
            if isinstance(context, dg.OutputContext)
            else context.op_execution_context.get_step_execution_context()
        )
        if not self.failed:
            for partition, metadata in self.done.items():
                # What `add_asset_metadata` does, but for its reading all partitions from the database each time.
                step._metadata_accumulator = step._metadata_accumulator.with_additional_asset_metadata(
                    asset_key=context.asset_key, metadata=metadata, partition_key=partition
                )
            return
        # As Dagster notes it where a step succeeds: what was there when it began, for `automation`.
        parents = step.job_def.asset_layer.get(context.asset_key).parent_keys
        seen = {key: step.maybe_fetch_and_get_input_asset_version_info(key) for key in parents}
        tags = {get_input_event_pointer_tag(key): str(newest.storage_id) for key, newest in seen.items() if newest}
        for partition, metadata in self.done.items():
            context.log_event(dg.AssetMaterialization(context.asset_key, None, metadata, partition, tags))
        reasons = "\n".join(f"{partition}: {reason}" for partition, reason in self.failed.items())
        raise dg.Failure(
            f"{len(self.failed)} of {len(self.failed) + len(self.done)} partitions failed, the others are done.\n"
            f"{reasons}",
            metadata={
                "failed": dg.TableMetadataValue(
                    [dg.TableRecord({"partition": p, "reason": r}) for p, r in self.failed.items()],
                    dg.TableSchema([dg.TableColumn("partition"), dg.TableColumn("reason")]),
                )
            },
            allow_retries=False,
        ) from self.lakes_fault
