"""Who is told of what: one message for a cause and day, in plain words, and none is lost."""

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from dagster._core.definitions.run_status_sensor_definition import RunStatusSensorCursor

from celec_assets import alert_sensors
from celec_assets.alert_sensors import NotTold, failed_checks, failed_runs, send_alerts
from celec_assets.alerts import level_changed, missing_this_morning, morning_message, no_fresh_forecast
from celec_assets.build import build_definitions
from celec_assets.catch_up import CatchUp
from celec_assets.resources import LakeResource, Notifier
from celec_assets.settings import Settings
from celec_assets.storage.alerts import Alert, Alerts
from celec_assets.storage.lake import Lake
from celec_assets.storage.store import AccessDenied, FolderStore, LakeUnavailable
from celec_assets_tests.report_sample import sample_report
from celec_assets_tests.still import StoppedClock

TODAY = date(2025, 12, 31)


class Recorder(Notifier):
    target: str = "log"
    report_url: str = "http://report"
    dagster_url: str = "http://dagster"


def alert(cause: str = "a", day: str = "2025-12-31") -> Alert:
    return Alert(day, cause, f"subject of {cause}", "text")


def test_a_cause_is_told_once_a_day(store: FolderStore) -> None:
    alerts = Alerts(store)
    assert alerts.add(alert())
    assert not alerts.add(alert())
    assert alerts.add(alert("b"))
    assert alerts.add(alert(day="2026-01-01"))
    assert [a.day for a in alerts.unsent()] == ["2025-12-31", "2025-12-31", "2026-01-01"]
    for waiting in list(alerts.unsent()):
        alerts.mark_sent(waiting)
    assert list(alerts.unsent()) == []
    assert not alerts.add(alert()), "it was sent"


def test_what_waits_is_sent_once_and_what_is_not_taken_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = Lake.open(str(tmp_path)).alerts
    for cause in "abc":
        alerts.add(alert(cause))
    taken: list[str] = []

    def send(_: object, subject: str, text: str) -> None:
        if len(taken) == 1 and "down" not in taken:
            taken.append("down")
            raise OSError("the topic does not answer")
        taken.append(subject)

    monkeypatch.setattr(Notifier, "send", send)
    resources = {"lake": LakeResource(url=str(tmp_path)), "notifier": Recorder()}
    with pytest.raises(OSError, match="does not answer"):
        send_alerts(dg.build_sensor_context(resources=resources))
    skipped = send_alerts(dg.build_sensor_context(resources=resources))
    assert sorted(t for t in taken if t != "down") == [f"subject of {cause}" for cause in "abc"]
    assert "subject of" in skipped.skip_message
    assert send_alerts(dg.build_sensor_context(resources=resources)).skip_message == "there is nothing to tell"


def test_the_log_is_told_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "celec_assets.alerts"):
        Recorder().send("Mazar: caudal bajo", "45 m³/s")
    assert "Mazar: caudal bajo" in caplog.text
    assert "45 m³/s" in caplog.text


@pytest.fixture
def failed(tmp_path: Path):
    """An instance with the runs of a lake in which one file is bad, and what to evaluate sensors with."""
    raw = tmp_path / "lake" / "raw"
    raw.mkdir(parents=True)
    days = pd.date_range("2024-01-01", "2025-12-31")
    rows = "".join(f"{d:%Y-%m-%d},{20 + d.day}.25\n" for d in days)
    (raw / "good.csv").write_text(f"time,620883808\n{rows}")
    (raw / "bad.csv").write_text("<html>504")
    settings = Settings(lake_url=str(tmp_path / "lake"))
    lake = Lake.open(settings.lake_url)
    with dg.DagsterInstance.ephemeral() as instance:
        clock = StoppedClock(day=str(TODAY))
        outcome = CatchUp(build_definitions(settings, clock=clock), instance, lake).run()
        resources = {"lake": LakeResource(url=settings.lake_url), "clock": clock, "notifier": Recorder()}
        yield instance, outcome, resources, lake


def failure_context(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.RunFailureSensorContext:
    (event,) = (e for e in instance.all_logs(run.run_id) if e.dagster_event and e.dagster_event.is_run_failure)
    return dg.build_run_status_sensor_context("failed_runs", event.get_dagster_event(), instance, run).for_run_failure()


def test_a_failed_run_says_what_happened_what_to_do_and_where_to_look(failed) -> None:
    instance, outcome, resources, lake = failed
    run = next(r.dagster_run for r in outcome.runs if not r.success)
    failed_runs(failure_context(instance, run), **resources)
    failed_runs(failure_context(instance, run), **resources)
    by_cause = {a.cause: a for a in lake.alerts.unsent() if "low flow" not in a.cause}
    assert by_cause.keys() == {"run failed: observations", "check failed: observations.file_can_be_read"}
    told = by_cause["run failed: observations"]
    assert told.day == "2025-12-31"
    assert "bad.csv" in told.text
    assert "Correct it and upload it again" in told.text
    assert f"http://dagster/runs/{run.run_id}" in told.text
    assert "bad.csv" in by_cause["check failed: observations.file_can_be_read"].text


class Tick:
    """A run status sensor as the daemon evaluates it, from the first run on."""

    def __init__(self, instance: dg.DagsterInstance, sensor: dg.SensorDefinition, resources: dict[str, object]) -> None:
        self.instance, self.sensor, self.resources = instance, sensor, resources
        self.cursor = RunStatusSensorCursor(record_id=0).to_json()

    def __call__(self) -> None:
        defs = dg.Definitions(sensors=[self.sensor], resources=self.resources)
        context = dg.build_sensor_context(self.instance, self.cursor, definitions=defs, resources=self.resources)
        self.cursor = self.sensor.evaluate_tick(context).cursor or self.cursor


def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subjects of what is sent at once."""
    sent: list[str] = []
    monkeypatch.setattr(Notifier, "send", lambda _, subject, __: sent.append(subject))
    return sent


def is_away(*_: object) -> None:
    raise LakeUnavailable("it does not answer")


def is_not_allowed(*_: object) -> None:
    raise AccessDenied("s3:PutObject is not allowed")


@pytest.mark.parametrize("fault", [is_away, is_not_allowed])
def test_what_cannot_wait_in_the_lake_is_told_at_once_and_once(
    failed, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., None]
) -> None:
    instance, _, resources, lake = failed
    told, tick = messages(monkeypatch), Tick(instance, failed_runs, resources)
    with monkeypatch.context() as patch:
        patch.setattr(Alerts, "add", fault)
        tick()
        everything = sorted(told)
        assert everything == ["observations.file_can_be_read: the check failed", "observations: a run failed"]
        tick()
    tick()
    assert sorted(told) == everything
    assert [a.cause for a in lake.alerts.unsent() if "low flow" not in a.cause] == []


def test_what_can_neither_wait_nor_be_sent_is_told_when_it_can_be(failed, monkeypatch: pytest.MonkeyPatch) -> None:
    instance, _, resources, lake = failed
    tick = Tick(instance, failed_runs, resources)
    with monkeypatch.context() as patch:
        patch.setattr(Alerts, "add", is_away)
        patch.setattr(Notifier, "send", is_not_allowed)
        with pytest.raises(NotTold, match="observations: a run failed: s3:PutObject is not allowed"):
            tick()
    for _ in range(2):
        tick()
    causes = [a.cause for a in lake.alerts.unsent() if "low flow" not in a.cause]
    assert sorted(causes) == ["check failed: observations.file_can_be_read", "run failed: observations"]


def test_a_run_that_is_started_again_alerts_nobody(failed) -> None:
    instance, outcome, resources, lake = failed
    run = next(r.dagster_run for r in outcome.runs if not r.success)
    instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    failed_runs(failure_context(instance, run), **resources)
    assert [a.cause for a in lake.alerts.unsent() if "low flow" not in a.cause] == []


@dg.asset
def some_asset() -> None: ...


@dg.asset_check(asset=some_asset)
def grave() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.ERROR, metadata={"reason": "it is wrong"})


@dg.asset_check(asset=some_asset)
def slight() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset_check(asset=some_asset)
def fine() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, severity=dg.AssetCheckSeverity.ERROR)


def test_a_check_of_severity_error_is_told_although_the_run_went_on_and_a_warning_is_not(tmp_path: Path) -> None:
    resources = {"lake": LakeResource(url=str(tmp_path)), "clock": StoppedClock(day=str(TODAY)), "notifier": Recorder()}
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([some_asset, grave, slight, fine], instance=instance)
        assert result.success
        event = next(e for e in result.all_events if e.event_type is dg.DagsterEventType.RUN_SUCCESS)
        context = dg.build_run_status_sensor_context("failed_checks", event, instance, result.dagster_run)
        failed_checks(context, **resources)
    (told,) = Lake.open(str(tmp_path)).alerts.unsent()
    assert told.cause == "check failed: some_asset.grave"
    assert "it is wrong" in told.text
    assert result.run_id in told.text


def test_only_what_the_lake_did_not_take_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add, sent = Alerts.add, list[str]()

    def add_a_only(alerts: Alerts, told: Alert) -> bool:
        if told.cause != "a":
            raise LakeUnavailable("away")
        return add(alerts, told)

    monkeypatch.setattr(Alerts, "add", add_a_only)
    monkeypatch.setattr(Recorder, "send", lambda _, *told: sent.append(told[0]))
    skipped = alert_sensors._tell([alert(cause) for cause in "abc"], LakeResource(url=str(tmp_path)), Recorder())
    assert sent == ["subject of b", "subject of c"]
    assert [waiting.cause for waiting in Lake.open(str(tmp_path)).alerts.unsent()] == ["a"]
    assert "away" in str(skipped)


def test_a_change_of_light_is_told_in_spanish_and_english() -> None:
    newest = pd.DataFrame({"window_days": [7, 14], "below_p20": [0.62, 0.5], "p20_m3s": [31.4, 30.2]})
    told = level_changed("Mazar", "green", "orange", newest, TODAY)
    assert "verde -> naranja" in told.subject
    assert "próximos 7 días: 62 % de que la media quede bajo 31 m³/s" in told.text
    assert "next 14 days: 50 % that the mean stays below 30 m³/s" in told.text


def test_a_morning_without_a_report_or_with_old_data_is_told() -> None:
    report = sample_report()
    assert missing_this_morning(None, TODAY) == ["there is no report of today: there is none at all"]
    assert missing_this_morning(report, date(2040, 1, 1)) == [
        f"there is no report of today: the newest is of {report.made_on}"
    ]
    stale = [s for s in report.stations if s.is_stale and s.age_days is not None and s.age_days <= 31]
    assert missing_this_morning(report, report.made_on) == [f"{s.name}: no data since {s.issue_date}" for s in stale]
    told = no_fresh_forecast(["Mazar: no data since 2025-11-03"], "http://dagster", TODAY)
    assert "Mazar: no data since 2025-11-03" in told.text
    assert "http://dagster/runs" in told.text


def test_the_morning_message_holds_a_sentence_a_station_in_both_languages_and_the_link() -> None:
    told = morning_message([("Mazar: 45 m³/s", "Mazar: 45 m3/s")], "http://report", TODAY)
    assert told.text.splitlines() == [
        "Mazar: 45 m³/s", "Informe: http://report", "", "Mazar: 45 m3/s", "Report: http://report",
    ]  # fmt: skip
