"""Asset checks, by partition: what has to hold of each layer, how grave it is when it does not, and whether the next
layer is then made at all. The table at the end of each section is the contract; the functions above it judge.

A check on a range of partitions gives a verdict for each, and one for the range, which names those that fail. It can
be executed without the asset, on any partitions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from celec_assets.assets.backtest import flow_backtest
from celec_assets.assets.forecast import flow_forecast, flow_model
from celec_assets.assets.raw import FILE_CAN_BE_READ, observations, raw_files
from celec_assets.assets.series import daily_series
from celec_assets.partitions import RAW_FILES, STATIONS
from celec_assets.resources import Clock, LakeResource
from celec_assets.storage.store import ObjectMissing

if TYPE_CHECKING:
    from celec_assets.storage.lake import Lake

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
Verdict = tuple[bool, dict[str, Any]]


@dataclass(frozen=True)
class Subject:
    """What a check looks at: the stored value of a partition, and what is needed to judge it."""

    partition: str
    value: Any
    lake: "Lake"
    today: date


@dataclass(frozen=True, kw_only=True)
class PartitionCheck:
    """A check of one partition. All of it is stated on purpose: nothing has a default."""

    name: str
    description: str
    severity: dg.AssetCheckSeverity
    blocking: bool
    judge: Callable[[Subject], Verdict]


def partition_checks(
    asset: dg.AssetsDefinition,
    partitions_def: dg.PartitionsDefinition[str],
    read: Callable[["Lake", str], Any],
    checks: Sequence[PartitionCheck],
) -> dg.AssetChecksDefinition:
    """One step that loads each partition once and judges it by every check.

    Args:
        read: loads a partition's value from the lake.
    """
    specs = [
        dg.AssetCheckSpec(
            check.name,
            asset=asset,
            description=check.description,
            blocking=check.blocking,
            partitions_def=partitions_def,
        )
        for check in checks
    ]

    @dg.multi_asset_check(specs=specs, name=f"check_{asset.key.to_python_identifier()}", can_subset=True)
    def judge_partitions(
        context: dg.AssetCheckExecutionContext, lake: LakeResource, clock: Clock
    ) -> Iterator[dg.AssetCheckResult]:
        op = context.op_execution_context
        selected = [
            check for check in checks if dg.AssetCheckKey(asset.key, check.name) in op.selected_asset_check_keys
        ]
        failing: dict[str, dict[str, dict[str, Any]]] = {check.name: {} for check in selected}
        for partition in op.partition_keys:
            try:
                value = read(lake.get(), partition)
            except ObjectMissing:
                continue  # never made: the partition is shown as missing or failed
            subject = Subject(partition, value, lake.get(), clock.today())
            for check in selected:
                passed, why = check.judge(subject)
                if not passed:
                    failing[check.name][partition] = why
                if not op.has_partition_key:  # a single partition's verdict is the result below
                    # Dagster takes the event; its annotation leaves it out.
                    op.log_event(_verdict(asset.key, check, partition, passed, why))  # type: ignore[arg-type]
        for check in selected:
            yield dg.AssetCheckResult(
                asset_key=asset.key,
                check_name=check.name,
                passed=not failing[check.name],
                severity=check.severity,
                metadata={partition: str(why) for partition, why in failing[check.name].items()},
            )

    return judge_partitions


def _verdict(
    asset: dg.AssetKey, check: PartitionCheck, partition: str, passed: bool, why: Mapping[str, Any]
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=check.name,
        passed=passed,
        severity=check.severity,
        metadata=why,
        partition=partition,
        blocking=check.blocking,
    )


# raw_files and observations


@dg.asset_check(
    asset=raw_files,
    description="No file in the landing zone is refused. Each one that is stands here with its reason; a corrected "
    "upload of the same name heals it.",
    blocking=False,
)
def no_file_is_refused(lake: LakeResource) -> dg.AssetCheckResult:
    """A refused file harms nothing but itself, so it warns; `observations` shows it as a failed partition."""
    refused = lake.get().observations.refused()
    return dg.AssetCheckResult(passed=not refused, severity=WARN, metadata=refused)


def _file_can_be_read(subject: Subject) -> Verdict:
    record = subject.value
    if record is None or not record.complete:
        return False, {"reason": "the file was never read to the end"}
    dates = ["1900-01-01", record.first_day, record.last_day, subject.today.isoformat()]
    in_range = record.rows == 0 or dates == sorted(dates)
    reason = record.refused or ("" if in_range else "readings before 1900 or after today")
    return not reason, {"reason": reason} if reason else {"first_day": record.first_day, "last_day": record.last_day}


observation_checks = partition_checks(
    observations,
    RAW_FILES,
    lambda lake, raw_file: lake.observations.record(raw_file),
    [
        PartitionCheck(
            name=FILE_CAN_BE_READ,
            description="The file holds a known source's columns, can be read without guessing, and its readings lie "
            "between 1900 and today.",
            severity=ERROR,
            blocking=False,  # one bad file never stops the good ones
            judge=_file_can_be_read,
        ),
    ],
)


# daily_series

FLAGGED_SHARE = 0.1
FRESH_DAYS = 7


def _is_one_row_a_day(subject: Subject) -> Verdict:
    from celec_assets.series.schema import COLUMNS, Flag

    series = subject.value
    days = series["day"]
    flags = {*series["flow_flag"], *series["level_flag"]}
    problems = {
        "columns": [name for name in COLUMNS if name not in series],
        "days_missing_or_twice": int((days.diff().dropna().dt.days != 1).sum()),
        "unknown_flags": sorted(flags - set(Flag)),
        "negative_flows": int((series["flow_m3s"] < 0).sum()),
        "flows_without_a_good_flag": int(
            (series["flow_m3s"].notna() != series["flow_flag"].isin([Flag.OBSERVED, Flag.INTERPOLATED])).sum()
        ),
    }
    found = {name: value for name, value in problems.items() if value}
    return not found, found


def _few_days_are_flagged(subject: Subject) -> Verdict:
    from celec_assets.series.schema import Flag

    last_year = subject.value.tail(365)
    share = float((last_year["flow_flag"] != Flag.OBSERVED).mean())
    return share <= FLAGGED_SHARE, {"share_of_last_365_days": round(share, 3), "limit": FLAGGED_SHARE}


def _files_agree(subject: Subject) -> Verdict:
    disagreeing = subject.value.loc[subject.value["sources_disagree"], "day"]
    return disagreeing.empty, {"days": len(disagreeing), "newest": [f"{day:%Y-%m-%d}" for day in disagreeing.tail(5)]}


def _data_are_fresh(subject: Subject) -> Verdict:
    from celec_assets.series.schema import last_observed_day

    last = last_observed_day(subject.value)
    age = None if last is None else (subject.today - last.date()).days
    return age is not None and age <= FRESH_DAYS, {"age_days": -1 if age is None else age, "limit_days": FRESH_DAYS}


series_checks = partition_checks(
    daily_series,
    STATIONS,
    lambda lake, station: lake.series.read(station),
    [
        PartitionCheck(
            name="series_is_one_row_a_day",
            description="Every column is there, every day once, no flow is negative, and a flow stands exactly where "
            "its flag says that it is observed or interpolated.",
            severity=ERROR,
            blocking=True,  # a series that is not one is a fault of ours, and no model should learn from it
            judge=_is_one_row_a_day,
        ),
        PartitionCheck(
            name="few_days_are_flagged",
            description=f"At most {FLAGGED_SHARE:.0%} of the last 365 days are anything but observed.",
            severity=WARN,
            blocking=False,  # a forecast from fewer days is still worth having
            judge=_few_days_are_flagged,
        ),
        PartitionCheck(
            name="files_agree",
            description="No two raw files give a day different values.",
            severity=WARN,
            blocking=False,  # a correction is a disagreement too: the newest export wins
            judge=_files_agree,
        ),
        PartitionCheck(
            name="data_are_fresh",
            description=f"The newest observed day is at most {FRESH_DAYS} days old.",
            severity=WARN,
            blocking=False,  # the forecast says its issue date
            judge=_data_are_fresh,
        ),
    ],
)


# flow_model and flow_forecast

MODEL_DAYS = 35


def _model_is_recent(subject: Subject) -> Verdict:
    from celec_assets.series.schema import last_observed_day

    last = last_observed_day(subject.lake.series.read(subject.partition))
    trained_through = date.fromisoformat(subject.value["trained_through"])
    age = (last.date() - trained_through).days if last is not None else 0
    return age <= MODEL_DAYS, {"days_since_training": age, "limit_days": MODEL_DAYS}


def _model_is_complete(subject: Subject) -> Verdict:
    missing = [
        name
        for name in ("station", "recipe", "trained_from", "trained_through", "data_sha256", "versions", "model")
        if not subject.value.get(name)
    ]
    return not missing, {"missing": missing}


def _newest_model_is_in_use(subject: Subject) -> Verdict:
    models = subject.lake.models
    pointer = models.pointer(subject.partition)
    reasons = models.at(pointer.newest)["rejected"] or ["roll-back: an earlier model was put back on request"]
    return pointer.newest == pointer.in_use, {} if pointer.newest == pointer.in_use else {"reasons": reasons}


model_checks = partition_checks(
    flow_model,
    STATIONS,
    lambda lake, station: lake.models.read(station),
    [
        PartitionCheck(
            name="model_is_complete",
            description="The model says on what it was trained, with which libraries, and holds its parameters.",
            severity=ERROR,
            blocking=True,  # a model that cannot be traced must not forecast
            judge=_model_is_complete,
        ),
        PartitionCheck(
            name="newest_model_is_in_use",
            description="The model that was trained last came into use; if not, the reasons stand here, and the one "
            "before it keeps forecasting.",
            severity=WARN,
            blocking=False,  # the model in use still forecasts
            judge=_newest_model_is_in_use,
        ),
        PartitionCheck(
            name="model_is_recent",
            description=f"The model was trained on data up to at most {MODEL_DAYS} days before the newest.",
            severity=WARN,
            blocking=False,  # an older model still knows today's flow
            judge=_model_is_recent,
        ),
    ],
)


def _horizon_is_complete(subject: Subject) -> Verdict:
    from celec_assets.forecasting.forecast import LEADS, QUANTILES, WINDOWS

    forecast = subject.value
    horizon = forecast["lead_days"].fillna(-forecast["window_days"])
    there = set(zip(horizon, forecast["quantile"], strict=True)) if forecast["flow_m3s"].notna().all() else set()
    wanted = {(days, quantile) for days in (*LEADS, *(-w for w in WINDOWS)) for quantile in QUANTILES}
    return there == wanted and len(forecast) == len(wanted), {"rows": len(forecast), "expected": len(wanted)}


def _quantiles_are_ordered(subject: Subject) -> Verdict:
    forecast = subject.value.assign(horizon=subject.value["lead_days"].fillna(-subject.value["window_days"]))
    steps = forecast.sort_values(["horizon", "quantile"]).groupby("horizon")["flow_m3s"].diff()
    crossing, negative = int((steps < 0).sum()), int((forecast["flow_m3s"] < 0).sum())
    return crossing + negative == 0, {"crossing": crossing, "negative": negative}


def _forecast_is_plausible(subject: Subject) -> Verdict:
    flow = subject.lake.series.read(subject.partition)["flow_m3s"]
    median = subject.value.loc[subject.value["quantile"] == 0.5, "flow_m3s"]
    low, high = float(flow.min()) / 2, float(flow.max()) * 2
    return bool(median.between(low, high).all()), {
        "lowest_median_m3s": float(median.min()),
        "highest_median_m3s": float(median.max()),
        "half_of_lowest_flow_m3s": low,
        "twice_highest_flow_m3s": high,
    }


def _issued_for_the_newest_day(subject: Subject) -> Verdict:
    from celec_assets.series.schema import last_observed_day

    issue_date = subject.value["issue_date"].iloc[0]
    last = last_observed_day(subject.lake.series.read(subject.partition))
    return issue_date == last, {"issue_date": f"{issue_date:%Y-%m-%d}", "last_observed_day": f"{last:%Y-%m-%d}"}


forecast_checks = partition_checks(
    flow_forecast,
    STATIONS,
    lambda lake, station: lake.forecasts.read(station),
    [
        PartitionCheck(
            name="horizon_is_complete",
            description="Every lead of 1 to 30 days and every mean of 7, 14 and 30 days has all seven quantiles.",
            severity=ERROR,
            blocking=True,  # a page with holes is not published
            judge=_horizon_is_complete,
        ),
        PartitionCheck(
            name="quantiles_are_ordered_and_not_negative",
            description="No flow is below zero and no quantile below a lower one.",
            severity=ERROR,
            blocking=True,  # such a forecast is wrong, whatever the river does
            judge=_quantiles_are_ordered,
        ),
        PartitionCheck(
            name="forecast_is_of_the_newest_day",
            description="The forecast that is shown starts from the station's last observed day.",
            severity=WARN,
            blocking=False,  # when files are withdrawn, what was issued stands
            judge=_issued_for_the_newest_day,
        ),
        PartitionCheck(
            name="forecast_is_plausible",
            description="The medians lie between half of the lowest and twice the highest flow ever observed.",
            severity=WARN,
            blocking=False,  # record floods and droughts happen
            judge=_forecast_is_plausible,
        ),
    ],
)

# flow_backtest

COVERAGE = (0.7, 0.9)


def _beats_doing_nothing(subject: Subject) -> Verdict:
    means = _of_means(subject, "mae_ratio_to_persistence", "mae_ratio_to_climatology", windows=(7, 14))
    return all(ratio <= 1 for ratio in means.values()), means


def _bands_hold(subject: Subject) -> Verdict:
    low, high = COVERAGE
    coverage = _of_means(subject, "coverage_80", windows=(7, 14))
    return all(low <= share <= high for share in coverage.values()), coverage


def _of_means(subject: Subject, *metrics: str, windows: tuple[int, ...]) -> dict[str, float]:
    scores = subject.value
    forecast = scores[(scores["model"] == "forecast") & scores["window_days"].isin(windows)]
    chosen = forecast[forecast["metric"].isin(metrics)].to_dict("records")
    return {f"{row['metric']}_{row['window_days']}d": round(row["value"], 3) for row in chosen}


def _read_scores(lake: "Lake", station: str) -> Any:
    from celec_assets.forecasting.model import RECIPE

    if (scores := lake.backtests.scores(station, RECIPE)) is None:
        raise ObjectMissing(f"flow_backtest/{station}/{RECIPE}/scores.parquet", lake.store.url)
    return scores


backtest_checks = partition_checks(
    flow_backtest,
    STATIONS,
    _read_scores,
    [
        PartitionCheck(
            name="forecast_beats_doing_nothing",
            description="The means of the next 7 and 14 days are forecast better than by the last value and by the "
            "calendar.",
            severity=WARN,
            blocking=False,  # the planner is told; a forecast with bands is still more than none
            judge=_beats_doing_nothing,
        ),
        PartitionCheck(
            name="bands_hold_what_they_promise",
            description=f"Of the means of the next 7 and 14 days, {COVERAGE[0]:.0%} to {COVERAGE[1]:.0%} lay inside "
            "the 80 % band.",
            severity=WARN,
            blocking=False,
            judge=_bands_hold,
        ),
    ],
)

ALL_CHECKS = [no_file_is_refused, observation_checks, series_checks, model_checks, forecast_checks, backtest_checks]
