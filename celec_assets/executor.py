"""How the steps of a run are executed, and which failed runs are started again."""

from collections.abc import Iterator
from typing import Final

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.storage.tags import RETRY_ON_ASSET_OR_OP_FAILURE_TAG
from dagster_shared.error import SerializableErrorInfo

from celec_assets.storage.store import AccessDenied, LakeUnavailable

MAY_PASS: Final = {AccessDenied.__name__, LakeUnavailable.__name__}


class LakeAwareExecutor(InProcessExecutor):
    """All steps in one process. A run in which a step failed by the lake's fault is to be started again.

    Run retries leave out runs that fail by themselves (`deploy/dagster.yaml`), since what is refused would be refused
    again.
    """

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Execute the steps."""
        for event in super().execute(plan_context, execution_plan):
            if event.is_step_failure and _is_the_lakes_fault(event.step_failure_data.error):
                plan_context.instance.add_run_tags(plan_context.run_id, {RETRY_ON_ASSET_OR_OP_FAILURE_TAG: "true"})
            yield event


def _is_the_lakes_fault(error: SerializableErrorInfo | None) -> bool:
    return error is not None and (error.cls_name in MAY_PASS or _is_the_lakes_fault(error.cause))


@dg.executor(name="in_process")
def lake_aware(_: dg.InitExecutorContext) -> LakeAwareExecutor:
    """See the class."""
    return LakeAwareExecutor(RetryMode.ENABLED)
