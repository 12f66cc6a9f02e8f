"""One Dagster run as one MLflow run, by dagster-mlflow."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
from mlflow.entities import Run

with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.BetaWarning)
    from dagster_mlflow import mlflow_tracking


@contextmanager
def mlflow_run(context: dg.InitResourceContext, url: str, experiment: str, tags: dict[str, str]) -> Iterator[Run]:
    """The MLflow run of a Dagster run, which ends with it: FINISHED when all its steps succeeded, otherwise FAILED.

    dagster-mlflow's own hook ends a run only in jobs that have it, and only after their last op: what is launched asset
    by asset in the UI would stay RUNNING. And a hook would have to be loaded with the definitions.
    """
    config = {"experiment_name": experiment, "mlflow_tracking_uri": url, "extra_tags": tags, "env": {}}
    with ExitStack() as opened:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            resources = opened.enter_context(
                dg.build_resources(
                    {"mlflow": mlflow_tracking.configured(config)},
                    instance=context.instance,
                    dagster_run=context.run,
                    log_manager=context.log,
                )
            )
        try:
            yield resources.mlflow.active_run()
        finally:
            resources.mlflow.end_run("FINISHED" if _succeeded(context) else "FAILED")


def _succeeded(context: dg.InitResourceContext) -> bool:
    """Whether every step that began came to its end."""
    assert context.instance
    assert context.run
    begun, done = (
        {entry.step_key for entry in context.instance.all_logs(context.run.run_id, of_type=kind)}
        for kind in (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS)
    )
    return begun == done
