"""When Dagster makes an asset by itself. Which files are new is the business of `sensors`."""

from dagster import AutomationCondition

FOLLOWS_ITS_INPUTS = (
    AutomationCondition.any_deps_match(
        AutomationCondition.newly_updated() | AutomationCondition.will_be_requested()
    ).since_last_handled()
    & ~AutomationCondition.any_deps_missing()
    & ~AutomationCondition.any_deps_in_progress()
    & ~AutomationCondition.in_progress()
).with_label("follows its inputs")
"""As soon as something that a partition is made of was made anew.

Not `AutomationCondition.eager()`, which looks away when the input was made in a run that was to make the partition
too: when that run failed at another station, this one would be left out."""

WHERE_MISSING = AutomationCondition.on_missing()
"""Once, when a partition appears. After that only on request."""
