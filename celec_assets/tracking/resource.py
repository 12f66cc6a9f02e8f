"""Dagster's door to MLflow. A forecast never waits for it long, and never fails with it."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import dagster as dg
from pydantic import PrivateAttr

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run

    from celec_assets.storage.backtests import Backtest
    from celec_assets.storage.lake import Lake
    from celec_assets.tracking.client import Moved, TrackingClient

OFF: Final = "off"
"""In place of a URL: nothing is tracked."""

PATIENCE_SECONDS: Final = 60
EACH_SECONDS: Final = 2
"""Of a Dagster run MLflow gets a minute, and two seconds more for each station."""

METADATA: Final = "mlflow run"


class Tracking(dg.ConfigurableResource[None]):
    """Keeps models and backtests in MLflow, and lets its alias follow the lake.

    What goes wrong there is a warning in the log; the rest of the Dagster run is not tracked, and its materializations
    say so.
    """

    url: str
    """An MLflow server, `sqlite:///<file>`, or `off`."""
    public_url: str = ""
    """Where people open MLflow; empty: at `url`."""
    dagster_url: str
    """Where people open Dagster's UI."""

    _context: Any = PrivateAttr(None)  # InitResourceContext; outside of a Dagster run None
    _client: "TrackingClient | None" = PrivateAttr(None)
    _backtests: "Run | None" = PrivateAttr(None)
    _at_the_end: ExitStack = PrivateAttr(default_factory=ExitStack)
    _trouble: str = PrivateAttr("")
    _seconds_left: float = PrivateAttr(default_factory=lambda: PATIENCE_SECONDS)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Remember the Dagster run. MLflow is neither loaded nor asked before there is something to keep."""
        self._context = context

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """End the MLflow run of a Dagster run that backtested, however that ended."""
        try:
            self._at_the_end.close()
        except Exception as error:
            self._warn(f"the MLflow run could not be ended, the next one does it: {_in_words(error)}")

    def model(
        self, lake: "Lake", document: dict[str, Any], draw: Callable[["pd.DataFrame | None"], dict[str, bytes]]
    ) -> dict[str, Any]:
        """Keep a model that was just stored in the lake, and let the alias say which one is in use there.

        Args:
            document: what `forecasting.training.train` returned, with `rejected`.
            draw: makes PNGs, by file name, from the scores of the recipe's backtest at the station, if there is one.

        Returns:
            Metadata for the materialization.
        """
        station = document["station"]

        def work() -> "Run":
            key = lake.models.key(station, document)
            run = self._log_model(lake, key, document, draw, self._links())
            pointer = lake.models.pointer(station)
            before = pointer.earlier[:1] if key == pointer.in_use else (pointer.in_use,)
            moved = self._mirror(lake, station, {key: run})
            if moved and moved.came_from not in ("", *before):
                self._warn(
                    f"{station}: MLflow's alias was at {moved.came_from}, which is not what forecast; it is at version "
                    f"{moved.version} again. To change the model in use: celec rollback {station}"
                )
            return run

        return self._attempt(work)

    def backtest(self, station: str, backtest: "Backtest", pictures: dict[str, bytes]) -> dict[str, Any]:
        """Keep a station's backtest in the MLflow run that belongs to this Dagster run. Returns metadata."""

        def work() -> "Run":
            from celec_assets.tracking.dagster_run import mlflow_run
            from celec_assets.tracking.records import BACKTESTS, of_backtest

            if self._backtests is None:
                begun = mlflow_run(self._context, self.url, BACKTESTS, self._links())
                self._backtests = self._at_the_end.enter_context(begun)
            self._mlflow().fill(self._backtests, of_backtest(station, backtest, pictures), {})
            return self._backtests

        return self._attempt(work)

    def follow(self, lake: "Lake", station: str) -> str:
        """Let the alias say which model is in use, outside of a Dagster run. Returns in a sentence whether it does."""
        if self.url == OFF:
            return "MLflow is off"
        try:
            moved = self._mirror(lake, station)
        except Exception as error:
            return f"MLflow could not be told; its alias follows at the next training: {_in_words(error)}"
        return f"MLflow's alias is at version {moved.version}" if moved else "MLflow's alias says so already"

    def _attempt(self, work: Callable[[], "Run"]) -> dict[str, Any]:
        if self.url == OFF:
            return {}
        if not self._trouble:
            try:
                self._mlflow()
                started = time.monotonic()
                run = work()
            # MLflow, SQLAlchemy, boto3 and sockets have no error in common, and none of theirs is worth a forecast.
            except Exception as error:
                self._give_up(_in_words(error))
            else:
                self._seconds_left += EACH_SECONDS - (time.monotonic() - started)
                if self._seconds_left < 0:
                    self._give_up(f"it takes more than {EACH_SECONDS} s for a station")
                return {METADATA: self._link(run)}
        return {METADATA: f"not tracked: {self._trouble}"}

    def _give_up(self, trouble: str) -> None:
        # One failed attempt a run: a thousand stations would wait a thousand times.
        self._trouble = trouble
        self._warn(f"MLflow: {trouble}. What follows in this run is not tracked")

    def _mlflow(self) -> "TrackingClient":
        if self._client is None:
            # MLflow takes seconds to load.
            from celec_assets.tracking.client import TrackingClient
            from celec_assets.tracking.records import BACKTESTS, MODELS

            client = TrackingClient(self.url)
            if self._context:
                client.end_abandoned((MODELS, BACKTESTS), self._is_over)
            self._client = client
        return self._client

    def _is_over(self, dagster_run_id: str) -> bool:
        """Runs of another Dagster, which may share the server, are unknown here."""
        run = self._context.instance.get_run_by_id(dagster_run_id)
        return run is not None and run.is_finished

    def _mirror(self, lake: "Lake", station: str, logged: "Mapping[str, Run]" = MappingProxyType({})) -> "Moved | None":
        key = lake.models.pointer(station).in_use
        if not key:  # the first model was rejected
            return None
        # One that is not known there was trained while MLflow could not be reached.
        return self._mlflow().mirror(
            station, key, lambda: logged.get(key) or self._log_model(lake, key, lake.models.at(key), lambda _: {}, {})
        )

    def _log_model(
        self,
        lake: "Lake",
        key: str,
        document: dict[str, Any],
        draw: Callable[["pd.DataFrame | None"], dict[str, bytes]],
        links: dict[str, str],
    ) -> "Run":
        from celec_assets.tracking.records import MODELS, of_model

        scores = lake.backtests.scores(document["station"], document["recipe"])
        record = of_model(document, key, scores, draw(scores), links)
        return self._mlflow().log(MODELS, f"{document['station']} {document['trained_through']}", record, document)

    def _links(self) -> dict[str, str]:
        from celec_assets.tracking.client import DAGSTER_RUN

        run_id = self._context.run.run_id
        page = f"{self.dagster_url.rstrip('/')}/runs/{run_id}"
        return {DAGSTER_RUN: run_id, "dagster_run": page, "mlflow.note.content": f"[Dagster run {run_id[:8]}]({page})"}

    def _link(self, run: "Run") -> dg.MetadataValue[Any]:
        if not (server := self.public_url or self.url).startswith("http"):
            return dg.MetadataValue.text(run.info.run_id)
        page = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
        return dg.MetadataValue.url(f"{_without_password(server.rstrip('/'))}/{page}")

    def _warn(self, message: str) -> None:
        self._context.log.warning(message)


def _in_words(error: Exception) -> str:
    return _without_password(f"{type(error).__name__}: {error}")


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//", text)
