"""Jobs: what a sensor, a person or a schedule launches. Everything else is launched asset by asset in the UI."""

import dagster as dg

from celec_assets.assets.backtest import flow_backtest
from celec_assets.assets.forecast import flow_model
from celec_assets.assets.raw import observations

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
