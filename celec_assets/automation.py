"""When Dagster makes an asset by itself. Which files are new is the business of `sensors`."""

from dagster import AutomationCondition

_INPUT_UPDATED = AutomationCondition.any_deps_match(AutomationCondition.newly_updated())

_INPUT_IS_NEWER = _INPUT_UPDATED.since(AutomationCondition.newly_updated()) & _INPUT_UPDATED.since(
    AutomationCondition.newly_requested()
)

FOLLOWS_ITS_INPUTS = (
    (AutomationCondition.any_deps_match(AutomationCondition.will_be_requested()) | _INPUT_IS_NEWER)
    & ~AutomationCondition.any_deps_missing()
    & ~AutomationCondition.any_deps_in_progress()
    & ~AutomationCondition.in_progress()
).with_label("follows its inputs")
"""Together with an input that is to be made, or as soon as an input is newer than the partition and than the last
request for it.

Not `AutomationCondition.eager()`, which looks away when the input was made in a run that was to make the partition
too: when that run fails at another station, this one would be left out. The two `since` stand apart, without `|`
inside them, because only then does Dagster compare the instants of the events and not just the ticks that saw them."""

WHERE_MISSING = AutomationCondition.on_missing()
"""Once, when a partition appears. After that only on request."""

FOLLOWS_WHAT_IS_THERE = (
    _INPUT_IS_NEWER & ~AutomationCondition.any_deps_in_progress() & ~AutomationCondition.in_progress()
).with_label("follows what is there")
"""As soon as an input is newer and no other one is being made, also where some stations have none: a report of all
stations does not wait for the one that failed."""
