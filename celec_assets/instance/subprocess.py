"""Runs as processes of the code location's server, and what became of those that it took with it."""

import json
from typing import TYPE_CHECKING

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import deserialize_value

if TYPE_CHECKING:
    from dagster._grpc.client import DagsterGrpcClient


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's `DefaultRunLauncher`, and what it leaves out: a run whose server was killed fails at the next look of
    run monitoring and is started again, and does not stay "started" until its longest time is up.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does, unlike Dagster's."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Asks the server that started the run whether it still has it."""
        from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult

        if GRPC_INFO_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.FAILED, "The run was not given to a server.")
        try:
            answer = _server_of(run).can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=10)
        except DagsterUserCodeUnreachableError:
            # It may be busy. One that starts again answers, and has no run.
            return CheckRunHealthResult(WorkerStatus.RUNNING, "The code location does not answer.")
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            "The code location was started again and does not know this run: the run's process ended with the one "
            "before, by kill, a lack of memory or a restart of the machine.",
        )


def _server_of(run: DagsterRun) -> "DagsterGrpcClient":
    from dagster._grpc.client import DagsterGrpcClient

    address = json.loads(run.tags[GRPC_INFO_TAG])
    return DagsterGrpcClient(host=address["host"], port=address.get("port"), socket=address.get("socket"))
