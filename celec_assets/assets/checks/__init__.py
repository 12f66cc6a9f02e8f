"""Asset checks, by partition: what has to hold of each layer, how grave it is when it does not, and whether the next
layer is then made at all. In each module the table at the end is the contract; the functions above it judge.
"""

from celec_assets.assets.checks.arrivals import every_forecast_is_recent, every_point_is_recent
from celec_assets.assets.checks.backtest import backtest_checks
from celec_assets.assets.checks.forecast import forecast_checks, model_checks
from celec_assets.assets.checks.outlook import report_is_fresh, scorecard_checks, warning_checks
from celec_assets.assets.checks.raw import no_file_is_refused, observation_checks
from celec_assets.assets.checks.series import series_checks

ALL_CHECKS = [
    *(every_point_is_recent, every_forecast_is_recent),
    *(no_file_is_refused, observation_checks, series_checks, model_checks, forecast_checks, backtest_checks),
    *(warning_checks, scorecard_checks, report_is_fresh),
]
