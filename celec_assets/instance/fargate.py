"""One Fargate task a run, with what went wrong in plain words on the run's page."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dagster import DagsterRun, MetadataValue, StringSource
from dagster._core.events import EngineEventData
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import BACKFILL_ID_TAG, RETRY_NUMBER_TAG, SCHEDULE_NAME_TAG, SENSOR_NAME_TAG
from dagster_aws.ecs import EcsRunLauncher
from dagster_aws.ecs.launcher import RunArgs, RunContext
from dagster_aws.ecs.utils import RetryableEcsException

from celec_assets.settings import run_network

ON_DEMAND: Final = [{"capacityProvider": "FARGATE", "weight": 1}]
"""A `capacityProviderStrategy` of RunTask: tasks that AWS does not take back, at three times the price of Spot's."""


class FargateRunLauncher(EcsRunLauncher):
    """Dagster's `EcsRunLauncher`, and what it leaves out:

    - the network comes as one setting, so that it can come from the environment: within `run_task_kwargs` it cannot;
    - a run whose process could not tell how it ended (the database was away) fails and is started again. Dagster's
      own ends with exit code 0 then, which counts as healthy: the run would be "started" until its longest time is up;
    - why a task did not start, or was killed, stands on the run's page, beside a link to the task and its log;
    - Spot is for runs that can wait, and for as long as it has room: a strategy of ECS never falls back by itself.

    Args:
        network_configuration: `networkConfiguration` of ECS's RunTask, as JSON.
    """

    def __init__(
        self, network_configuration: str, run_task_kwargs: Mapping[str, Any] | None = None, **settings: Any
    ) -> None:
        network = {"networkConfiguration": run_network(network_configuration)}
        super().__init__(run_task_kwargs={**(run_task_kwargs or {}), **network}, **settings)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Dagster's, and `network_configuration`."""
        inherited: dict[str, Any] = super().config_type()  # type: ignore[no-untyped-call]
        return {**inherited, "network_configuration": StringSource}

    def _get_command_args(self, run_args: RunArgs, context: RunContext) -> Sequence[str]:
        # As Dagster's launchers for Docker and Kubernetes ask for.
        told = type(run_args)(
            run_args.job_origin, run_args.run_id, run_args.instance_ref, set_exit_code_on_failure=True
        )
        return super()._get_command_args(told, context)

    def _get_run_task_kwargs_from_run(self, run: DagsterRun) -> Mapping[str, Any]:
        strategy = {} if can_be_taken_back(run) else {"capacityProviderStrategy": ON_DEMAND}
        return {**strategy, **super()._get_run_task_kwargs_from_run(run)}

    def _run_task(self, **asked: Any) -> Mapping[str, Any]:
        try:
            return self._ask_ecs(**asked)
        except RetryableEcsException:
            if asked["capacityProviderStrategy"] == ON_DEMAND:
                raise
            return self._ask_ecs(**{**asked, "capacityProviderStrategy": ON_DEMAND})

    def _ask_ecs(self, **asked: Any) -> Mapping[str, Any]:
        task: Mapping[str, Any] = super()._run_task(**asked)  # type: ignore[no-untyped-call]
        return task

    def report_launch_events(self, run: DagsterRun, arn: str | None = None, cluster: str | None = None) -> None:
        """Say which task the run has become, with a link to it in the AWS console."""
        assert arn
        assert cluster
        region, name, task = arn.split(":")[3], cluster.rpartition("/")[2], arn.rpartition("/")[2]
        page = f"https://{region}.console.aws.amazon.com/ecs/v2/clusters/{name}/tasks/{task}"
        self._instance.report_engine_event(
            "Asked ECS for a task",
            run,
            EngineEventData(
                {
                    "task": MetadataValue.url(f"{page}/configuration?region={region}"),
                    "log": MetadataValue.url(f"{page}/logs?region={region}"),
                    "arn": MetadataValue.text(arn),
                }
            ),
            cls=self.__class__,
        )

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Dagster's verdict; what is wrong stands first, in plain words."""
        verdict = super().check_run_worker_health(run)
        if verdict.status in (WorkerStatus.RUNNING, WorkerStatus.SUCCESS):
            return verdict
        return verdict._replace(msg=f"{self._what_ecs_knows(run)}\n{verdict.msg or ''}")

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """What the run's page says of a run that did not start, or did not end, in time."""
        # Without logs it is asked for beside the verdict above, which says it already.
        return self._what_ecs_knows(run) if include_container_logs else None

    def _what_ecs_knows(self, run: DagsterRun) -> str:
        tags = self._get_run_tags(run.run_id)
        if not tags.arn:
            return "ECS was not asked for a task, or what it answered was lost: the daemon was stopped at that moment."
        tasks = self.ecs.describe_tasks(tasks=[tags.arn], cluster=tags.cluster)["tasks"]
        if not tasks:
            return f"ECS no longer knows the task {tags.arn}: it forgets tasks an hour after their end."
        return in_plain_words(tasks[0], self.container_name)


def can_be_taken_back(run: DagsterRun) -> bool:
    """Whether nobody waits for the run: not when a person launched it, nor when it is tried again already."""
    by_itself = {SCHEDULE_NAME_TAG, SENSOR_NAME_TAG, BACKFILL_ID_TAG}
    return not by_itself.isdisjoint(run.tags) and RETRY_NUMBER_TAG not in run.tags


def in_plain_words(task: Mapping[str, Any], container_name: str) -> str:
    """Why a task is in the state in which ECS describes it, and what to do."""
    container: Mapping[str, Any] = next((c for c in task["containers"] if c["name"] == container_name), {})
    reason, exit_code = container.get("reason", ""), container.get("exitCode")
    if task["lastStatus"] != "STOPPED":
        return (
            f"The task is still {task['lastStatus']}: ECS has found no place, address or image for it yet. See its "
            "page in the AWS console; should it start after all, it will do nothing."
        )
    if "OutOfMemory" in reason:
        return (
            f"The task ran out of memory: it had {task['memory']} MiB. Give the job more by its tags ecs/cpu and "
            f"ecs/memory. ({reason})"
        )
    if task.get("stopCode") == "TaskFailedToStart":
        return f"The task could not start: {task.get('stoppedReason', '')} {reason}".rstrip()
    if task.get("stopCode") == "SpotInterruption":
        return "AWS took the task's Spot capacity back. The run is started again, on demand."
    if task.get("stopCode") == "UserInitiated":
        return f"The task was stopped from outside Dagster: {task.get('stoppedReason', '')}"
    if exit_code == os.EX_TEMPFAIL:
        return "The run lost its database and ended, to be started again. Its log says how."
    if exit_code == 137:
        return f"The task was killed. ({task.get('stoppedReason', '')})"
    return (
        f"The run's process ended with exit code {exit_code} before it could say how in the database. Its log says "
        f"why. ({task.get('stopCode', '')}: {task.get('stoppedReason', '')})"
    )
