"""How a check of one partition becomes a Dagster check of any number of them.

A run over a range gives a verdict for each partition, and one for the range, which names those that fail. Checks can be
executed without the asset, on any partitions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.resources import Clock, LakeResource
from celec_assets.storage.store import ObjectMissing

if TYPE_CHECKING:
    import pandas as pd

    from celec_assets.storage.lake import Lake

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
Verdict = tuple[bool, dict[str, Any]]


@dataclass(frozen=True)
class Subject:
    """What a check looks at: the stored value of a partition, and what is needed to judge it."""

    partition: str
    value: Any
    lake: "Lake"
    today: date

    @cached_property
    def series(self) -> "pd.DataFrame":
        """The station's clean series, read once for all checks. Raises `ObjectMissing`."""
        return self.lake.series.read(self.partition)


@dataclass(frozen=True, kw_only=True)
class PartitionCheck:
    """A check of one partition. All of it is stated on purpose: nothing has a default."""

    name: str
    description: str
    severity: dg.AssetCheckSeverity
    blocking: bool
    judge: Callable[[Subject], Verdict]


def partition_checks(
    asset: dg.AssetsDefinition,
    partitions_def: dg.PartitionsDefinition[str],
    read: Callable[["Lake", str], Any],
    checks: Sequence[PartitionCheck],
) -> dg.AssetChecksDefinition:
    """One step that loads each partition once and judges it by every check.

    Args:
        read: loads a partition's value from the lake.
    """
    specs = [
        dg.AssetCheckSpec(
            check.name,
            asset=asset,
            description=check.description,
            blocking=check.blocking,
            partitions_def=partitions_def,
        )
        for check in checks
    ]

    @dg.multi_asset_check(specs=specs, name=f"check_{asset.key.to_python_identifier()}", can_subset=True)
    def judge_partitions(
        context: dg.AssetCheckExecutionContext, lake: LakeResource, clock: Clock
    ) -> Iterator[dg.AssetCheckResult]:
        op = context.op_execution_context
        selected = [
            check for check in checks if dg.AssetCheckKey(asset.key, check.name) in op.selected_asset_check_keys
        ]
        failing: dict[str, dict[str, dict[str, Any]]] = {check.name: {} for check in selected}
        for partition in op.partition_keys:
            verdicts = _judge(partition, read, selected, lake.get(), clock.today())
            for check, (passed, why) in zip(selected, verdicts, strict=True):
                if not passed:
                    failing[check.name][partition] = why
                if not op.has_partition_key:  # a single partition's verdict is the result below
                    # Dagster takes the event; its annotation leaves it out.
                    op.log_event(_verdict(asset.key, check, partition, passed, why))  # type: ignore[arg-type]
        for check in selected:
            yield dg.AssetCheckResult(
                asset_key=asset.key,
                check_name=check.name,
                passed=not failing[check.name],
                severity=check.severity,
                metadata={partition: str(why) for partition, why in failing[check.name].items()},
            )

    return judge_partitions


def _judge(
    partition: str,
    read: Callable[["Lake", str], Any],
    checks: Sequence[PartitionCheck],
    lake: "Lake",
    today: date,
) -> list[Verdict]:
    """The verdict of each check. What was never stored passes none."""
    try:
        subject = Subject(partition, read(lake, partition), lake, today)
    except ObjectMissing as missing:
        return [(False, {"reason": str(missing)})] * len(checks)
    return [check.judge(subject) for check in checks]


def _verdict(
    asset: dg.AssetKey, check: PartitionCheck, partition: str, passed: bool, why: Mapping[str, Any]
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=check.name,
        passed=passed,
        severity=check.severity,
        metadata=why,
        partition=partition,
        blocking=check.blocking,
    )
