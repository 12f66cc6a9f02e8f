"""Everything that is not up to date, made in this process: what `make demo` and `make check` run, and an operator
after an outage. With the daemon running, the sensors do the same bit by bit.
"""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import dagster as dg

from celec_assets.automation import newest_input_seen
from celec_assets.partitions import RAW_FILES, STATIONS, range_tags
from celec_assets.storage.lake import Lake

PROCESS_TAG = "celec/process"
"""On the runs of a catch-up: the process that runs them."""

ROAD = (
    "raw_files",
    "observations",
    "daily_series",
    "flow_model",
    "flow_forecast",
    "low_flow_warnings",
    "forecast_scorecard",
    "forecast_report",
)
"""The assets that are made every day, in order."""


@dataclass(frozen=True)
class RunOutcome:
    """What is kept of a run: which checks it planned and judged, and those verdicts that are against something.

    Its events are in the instance: there are two dozen for each partition.
    """

    dagster_run: dg.DagsterRun
    success: bool
    planned: frozenset[dg.AssetCheckKey]
    judged: frozenset[dg.AssetCheckKey]
    failing: tuple[dg.AssetCheckEvaluation, ...]

    @classmethod
    def of(cls, result: dg.ExecuteInProcessResult) -> "RunOutcome":
        """Of a run that has ended."""
        evaluations = result.get_asset_check_evaluations()
        return cls(
            result.dagster_run,
            result.success,
            frozenset(
                event.asset_check_planned_data.asset_check_key
                for event in result.all_events
                if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
            ),
            frozenset(evaluation.asset_check_key for evaluation in evaluations),
            tuple(evaluation for evaluation in evaluations if not evaluation.passed),
        )


@dataclass
class Outcome:
    """How many partitions of each asset were made, why others were not (asset, partition, reason), and the runs."""

    made: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    runs: list[RunOutcome] = field(default_factory=list)


class CatchUp:
    """Reads the raw files whose content is new, then makes layer by layer what is older than what it is made from.

    A layer a run: one station's failure never keeps the others from the next layer.
    """

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance, lake: Lake) -> None:
        self._job, self._instance, self._lake = defs.resolve_implicit_global_asset_job_def(), instance, lake
        self._batch = (defs.resources or {})["batch"].size
        self.outcome = Outcome()
        self._blocked: set[str] = set()

    def run(
        self,
        on_layer: Callable[[str, int], None] = lambda *_: None,
        also: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> Outcome:
        """Make everything that is behind.

        Args:
            on_layer: is told asset and number of partitions when a layer begins.
            also: partitions to make although they are up to date, by asset.
        """
        lake = self._lake
        behind: dict[str, Callable[[], Collection[str]]] = {
            "observations": self._unread,
            "daily_series": lambda: self._behind("daily_series", lake.series.exists, "station_observations"),
            "flow_model": lambda: {s for s in self._stations() if lake.series.exists(s) and not lake.models.exists(s)},
            "flow_forecast": lambda: {
                s for s in self._behind("flow_forecast", lake.forecasts.exists, "daily_series") if lake.models.exists(s)
            },
            "low_flow_warnings": lambda: self._behind("low_flow_warnings", lake.warnings.exists, "flow_forecast"),
            "forecast_scorecard": lambda: {
                s
                for s in self._behind("forecast_scorecard", lake.scorecards.exists, "flow_forecast", "daily_series")
                if lake.forecasts.exists(s)
            },
        }
        self._end_abandoned_runs()
        on_layer("raw_files", 1)
        self._execute("raw_files", {})
        for asset in behind:
            partitions = {*behind[asset](), *also.get(asset, ())} - self._blocked
            on_layer(asset, len(partitions))
            definition = RAW_FILES if asset == "observations" else STATIONS
            known = self._instance.get_dynamic_partitions(str(definition.name))
            for tags in range_tags(known, partitions, self._batch):
                self._execute(asset, tags)
        on_layer("forecast_report", 1)
        self._execute("forecast_report", {})
        return self.outcome

    def _end_abandoned_runs(self) -> None:
        """Runs of a catch-up that was killed would count as in progress for ever, and nothing would follow them."""
        filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
        for run in self._instance.get_runs(filters):
            if (process := run.tags.get(PROCESS_TAG)) and not _is_alive(int(process)):
                self._instance.report_run_failed(run, "the process that ran it was killed")

    def _stations(self) -> list[str]:
        return list(self._instance.get_dynamic_partitions(str(STATIONS.name)))

    def _unread(self) -> set[str]:
        """Files whose content was not read to the end, or was and Dagster was never told."""
        told = self._instance.get_materialized_partitions(dg.AssetKey("observations"))
        told |= self._lake.observations.refused().keys()
        return {f.name for f in self._lake.raw.list() if f.name not in told or self._lake.is_unread(f.name)}

    def _behind(self, asset: str, exists: Callable[[str], bool], *sources: str) -> set[str]:
        """Stations whose asset was begun before one of its sources was made, or is not in the lake."""
        event: Final = dg.DagsterEventType.ASSET_MATERIALIZATION
        of = {
            name: self._instance.get_latest_storage_id_by_partition(dg.AssetKey(name), event)
            for name in (asset, *sources)
        }
        made = self._instance.get_asset_event_summary_records(
            event, dg.AssetKey(asset), storage_ids=list(of[asset].values())
        )
        seen = newest_input_seen(self._instance, made)
        newest = {s: max(of[source].get(s, 0) for source in sources) for s in self._stations()}
        return {s for s, source in newest.items() if source and (source > seen.get(s, 0) or not exists(s))}

    def _execute(self, asset: str, tags: dict[str, str]) -> None:
        result = self._job.execute_in_process(
            asset_selection=[dg.AssetKey(asset)],
            instance=self._instance,
            tags={**tags, PROCESS_TAG: str(os.getpid())},
            raise_on_error=False,
            run_config={"loggers": {"console": {}}},  # the definitions' own, where they have one
        )
        self.outcome.runs.append(run := RunOutcome.of(result))
        done = sum(event.asset_key == dg.AssetKey(asset) for event in result.get_asset_materialization_events())
        self.outcome.made[asset] = self.outcome.made.get(asset, 0) + done
        # Nothing is made from what a blocking check turned down.
        self._blocked |= {
            str(evaluation.partition)
            for evaluation in run.failing
            if evaluation.blocking and evaluation.severity is dg.AssetCheckSeverity.ERROR
        }
        for event in result.get_step_failure_events():
            data = event.step_failure_data
            table = (data.user_failure_data.metadata if data.user_failure_data else {}).get("failed")
            reasons = (
                [(str(r.data["partition"]), str(r.data["reason"])) for r in table.value.records]
                if isinstance(table, dg.TableMetadataValue)
                else [("", data.error_display_string)]
            )
            self.outcome.failed += [(asset, partition, reason) for partition, reason in reasons]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but alive
        pass
    return True
