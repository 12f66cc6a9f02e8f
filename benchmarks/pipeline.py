"""The demo's pipeline, by the platform or by a plain script: `python -m benchmarks.pipeline platform|script FOLDER`."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from celec_assets.build import build_definitions
from celec_assets.catch_up import ROAD, CatchUp
from celec_assets.partitions import RAW_FILES, STATIONS, range_tags
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets_tests.still import StoppedClock

LAST_DAY = date(2025, 12, 31)
TODAY = LAST_DAY + timedelta(days=1)
STORAGE = "storage:\n  sqlite:\n    base_dir: .dagster\n"


def platform(folder: Path) -> None:
    """What `make demo` does, without the screen and without MLflow, which the script does not have either."""
    defs = build_definitions(Settings(lake_url=str(folder), mlflow_url="off"), clock=StoppedClock(day=str(TODAY)))
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        outcome = CatchUp(defs, instance, Lake.open(str(folder))).run()
    assert outcome.made["flow_forecast"] == 7, outcome


def script(folder: Path) -> None:
    """The same work by hand, and then the same graph, in which nothing is done."""
    from benchmarks.raw_folder import read_series
    from celec_assets.catalogue import station
    from celec_assets.forecasting.low_flow import assess, with_levels
    from celec_assets.forecasting.scorecard import gather, score_issued
    from celec_assets.forecasting.training import issue, train
    from celec_assets.report.assemble import LEVEL_RULES, STALE_AFTER_DAYS, station_part
    from celec_assets.report.document import Report
    from celec_assets.report.exports import to_csv, to_json
    from celec_assets.report.page import render
    from celec_assets.series.schema import observed_flow

    series, parts = read_series(folder / "raw", TODAY), []
    for name, frame in series.items():
        frame.to_parquet(folder / f"{name}.parquet")
    for name, frame in series.items():
        forecast = issue(train(name, frame, series), frame, series, made_on=TODAY)
        forecast.to_parquet(folder / f"{name}-forecast.parquet")
        flow, observed = frame.set_index("day")["flow_m3s"], observed_flow(frame)
        warnings = with_levels(assess(forecast, flow))
        warnings.to_parquet(folder / f"{name}-warnings.parquet")
        score_issued(name, gather([forecast]), flow, observed).to_parquet(folder / f"{name}-scores.parquet")
        parts.append(station_part(station(name), frame, forecast, warnings, None, TODAY))
    report = Report(
        made_on=TODAY,
        version="1",
        stale_after_days=STALE_AFTER_DAYS,
        level_rules=LEVEL_RULES,
        stations=tuple(parts),
        sources=(),
    )
    (folder / "report.html").write_text(render(report))
    (folder / "report.csv").write_bytes(to_csv(report))
    (folder / "report.json").write_bytes(to_json(report))
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        run_empty_graph(instance, [name for name, _ in sample_files(last_day=LAST_DAY)], list(series), ROAD)


def run_empty_graph(instance: dg.DagsterInstance, files: list[str], stations: list[str], names: Sequence[str]) -> None:
    """The platform's assets and checks by name, partition and order, with empty bodies.

    Each station is told by the file that stands at its place in the list, as many as there are of both.
    """
    instance.add_dynamic_partitions(str(RAW_FILES.name), files)
    instance.add_dynamic_partitions(str(STATIONS.name), stations)
    defs = build_definitions(Settings(lake_url="nowhere"))
    graph = defs.resolve_asset_graph()
    checks = {
        asset: [key.name for key in graph.asset_check_keys if key.asset_key == asset]
        for asset in graph.get_all_asset_keys()
    }
    others = {"raw_files": None, "observations": RAW_FILES, "forecast_report": None}
    parts = {name: others.get(name, STATIONS) for name in names}
    station_of = dict(zip(files, stations, strict=False))
    assets = [empty_asset(name, partitions_def, station_of) for name, partitions_def in parts.items()]
    empty = dg.Definitions(
        assets=assets,
        asset_checks=[empty_checks(asset, checks[asset.key], parts[asset.key.to_user_string()]) for asset in assets],
        executor=dg.in_process_executor,
    )
    job = empty.resolve_implicit_global_asset_job_def()
    for name, partitions_def in parts.items():
        keys = instance.get_dynamic_partitions(str(partitions_def.name)) if partitions_def else []
        for tags in range_tags(keys, keys, Settings().partitions_per_run) if keys else [{}]:
            result = job.execute_in_process(asset_selection=[dg.AssetKey(name)], instance=instance, tags=tags)
            assert result.success


def empty_asset(
    name: str, partitions_def: dg.PartitionsDefinition[str] | None, station_of: Mapping[str, str]
) -> dg.AssetsDefinition:
    policy = dg.BackfillPolicy.single_run() if partitions_def else None

    @dg.asset(name=name, partitions_def=partitions_def, backfill_policy=policy)
    def nothing(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        if name == "observations":
            for station in filter(None, map(station_of.get, context.partition_keys)):
                context.log_event(dg.AssetMaterialization("station_observations", partition=station))
        return dg.MaterializeResult()

    return nothing


def empty_checks(
    asset: dg.AssetsDefinition, names: list[str], partitions_def: dg.PartitionsDefinition[str] | None
) -> dg.AssetChecksDefinition:
    specs = [dg.AssetCheckSpec(name, asset=asset, partitions_def=partitions_def) for name in names]

    @dg.multi_asset_check(specs=specs, name=f"check_{asset.key.to_python_identifier()}")
    def nothing(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        op = context.op_execution_context
        for key in op.partition_keys if partitions_def else []:
            for spec in specs:
                verdict = dg.AssetCheckEvaluation(
                    asset_key=spec.asset_key, check_name=spec.name, passed=True, partition=key
                )
                op.log_event(verdict)
        for spec in specs:
            yield dg.AssetCheckResult(asset_key=spec.asset_key, check_name=spec.name, passed=True)

    return nothing


def main(mode: str, folder: Path) -> None:
    for name, content in sample_files(last_day=LAST_DAY):
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "dagster.yaml").write_text(STORAGE)
    os.chdir(folder)
    {"platform": platform, "script": script}[mode](folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
