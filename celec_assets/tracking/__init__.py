"""MLflow: what people look up about models and backtests. Nothing is ever made from what is kept there: which model
forecasts, the lake says (`storage/versions.py`).
"""
