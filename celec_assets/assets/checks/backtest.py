"""Checks of `flow_backtest`."""

from typing import TYPE_CHECKING, Any

from celec_assets.assets.backtest import flow_backtest
from celec_assets.assets.checks.by_partition import WARN, PartitionCheck, Subject, Verdict, partition_checks
from celec_assets.partitions import STATIONS
from celec_assets.storage.store import ObjectMissing

if TYPE_CHECKING:
    from celec_assets.storage.lake import Lake


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
