"""What people are told, in plain words: what happened, where to look, what to do. Planners read Spanish first.

How alerts wait and are sent: `storage.alerts`, `sensors.send_alerts`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from celec_assets.storage.alerts import Alert

if TYPE_CHECKING:
    import pandas as pd

    from celec_assets.report.document import Report

LIGHTS: Final = {"green": "verde", "yellow": "amarillo", "orange": "naranja", "red": "rojo"}

ADVICE: Final = {
    "observations": "A raw file was refused. Correct it and upload it again under the same name. Everything else went "
    "on.",
    "daily_series": "Look at the stations named above; the other stations are up to date.",
    "flow_model": "The stations keep the model they have. One with less than a year of observed days gets none.",
    "flow_forecast": "The stations named above have no new forecast; those of the others are there.",
    "forecast_report": "The report of yesterday is still there. Start the job `report` again once the cause is gone.",
}
"""What to do when an asset could not be made. For everything else the runbook has a page."""

NO_NEWS_AFTER_DAYS: Final = 31

RUNBOOK: Final = "docs/operations.md, by symptom"


def level_changed(station_name: str, was: str, now: str, newest: "pd.DataFrame", today: date) -> Alert:
    """A station's light has changed.

    Args:
        newest: rows of `forecasting.low_flow.COLUMNS` of the newest issue date.
    """
    spanish, english = [], []
    for row in newest.to_dict("records"):
        below, mark = (f"{100 * row['below_p20']:.0f} %", f"{row['p20_m3s']:.0f} m³/s")
        spanish.append(f"- próximos {row['window_days']} días: {below} de que la media quede bajo {mark}")
        english.append(f"- next {row['window_days']} days: {below} that the mean stays below {mark}")
    return Alert(
        day=today.isoformat(),
        cause=f"low flow: {station_name} {was} {now}",
        subject=f"{station_name}: caudal bajo, {LIGHTS[was]} -> {LIGHTS[now]} (low flow, {was} -> {now})",
        text="\n".join(
            [
                f"El semáforo de caudal bajo de {station_name} pasa de {LIGHTS[was]} a {LIGHTS[now]}.",
                "Probabilidad según el pronóstico (el umbral es el P20 de la época):",
                *spanish,
                "",
                f"The low-flow light of {station_name} goes from {was} to {now}.",
                "Probability by the forecast (the mark is the season's P20):",
                *english,
            ]
        ),
    )


def run_failed(assets: Sequence[str], reason: str, run_url: str, today: date) -> Alert:
    """A run ended without making what it should."""
    names = ", ".join(assets)
    advice = next((ADVICE[asset] for asset in assets if asset in ADVICE), "The other assets go on.")
    return Alert(
        day=today.isoformat(),
        cause=f"run failed: {names}",
        subject=f"{names}: a run failed",
        text=f"{reason}\n\nWhat to do: {advice} See also {RUNBOOK}.\nThe run: {run_url}",
    )


def check_failed(check: str, reasons: Mapping[str, str], run_url: str, today: date) -> Alert:
    """A check of severity ERROR failed.

    Args:
        check: asset and name; reasons: why, by partition.
    """
    lines = "\n".join(f"- {partition}: {why}" for partition, why in reasons.items())
    return Alert(
        day=today.isoformat(),
        cause=f"check failed: {check}",
        subject=f"{check}: the check failed",
        text=f"{lines}\n\nWhat to do: open the check in the UI, its description says what it means; then "
        f"{RUNBOOK}.\nThe run: {run_url}",
    )


def missing_this_morning(report: "Report | None", today: date) -> list[str]:
    """What is not as it should be in the morning, in words; empty: all is.

    A station whose data ended more than a month ago is no news: the report goes on saying it.
    """
    if report is None or report.made_on != today:
        made_on = f"the newest is of {report.made_on}" if report else "there is none at all"
        return [f"there is no report of today: {made_on}"]
    return [
        f"{station.name}: no data since {station.issue_date}"
        for station in report.stations
        if station.is_stale and station.age_days is not None and station.age_days <= NO_NEWS_AFTER_DAYS
    ]


def no_fresh_forecast(problems: Sequence[str], dagster_url: str, today: date) -> Alert:
    """The morning's forecasts are not there, or older than they should be."""
    lines = "\n".join(f"- {problem}" for problem in problems)
    return Alert(
        day=today.isoformat(),
        cause="no fresh forecast",
        subject=f"No fresh forecast this morning ({today})",
        text=f"{lines}\n\nWhat to do: see {RUNBOOK}, 'A station has no forecast' and 'No forecast this morning'.\n"
        f"The runs: {dagster_url}/runs",
    )


def morning_message(sentences: Sequence[tuple[str, str]], report_url: str, today: date) -> Alert:
    """The summary of the day.

    Args:
        sentences: of each station, in Spanish and in English.
    """
    spanish, english = zip(*sentences, strict=True) if sentences else ((), ())
    return Alert(
        day=today.isoformat(),
        cause="morning message",
        subject=f"Caudales del {today} (river flows of {today})",
        text="\n".join([*spanish, f"Informe: {report_url}", "", *english, f"Report: {report_url}"]),
    )
