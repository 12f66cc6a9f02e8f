"""The whole road in S3: the same objects as in a folder, and the same commands."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from celec_assets import cli
from celec_assets.build import build_definitions
from celec_assets.catch_up import ROAD, CatchUp
from celec_assets.sample import sample_files
from celec_assets.settings import Settings
from celec_assets.storage.lake import Lake
from celec_assets_tests.still import StoppedClock
from celec_assets_tests.stores import bucket_objects, objects

pytestmark = pytest.mark.slow
LAST_DAY = date(2025, 12, 31)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def catch_up(url: str, instance: dg.DagsterInstance) -> Lake:
    lake = Lake.open(url)
    for name, content in sample_files(last_day=LAST_DAY, years=2):
        lake.store.put(f"raw/{name}", content)
    assert CatchUp(definitions(url), instance, lake).run().failed == []
    return lake


def definitions(url: str) -> dg.Definitions:
    clock = StoppedClock(day=(LAST_DAY + timedelta(days=1)).isoformat())
    return build_definitions(Settings(lake_url=url), clock=clock)


def test_a_lake_in_s3_holds_the_same_bytes_under_the_same_keys_as_one_in_a_folder(
    s3_url: str, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    catch_up(s3_url, instance)
    with dg.DagsterInstance.ephemeral() as other:
        folder = catch_up(str(tmp_path / "lake"), other)
    there = bucket_objects(s3_url)
    assert there == objects(folder.store)
    layers = {"raw", "observations", "daily_series", "flow_model", "flow_forecast"}
    assert layers <= {key.split("/")[0] for key in there}


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_metadata_say_which_object_holds_a_partition_and_how_many_bytes_it_has(
    place: str, request: pytest.FixtureRequest, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    url = request.getfixturevalue("s3_url") if place == "s3" else str(tmp_path / "lake")
    lake = catch_up(url, instance)
    job = definitions(url).resolve_implicit_global_asset_job_def()
    # The same forecast once more is not put: the first one stands.
    for asset in ("flow_backtest", "flow_forecast"):
        selection = [dg.AssetKey(asset)]
        assert job.execute_in_process(asset_selection=selection, partition_key="coca", instance=instance).success
    for asset in (*ROAD[1:], "flow_backtest"):
        records = instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
        told = [record.asset_materialization.metadata for record in records if record.asset_materialization]
        assert told
        for metadata in told:
            objects = metadata["objects"].value if asset == "observations" else [metadata["object"].value]
            assert metadata["bytes"].value == sum(len(lake.store.get(key)) for key in objects) > 0


def test_every_command_works_on_a_lake_in_s3(
    s3_url: str,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, content in sample_files(last_day=LAST_DAY, years=2, reaches=()):
        if "ccs" in name:
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("CELEC_LAKE_URL", s3_url)
    monkeypatch.setattr(cli, "open_instance", lambda: nullcontext(instance))

    assert cli.main(["demo", "--raw", str(tmp_path)]) == 0
    assert f"{s3_url}/flow_forecast/coca/" in capsys.readouterr().out.replace("\n", "")
    before = {info.key: info.modified for info in Lake.open(s3_url).store.list("raw/")}

    assert cli.main(["demo", "--raw", str(tmp_path)]) == 0
    assert "reading raw files: nothing new" in capsys.readouterr().out
    assert {info.key: info.modified for info in Lake.open(s3_url).store.list("raw/")} == before

    assert cli.main(["reread", "*ccs*"]) == 0
    assert "reading raw files (1)" in capsys.readouterr().out
    assert cli.main(["remake", "coca"]) == 0
    assert "cleaning daily series (1)" in capsys.readouterr().out
    assert cli.main(["rollback", "coca"]) == 2
    assert "coca has had no other model in use" in capsys.readouterr().err
