"""When Dagster makes an asset by itself. Which files are new is the business of `sensors`."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster import AutomationCondition
from dagster._core.definitions.data_version import INPUT_EVENT_POINTER_TAG_PREFIX, NULL_EVENT_POINTER
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.definitions.temporal_context import TemporalContext

if TYPE_CHECKING:
    from dagster._core.storage.event_log.base import AssetEventSummaryRecord


def newest_input_seen(instance: dg.DagsterInstance, made: "Sequence[AssetEventSummaryRecord]") -> dict[str | None, int]:
    """The newest event of an input that was there when a partition began to be made, by partition.

    Dagster notes it on every materialization when a step begins, before it loads anything.

    Args:
        made: materializations of one asset. One that does not say it counts as made from all that was before it.
    """
    one_of_run = {event.run_id: event.storage_id for event in made}  # a run begins all partitions of an asset at once
    if not one_of_run:
        return {}
    which = dg.AssetRecordsFilter(made[0].asset_key, storage_ids=list(one_of_run.values()))
    seen = {
        record.run_id: [
            int(pointer)
            for name, pointer in (record.event_log_entry.tags or {}).items()
            if name.startswith(INPUT_EVENT_POINTER_TAG_PREFIX) and pointer != NULL_EVENT_POINTER
        ]
        for record in instance.fetch_materializations(which, limit=len(one_of_run)).records
    }
    in_order = sorted(made, key=lambda event: event.storage_id)
    return {event.partition: max(seen.get(event.run_id or "", ()), default=event.storage_id) for event in in_order}


class AnInputCameMeanwhile(AutomationCondition[dg.AssetKey]):
    """Of partitions that were just made: an input was updated after they began to be, so that they may lack it."""

    async def evaluate(  # type: ignore[override]  # as Dagster's own conditions are
        self, context: dg.AutomationContext[dg.AssetKey]
    ) -> dg.AutomationResult[dg.AssetKey]:
        """Of the candidates, those made since the last tick in which an input that came later may be lacking."""
        key, view, lacking = context.key, context.asset_graph_view, context.get_empty_subset()
        if not context.candidate_subset.is_empty and (since := context.previous_temporal_context):
            made = view.instance.get_asset_event_summary_records(
                dg.DagsterEventType.ASSET_MATERIALIZATION, key, after_storage_id=since.last_event_id
            )
            by_seen = defaultdict(set)
            for partition, seen in newest_input_seen(view.instance, made).items():
                by_seen[seen].add(AssetKeyPartitionKey(key, partition))
            for seen, partitions in by_seen.items():
                these = view.get_asset_subset_from_asset_partitions(key, partitions)
                for parent in context.asset_graph.get(key).parent_keys:
                    came = await view.compute_updated_since_temporal_context_subset(
                        key=parent, temporal_context=TemporalContext(effective_dt=view.effective_dt, last_event_id=seen)
                    )
                    lacking = lacking.compute_union(these.compute_intersection(came.compute_child_subset(key)))
        return dg.AutomationResult(context, lacking)


_INPUT_UPDATED = AutomationCondition.any_deps_match(AutomationCondition.newly_updated())

_MADE_FROM_ALL = AutomationCondition.newly_updated() & ~AnInputCameMeanwhile()

_INPUT_IS_NEWER = _INPUT_UPDATED.since(_MADE_FROM_ALL) & _INPUT_UPDATED.since(AutomationCondition.newly_requested())

FOLLOWS_ITS_INPUTS = (
    (AutomationCondition.any_deps_match(AutomationCondition.will_be_requested()) | _INPUT_IS_NEWER)
    & ~AutomationCondition.any_deps_missing()
    & ~AutomationCondition.any_deps_in_progress()
    & ~AutomationCondition.in_progress()
).with_label("follows its inputs")
"""Together with an input that is to be made, or as soon as an input is newer than the partition and than the last
request for it.

Newer is what came after the partition began to be made, not after it was done: it was not loaded, or perhaps not.

Not `AutomationCondition.eager()`, which looks away when the input was made in a run that was to make the partition
too: when that run fails at another station, this one would be left out. The two `since` stand apart, without `|`
inside them, because only then does Dagster compare the instant of an update with that of the request and not just the
ticks that saw them."""

WHERE_MISSING = AutomationCondition.on_missing()
"""Once, when a partition appears. After that only on request."""

FOLLOWS_WHAT_IS_THERE = (
    _INPUT_IS_NEWER & ~AutomationCondition.any_deps_in_progress() & ~AutomationCondition.in_progress()
).with_label("follows what is there")
"""As soon as an input is newer and no other one is being made, also where some stations have none: a report of all
stations does not wait for the one that failed."""
