"""Checks of `raw_files` and `observations`."""

import dagster as dg

from celec_assets.assets.checks.by_partition import ERROR, WARN, PartitionCheck, Subject, Verdict, partition_checks
from celec_assets.assets.raw import FILE_CAN_BE_READ, observations, raw_files
from celec_assets.partitions import RAW_FILES
from celec_assets.resources import LakeResource


@dg.asset_check(
    asset=raw_files,
    description="No file in the landing zone is refused. Each one that is stands here with its reason; a corrected "
    "upload of the same name heals it.",
    blocking=False,
)
def no_file_is_refused(lake: LakeResource) -> dg.AssetCheckResult:
    """A refused file harms nothing but itself, so it warns; `observations` shows it as a failed partition."""
    refused = lake.get().observations.refused()
    return dg.AssetCheckResult(passed=not refused, severity=WARN, metadata=refused)


def _file_can_be_read(subject: Subject) -> Verdict:
    record = subject.value
    if record is None or not record.settled:
        return False, {"reason": "the file was never read to the end"}
    dates = ["1900-01-01", record.first_day, record.last_day, subject.today.isoformat()]
    in_range = record.rows == 0 or dates == sorted(dates)
    reason = record.refused or ("" if in_range else "readings before 1900 or after today")
    return not reason, {"reason": reason} if reason else {"first_day": record.first_day, "last_day": record.last_day}


observation_checks = partition_checks(
    observations,
    RAW_FILES,
    lambda lake, raw_file: lake.observations.record(raw_file),
    [
        PartitionCheck(
            name=FILE_CAN_BE_READ,
            description="The file holds a known source's columns, can be read without guessing, and its readings lie "
            "between 1900 and today.",
            severity=ERROR,
            blocking=False,  # one bad file never stops the good ones
            judge=_file_can_be_read,
        ),
    ],
)
