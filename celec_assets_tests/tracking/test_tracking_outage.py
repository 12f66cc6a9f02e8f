"""When MLflow does not answer: down, silent, slow, or gone in the middle of a run."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from celec_assets import cli
from celec_assets.tracking import resource
from celec_assets_tests.s3_server import Exchange, Fault, Proxy, proxy_before, resets
from celec_assets_tests.tracking.trainer import (
    DAYS,
    THREE,
    A,
    Trainer,
    aliased,
    runs,
    tracked,
    warnings_of,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many seconds each station waited for MLflow, whose libraries are loaded already."""
    import celec_assets.tracking.client  # noqa: F401

    attempt, seconds = resource.Tracking._attempt, list[float]()

    def timed(tracking: resource.Tracking, work: Any) -> dict[str, Any]:
        started = time.monotonic()
        metadata = attempt(tracking, work)
        seconds.append(time.monotonic() - started)
        return metadata

    monkeypatch.setattr(resource.Tracking, "_attempt", timed)
    return seconds


def of_one_attempt(waits: list[float]) -> bool:
    """Whether they waited no longer than for one request that is not answered; three of them would be half as long
    again as what is allowed here.
    """
    from celec_assets.tracking.client import REQUEST_SECONDS, RETRIES

    return 0 < sum(waits) < 2 * REQUEST_SECONDS * (1 + RETRIES)


def not_tracked(result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance, *stations: str) -> str:
    """The one warning of a run that succeeded and tracked nothing of these stations."""
    assert result.success
    (warning,) = warnings_of(instance, result)
    assert "What follows in this run is not tracked" in warning
    for station in stations:
        assert tracked(result)[station].startswith("not tracked: ")
    return warning


def test_a_server_that_is_down_costs_one_attempt_and_the_forecast_comes_out(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    waits: list[float],
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://somebody:hunter2@127.0.0.1:{closed.getsockname()[1]}"
        trainer = Trainer(tmp_path / "lake", url, instance)
        result = trainer.train(*THREE)
        assert of_one_attempt(waits)
        warning = not_tracked(result, instance, *THREE)
        assert "hunter2" not in warning + str(tracked(result))
        assert trainer.make("flow_forecast", *THREE).success
        assert all(trainer.lake.forecasts.exists(station) for station in THREE)

        trainer.observe(A, DAYS + 1)
        trainer.train(A)
        monkeypatch.setenv("CELEC_LAKE_URL", trainer.settings.lake_url)
        monkeypatch.setenv("CELEC_MLFLOW_URL", url)
        assert cli.main(["rollback", A]) == 0
        told = capsys.readouterr().out
        assert "is in use again" in told
        assert "MLflow could not be told" in told
        assert "hunter2" not in told


def test_a_server_that_takes_requests_and_never_answers_costs_seconds(
    tmp_path: Path, instance: dg.DagsterInstance, waits: list[float]
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        trainer = Trainer(tmp_path / "lake", f"http://127.0.0.1:{silent.getsockname()[1]}", instance)
        result = trainer.train(*THREE)
        assert of_one_attempt(waits)
        not_tracked(result, instance, *THREE)
        not_tracked(trainer.make("flow_backtest", A), instance, A)


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    with proxy_before(server) as before:
        before.methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
        yield before


def gone_after(proxy: Proxy, method: str, path: str) -> Fault:
    """The server answers the first such request, and nothing after it."""

    def fault(exchange: Exchange) -> None:
        *earlier, _ = proxy.requests
        if any(asked == method and path in where for asked, where in earlier):
            resets(exchange)
        else:
            exchange.reply(*exchange.forward())

    proxy.requests.clear()
    return fault


def test_a_server_that_dies_between_two_stations_keeps_the_first_and_stops_none(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    before = Trainer(tmp_path / "lake", proxy.url, instance)
    proxy.always = gone_after(proxy, "POST", "/registered-models/alias")
    result = before.train(*THREE)
    assert {run.info.status for run in runs(trainer.url, "flow_model")} == {"FINISHED"}
    (kept,) = {run.data.tags["station"] for run in runs(trainer.url, "flow_model")}
    not_tracked(result, instance, *set(THREE) - {kept})
    assert tracked(result)[kept].startswith("http")
    assert all(before.lake.models.exists(station) for station in THREE)


def test_a_server_that_answers_too_slowly_is_not_asked_for_every_station(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(resource, "EACH_SECONDS", 0)
    slow = Trainer(tmp_path / "lake", proxy.url, instance)

    def answer(exchange: Exchange) -> None:
        time.sleep(0.2)
        exchange.reply(*exchange.forward())

    proxy.always = answer
    result = slow.train(*THREE)
    (kept,) = [station for station, said in tracked(result).items() if said.startswith("http")]
    assert "it takes more than 0 s for a station" in not_tracked(result, instance, *set(THREE) - {kept})


def test_a_run_that_a_dying_server_left_open_is_ended_by_the_next_training(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    before = Trainer(tmp_path / "lake", proxy.url, instance)
    proxy.always = gone_after(proxy, "POST", "/runs/log-batch")
    not_tracked(before.train(A), instance, A)
    (left,) = runs(trainer.url, "flow_model")
    assert left.info.status == "RUNNING", "nobody could end it"
    proxy.always = None
    assert before.train(A).success
    assert [run.info.status for run in runs(trainer.url, "flow_model")] == ["KILLED", "FINISHED"]
    assert aliased(trainer.url, A)[1] == before.in_use(A)


def test_a_model_that_came_into_use_while_the_server_was_gone_is_registered_as_soon_as_it_matters(
    trainer: Trainer, proxy: Proxy, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Trainer(tmp_path / "lake", proxy.url, instance)
    proxy.always = resets
    before.train(A)
    first = before.in_use(A)
    proxy.always = None
    before.observe(A, DAYS + 1)
    before.train(A)
    monkeypatch.setenv("CELEC_LAKE_URL", before.settings.lake_url)
    monkeypatch.setenv("CELEC_MLFLOW_URL", trainer.url)
    assert cli.main(["rollback", A]) == 0
    assert aliased(trainer.url, A) == ("2", first)
    late = runs(trainer.url, "flow_model")[-1]
    assert late.data.tags["object"] == first
    assert late.info.status == "FINISHED"
    assert "dagster_run_id" not in late.data.tags, "the run that trained it is not known there"
