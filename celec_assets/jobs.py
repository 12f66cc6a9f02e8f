"""Jobs: what a sensor, a person or a schedule launches. Everything else is launched asset by asset in the UI."""

import dagster as dg

from celec_assets.assets.arrivals import geoglows_arrivals, historian_arrivals
from celec_assets.assets.backtest import flow_backtest
from celec_assets.assets.forecast import flow_model
from celec_assets.assets.raw import observations

fetch_historian = dg.define_asset_job(
    "fetch_historian",
    selection=dg.AssetSelection.assets(historian_arrivals),
    description="Ask CELEC's historian for a range of months.",
)
fetch_geoglows = dg.define_asset_job(
    "fetch_geoglows",
    selection=dg.AssetSelection.assets(geoglows_arrivals),
    description="Ask GEOGLOWS for what is new of the past, and for today's forecasts.",
)
read_raw_files = dg.define_asset_job(
    "read_raw_files", selection=dg.AssetSelection.assets(observations), description="Read raw files into observations."
)
train_models = dg.define_asset_job(
    "train_models",
    selection=dg.AssetSelection.assets(flow_model),
    description="Train the models of a range of stations anew. The forecasts follow by themselves.",
)
backtest = dg.define_asset_job(
    "backtest",
    selection=dg.AssetSelection.assets(flow_backtest),
    description="Judge the recipe on past days, station by station. Minutes a station the first time.",
)
