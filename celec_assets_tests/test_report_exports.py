"""The report for programs and spreadsheets: what docs/report.md promises of it."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from jsonschema import Draft202012Validator, ValidationError

from celec_assets.report.document import Problem, Quantiles, Report
from celec_assets.report.exports import COLUMNS, json_schema, to_csv, to_json
from celec_assets_tests.report_sample import sample_report, sample_station, with_stations, without_forecast

CONTRACT = (Path(__file__).parents[1] / "docs" / "report.md").read_text("utf-8")


@pytest.fixture(scope="module")
def report() -> Report:
    report = sample_report()
    return with_stations(report, *report.stations, without_forecast(sample_station(7), Problem.FAILED))


def test_the_json_is_the_report_and_holds_to_the_schema(report: Report) -> None:
    schema, document = json.loads(json_schema()), json.loads(to_json(report))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    assert Report.model_validate_json(to_json(report)) == report


@pytest.mark.parametrize("flow", [float("nan"), float("inf"), -1.0])
def test_a_report_holds_no_flow_that_json_or_a_river_cannot(report: Report, flow: float) -> None:
    with pytest.raises(ValueError, match="p50"):
        Quantiles.model_validate(report.stations[0].means[0].flow_m3s.model_dump() | {"p50": flow})


@pytest.mark.parametrize(
    ("path", "wrong"),
    [(("stations", 0, "means", 0, "below_p20"), 1.2), (("made_on",), "yesterday"), (("stations", 0, "level"), "blue")],
)
def test_the_schema_refuses_what_the_report_never_says(
    report: Report, path: tuple[str | int, ...], wrong: object
) -> None:
    document = json.loads(to_json(report))
    *way, last = path
    part = document
    for step in way:
        part = part[step]
    part[last] = wrong
    schema = json.loads(json_schema())
    with pytest.raises(ValidationError):
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)


def test_the_csv_has_a_row_for_each_station_and_target(report: Report) -> None:
    frame = pd.read_csv(io.BytesIO(to_csv(report)))
    assert tuple(frame.columns) == COLUMNS
    counted = frame.groupby("station", sort=False)["target"].value_counts().unstack(fill_value=0)
    assert (counted["day"] == 30).all()
    assert (counted["mean"] == 3).all()
    assert len(frame) == 6 * 33 + 1


def test_the_csv_says_what_the_json_says(report: Report) -> None:
    frame = pd.read_csv(io.BytesIO(to_csv(report)))
    for station in report.stations[:6]:
        rows = frame[frame["station"] == station.station]
        days = rows[rows["target"] == "day"].set_index("lead_days")
        means = rows[rows["target"] == "mean"].set_index("window_days")
        for day in station.days:
            said = days.loc[day.lead_days]
            assert said["first_day"] == said["last_day"] == day.day.isoformat()
            for name, flow in day.flow_m3s.model_dump().items():
                assert said[f"{name}_m3s"] == round(flow, 3)
            assert pd.isna(said["probability_below_p10"])
        for mean in station.means:
            said = means.loc[mean.window_days]
            assert (said["first_day"], said["last_day"]) == (mean.first_day.isoformat(), mean.last_day.isoformat())
            assert said["p50_m3s"] == round(mean.flow_m3s.p50, 3)
            if mean.usual_m3s:
                assert said["usual_p20_m3s"] == round(mean.usual_m3s.p20, 3)
                assert said["probability_below_p10"] == mean.below_p10
            else:
                assert pd.isna(said["usual_p20_m3s"])
                assert pd.isna(said["probability_below_p10"])


def test_a_station_without_a_forecast_has_a_row_that_says_why(report: Report) -> None:
    (row,) = [row for row in csv.DictReader(io.StringIO(to_csv(report).decode("utf-8-sig"))) if row["problem"]]
    assert row["problem"] == "failed"
    assert row["is_stale"] == "true"
    assert (row["issue_date"], row["target"], row["p50_m3s"]) == ("", "", "")


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx"])
def test_no_name_becomes_a_formula_in_a_spreadsheet(name: str) -> None:
    station = sample_station(0).model_copy(update={"name": name})
    (row, *_) = csv.DictReader(io.StringIO(to_csv(with_stations(sample_report(), station)).decode("utf-8-sig")))
    assert row["name"] == f"'{name}"


def test_a_name_with_commas_quotes_and_accents_comes_back() -> None:
    station = sample_station(0).model_copy(update={"name": 'Río "Paute", alto'})
    content = to_csv(with_stations(sample_report(), station))
    assert content.startswith(b"\xef\xbb\xbfmade_on,")
    assert set(pd.read_csv(io.BytesIO(content))["name"]) == {'Río "Paute", alto'}


def test_the_same_report_gives_the_same_bytes(report: Report) -> None:
    again = Report.model_validate_json(to_json(report))
    assert to_csv(again) == to_csv(report)
    assert to_json(again) == to_json(report)
    assert json_schema() == json_schema()


def test_every_column_is_documented() -> None:
    named = {
        part.strip(" `")
        for line in CONTRACT.partition("## latest.csv")[2].splitlines()
        if line.startswith("| `")
        for part in line.split("|")[1].split(",")
    }
    assert named == set(COLUMNS)
