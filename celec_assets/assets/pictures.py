"""Pictures for the metadata of assets, as Markdown with the image inside. matplotlib comes with Prophet."""

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BASELINES = {"persistence": "tab:red", "persistence_7d": "tab:orange", "climatology": "tab:blue", "peer": "tab:green"}


def skill_by_lead(scores: "pd.DataFrame") -> str:
    """Mean absolute error as a ratio to each baseline's, by lead, with its 90 % interval. Below 1 is better."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), dpi=70, layout="constrained")
    axes = figure.subplots()
    for baseline, colour in BASELINES.items():
        ratio = scores[(scores["metric"] == f"mae_ratio_to_{baseline}") & (scores["target"] == "day")]
        leads = ratio["lead_days"].astype(int)
        axes.plot(leads, ratio["value"], color=colour, label=baseline.replace("_7d", ", 7-day mean"))
        axes.fill_between(leads, ratio["low"], ratio["high"], color=colour, alpha=0.15, linewidth=0)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(xlabel="lead (days)", ylabel="MAE / baseline's", xlim=(1, 30), ylim=(0, None))
    axes.legend(frameon=False, ncols=2, fontsize=8)
    return _markdown(figure, "mean absolute error by lead, as a ratio to each baseline")


def _markdown(figure: "Figure", alternative: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return f"![{alternative}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"
