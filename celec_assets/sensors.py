"""What starts runs by itself: new raw files here, everything behind them by `automation`."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from celec_assets.jobs import read_raw_files
from celec_assets.partitions import RAW_FILES, range_tags
from celec_assets.resources import LakeResource

FILES_PER_TICK = 200
SETTLED_AFTER = timedelta(seconds=5)
"""A file that changed less than this ago may still be being written: it waits for the next tick."""


@dg.sensor(job=read_raw_files, default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=30)
def new_raw_files(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
    """Requests `observations` for every raw file whose content was not read yet, the oldest change first.

    The cursor is the change (instant and name) up to which everything has been looked at. Only settled files are
    looked at, so nothing can appear before it later; what was read already is known from the observations.
    """
    store = lake.get()
    settled = datetime.now(UTC) - SETTLED_AFTER
    changes = sorted((file.modified.isoformat(), file.name) for file in store.raw.list() if file.modified <= settled)
    pending = [change for change in changes if change > _position(context.cursor)][:FILES_PER_TICK]
    if not pending:
        return dg.SkipReason("no raw file changed")
    unread = [name for _, name in pending if not store.is_read(name)]
    known = context.instance.get_dynamic_partitions(str(RAW_FILES.name))
    new = [name for name in unread if name not in known]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(tags=tags) for tags in range_tags([*known, *new], unread)],
        dynamic_partitions_requests=[RAW_FILES.build_add_request(new)] if new else [],
        cursor="|".join(pending[-1]),
    )


def _position(cursor: str | None) -> tuple[str, str]:
    instant, _, name = (cursor or "").partition("|")
    return instant, name


automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes series, missing models and forecasts of just the stations whose readings changed.",
)
