"""Pictures for the metadata of assets, as Markdown with the image inside. matplotlib comes with Prophet."""

import base64
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURED: Final = 12
"""A run over more partitions draws none: a tenth of a second each, and nobody looks through a thousand."""

BASELINES = {"persistence": "tab:red", "persistence_7d": "tab:orange", "climatology": "tab:blue", "peer": "tab:green"}


def skill_by_lead(scores: "pd.DataFrame") -> str:
    """Mean absolute error as a ratio to each baseline's, by lead, with its 90 % interval. Below 1 is better."""
    figure, axes = _canvas()
    for baseline, colour in BASELINES.items():
        ratio = scores[(scores["metric"] == f"mae_ratio_to_{baseline}") & (scores["target"] == "day")]
        leads = ratio["lead_days"].astype(int)
        axes.plot(leads, ratio["value"], color=colour, label=baseline.replace("_7d", ", 7-day mean"))
        axes.fill_between(leads, ratio["low"], ratio["high"], color=colour, alpha=0.15, linewidth=0)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(xlabel="lead (days)", ylabel="MAE / baseline's", xlim=(1, 30), ylim=(0, None))
    axes.legend(frameon=False, ncols=2, fontsize=8)
    return _markdown(figure, "mean absolute error by lead, as a ratio to each baseline")


def series_with_flags(series: "pd.DataFrame") -> str:
    """The last 400 days of a station's flow, and the original values of the days that are flagged."""
    from celec_assets.series.schema import Flag

    recent = series.tail(400)
    figure, axes = _canvas()
    axes.plot(recent["day"], recent["flow_m3s"], color="tab:blue", linewidth=1, label="flow")
    for flag, rows in recent[recent["flow_flag"] != Flag.OBSERVED].groupby("flow_flag"):
        axes.plot(rows["day"], rows["flow_raw_m3s"].fillna(rows["flow_m3s"]).fillna(0), ".", label=str(flag))
    axes.set(ylabel="flow (m³/s)", ylim=(0, None))
    axes.legend(frameon=False, ncols=4, fontsize=8)
    return _markdown(figure, "daily flow of the last 400 days with flagged days")


def fan(forecast: "pd.DataFrame", series: "pd.DataFrame") -> str:
    """A forecast's quantiles by day, behind the last 60 observed days."""
    import pandas as pd

    days = forecast[forecast["target"] == "day"]
    quantiles = days.pivot(index="lead_days", columns="quantile", values="flow_m3s")
    dates = days["issue_date"].iloc[0] + pd.to_timedelta(quantiles.index.astype(int), unit="D")
    figure, axes = _canvas()
    recent = series[series["day"] <= days["issue_date"].iloc[0]].tail(60)
    axes.plot(recent["day"], recent["flow_m3s"], color="black", linewidth=1, label="observed")
    for low, high, alpha in ((0.05, 0.95, 0.15), (0.1, 0.9, 0.2), (0.25, 0.75, 0.3)):
        label = f"{100 * (high - low):.0f} of 100"
        axes.fill_between(dates, quantiles[low], quantiles[high], color="tab:blue", alpha=alpha, lw=0, label=label)
    axes.plot(dates, quantiles[0.5], color="tab:blue", label="median")
    axes.set(ylabel="flow (m³/s)", ylim=(0, None))
    axes.legend(frameon=False, ncols=5, fontsize=8)
    return _markdown(figure, "forecast of the next 30 days with its quantiles")


def png(markdown: str) -> bytes:
    """The image in what one of these functions returned."""
    return base64.b64decode(markdown.rpartition(",")[2].removesuffix(")"))


def _canvas() -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), dpi=70, layout="constrained")
    return figure, figure.subplots()


def _markdown(figure: "Figure", alternative: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return f"![{alternative}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"
