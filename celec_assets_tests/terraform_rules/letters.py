"""Rules of names and descriptions: the letters that AWS takes, which neither `validate` nor `plan` knows."""

import re
from typing import Final

from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.reading import Findings

_OF_RULES: Final = r"[a-zA-Z0-9. _\-:/()#,@\[\]+=;{}!$*]{5,255}"
_OF_IAM: Final = r"[\w+=,.@-]"
_OF_BALANCING: Final = r"(?!internal-)[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?"
_OF_ECS: Final = r"[a-zA-Z0-9_-]{1,255}"
_LATIN: Final = r"[\t\n\r -~\u00a1-\u00ff]"
_PRINTABLE: Final = "[ -~]"

LETTERS: Final = {
    "aws_security_group": {"name": f"(?!sg-){_OF_RULES}", "description": _OF_RULES},
    "aws_vpc_security_group_ingress_rule": {"description": _OF_RULES},
    "aws_vpc_security_group_egress_rule": {"description": _OF_RULES},
    "aws_iam_role": {"name": _OF_IAM + "{1,64}", "description": _LATIN + "{1,1000}"},
    "aws_iam_policy": {"name": _OF_IAM + "{1,128}", "description": _LATIN + "{1,1000}"},
    "aws_iam_role_policy": {"name": _OF_IAM + "{1,128}"},
    "aws_lb": {"name": _OF_BALANCING},
    "aws_lb_target_group": {"name": _OF_BALANCING},
    "aws_ecs_cluster": {"name": _OF_ECS},
    "aws_ecs_service": {"name": _OF_ECS},
    "aws_ecs_task_definition": {"family": _OF_ECS},
    "aws_ecr_repository": {"name": r"[a-z0-9]+([._/-][a-z0-9]+)*"},
    "aws_s3_bucket": {"bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"},
    "aws_db_instance": {"identifier": r"(?=.{1,63}$)[a-z](-?[a-z0-9])*"},
    "aws_db_subnet_group": {"name": r"[a-z0-9._ -]{1,255}", "description": _PRINTABLE + "{1,255}"},
    "aws_db_parameter_group": {"name_prefix": r"[a-z](-?[a-z0-9])*-?", "description": _PRINTABLE + "{1,255}"},
    "aws_secretsmanager_secret": {"name_prefix": r"[\w/+=.@-]{1,480}", "description": _PRINTABLE + "{1,2048}"},
    "aws_kms_key": {"description": _PRINTABLE + "{1,8192}"},
    "aws_kms_alias": {"name": r"alias/(?!aws/)[\w/-]{1,250}"},
    "aws_sns_topic": {"name": r"[\w-]{1,256}", "display_name": r"[\w\t -]{1,100}"},
    "aws_budgets_budget": {"name": r"[^:\\]{1,100}"},
    "aws_cloudwatch_metric_alarm": {"alarm_name": _PRINTABLE + "{1,255}", "alarm_description": ".{1,1024}"},
    "aws_cloudwatch_composite_alarm": {"alarm_name": _PRINTABLE + "{1,255}", "alarm_description": ".{1,1024}"},
    "aws_cloudwatch_dashboard": {"dashboard_name": r"[\w-]{1,255}"},
    "aws_cloudwatch_log_group": {"name": r"[\w./#-]{1,512}"},
    "aws_cloudwatch_log_metric_filter": {"name": r"[^:*]{1,512}"},
    "aws_scheduler_schedule": {"name": r"[\w.-]{1,64}", "description": ".{1,512}"},
    "aws_appautoscaling_policy": {"name": _PRINTABLE + "{1,256}"},
    "aws_appautoscaling_scheduled_action": {"name": r"[^:/|]{1,256}"},
    "aws_service_discovery_service": {"name": r"[a-z0-9_-]{1,63}", "description": ".{1,1024}"},
}
"""By type and attribute, as AWS's references of the calls have them."""

_OF_TAGS: Final = r"[\w .:/=+@-]"
"""Letters of any language."""


def names_and_descriptions_have_letters_that_aws_takes(plan: ShownPlan) -> Findings:
    for kind, attributes in LETTERS.items():
        for found in plan.of(kind):
            for attribute, allowed in attributes.items():
                value = found.get(attribute)
                if value and not re.fullmatch(allowed, value, re.ASCII):
                    yield f"{found.address}: AWS takes no {attribute} {value!r}"


def tags_have_letters_that_aws_takes(plan: ShownPlan) -> Findings:
    for found in plan.resources:
        for name, value in (found.get("tags_all") or {}).items():
            if not re.fullmatch(_OF_TAGS + "{1,128}", name) or not re.fullmatch(_OF_TAGS + "{0,256}", value):
                yield f"{found.address}: AWS takes no tag {name} {value!r}"
