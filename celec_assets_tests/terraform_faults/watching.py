"""Faults of logs, alarms, nights, tags and the budget."""

from typing import Any

from celec_assets_tests.terraform_faults.planting import Fault, new, put, said, without

SERVICE = "aws_ecs_service"
ALARM = "aws_cloudwatch_metric_alarm"
POLICY = "aws_iam_role_policy"
TOPIC = "arn:aws:sns:us-east-1:123456789012:celec-staging-alerts"


def no_tags(shown: dict[str, Any]) -> None:
    del shown["configuration"]["provider_config"]["aws"]["expressions"]["default_tags"]


FAULTS: list[tuple[str, str, Fault]] = [
    # rule, environment, fault
    ("logs_end_some_day", "staging", put("aws_cloudwatch_log_group", '["run"]', retention_in_days=0)),
    (
        "alarms_look_at_what_there_is",
        "staging",
        put(ALARM, "no-pages", dimensions={"ClusterName": "celec-staging", "ServiceName": "mlflow"}),
    ),
    ("alarms_look_at_what_there_is", "staging", put(ALARM, "no-pages", dimensions={"ClusterName": "celec-staging"})),
    ("alarms_look_at_what_there_is", "staging", put(ALARM, "runs_failed", metric_name="failed-runs")),
    ("alarms_look_at_what_there_is", "staging", put(ALARM, "database-storage", metric_name="FreeStorage")),
    (
        "charts_show_what_there_is",
        "prod",
        put("aws_cloudwatch_dashboard", dashboard_body=lambda body: body.replace("CPUCreditBalance", "CPUCredits")),
    ),
    (
        "charts_show_what_there_is",
        "prod",
        put(
            "aws_cloudwatch_dashboard", dashboard_body=lambda body: body.replace("/celec/prod/daemon", "/celec/daemon")
        ),
    ),
    (
        "alarms_look_back_no_further_than_they_may",
        "prod",
        put(ALARM, "no-fresh-forecast", period=1800, evaluation_periods=52),
    ),
    (
        "filters_read_logs_of_the_plan",
        "prod",
        put("aws_cloudwatch_log_metric_filter", "runs-failed", log_group_name="/celec/runs"),
    ),
    (
        "filters_count_what_runs_print",
        "prod",
        put("aws_cloudwatch_log_metric_filter", "forecasts-made", pattern='"Materialized flow_forecast"'),
    ),
    (
        "filters_count_what_runs_print",
        "prod",
        put("aws_cloudwatch_log_metric_filter", "runs-failed", pattern='"RUN_START"'),
    ),
    ("alarms_tell_somebody", "prod", put(ALARM, "database-storage", alarm_actions=[])),
    (
        "alarms_tell_somebody",
        "prod",
        put(ALARM, "runs_failed", alarm_actions=["arn:aws:sns:us-east-1:123456789012:old"]),
    ),
    ("alarms_tell_somebody", "staging", without("aws_cloudwatch_composite_alarm")),
    ("nights_ring_nobody", "staging", put(ALARM, "HTTPCode_ELB_5XX_Count", alarm_actions=[TOPIC])),
    ("nights_ring_nobody", "staging", put(ALARM, "no-webserver", alarm_actions=[TOPIC])),
    ("a_service_that_is_down_is_told", "prod", without(ALARM, "no-webserver")),
    ("a_service_that_is_down_is_told", "prod", put(ALARM, "no-pages", treat_missing_data="notBreaching")),
    ("a_silent_daemon_is_told", "prod", put(ALARM, "daemon-silent", treat_missing_data="missing")),
    ("a_silent_daemon_is_told", "prod", put(ALARM, "daemon-silent", dimensions={"LogGroupName": "/celec/prod/code"})),
    ("troubles_of_database_and_entrance_are_told", "prod", without(ALARM, "database-storage")),
    ("troubles_of_database_and_entrance_are_told", "prod", without(ALARM, "unhealthy")),
    ("troubles_of_database_and_entrance_are_told", "prod", without(ALARM, "HTTPCode")),
    ("failed_runs_are_told", "prod", without(ALARM, "runs_failed")),
    ("a_morning_without_forecasts_is_told", "prod", put(ALARM, "no-fresh-forecast", treat_missing_data="notBreaching")),
    ("a_morning_without_forecasts_is_told", "prod", without(ALARM, "no-fresh-forecast")),
    (
        "what_is_switched_off_at_night_comes_back",
        "staging",
        without("aws_appautoscaling_scheduled_action", 'webserver.aws_appautoscaling_scheduled_action.night["start"]'),
    ),
    ("what_is_switched_off_at_night_comes_back", "staging", without("aws_scheduler_schedule", '["start"]')),
    (
        "the_database_is_there_before_its_services",
        "staging",
        put("aws_scheduler_schedule", '["start"]', schedule_expression="cron(5 6 ? * MON-FRI *)"),
    ),
    (
        "the_database_is_there_before_its_services",
        "staging",
        put("aws_scheduler_schedule", '["stop"]', schedule_expression="cron(0 18 ? * MON-FRI *)"),
    ),
    ("the_nights_are_staging_s_alone", "prod", new("aws_scheduler_schedule", name="night")),
    (
        "the_nights_are_staging_s_alone",
        "staging",
        lambda shown: (without("aws_scheduler_schedule")(shown), without("aws_appautoscaling_scheduled_action")(shown))[
            0
        ],
    ),
    (
        "schedules_may_do_what_they_call",
        "staging",
        said(POLICY, "night", "StopAndStartTheDatabase", Action=["rds:StopDBInstance"]),
    ),
    ("everything_is_tagged", "prod", no_tags),
    ("tasks_are_tagged_as_what_starts_them", "prod", put(SERVICE, "pages", propagate_tags="NONE")),
    ("somebody_is_told_of_the_bill", "prod", put("aws_budgets_budget", notification=[])),
    ("somebody_is_told_of_the_bill", "prod", put("aws_budgets_budget", time_unit="ANNUALLY")),
]
