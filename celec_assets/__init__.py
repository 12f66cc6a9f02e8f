"""Probabilistic river-flow forecasts for Ecuador's hydropower plants, as Dagster assets.

The folders are the layers: `sources` reads raw files, `series` cleans them, `forecasting` models them (all three
pure), `storage` keeps the lake, `assets` joins them into the graph. `definitions` is the code location.
"""
