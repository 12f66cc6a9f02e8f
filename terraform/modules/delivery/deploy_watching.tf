data "aws_iam_policy_document" "watching" {
  #checkov:skip=CKV_AWS_111:Alarms made of alarms, as AWS wants it, and an action that knows no resources; the rest is bound
  #checkov:skip=CKV_AWS_356:The same two actions, of which AWS asks for *

  statement {
    sid = "OwnLogGroups"
    actions = [
      "logs:CreateLogGroup",
      "logs:DeleteLogGroup",
      "logs:DeleteMetricFilter",
      "logs:DeleteRetentionPolicy",
      "logs:FilterLogEvents",
      "logs:GetLogEvents",
      "logs:PutMetricFilter",
      "logs:PutRetentionPolicy",
      "logs:TagResource",
      "logs:UntagResource",
    ]
    # a group a container, a stream a task
    resources = [
      "arn:aws:logs:${local.here}:log-group:${var.log_group_names}",
      "arn:aws:logs:${local.here}:log-group:/aws/rds/instance/${var.name}/*",
    ]
  }

  statement {
    sid = "OwnAlarmsAndDashboard"
    actions = [
      "cloudwatch:DeleteAlarms",
      "cloudwatch:DeleteDashboards",
      "cloudwatch:PutDashboard",
      "cloudwatch:PutMetricAlarm",
      "cloudwatch:TagResource",
      "cloudwatch:UntagResource",
    ]
    resources = [
      "arn:aws:cloudwatch:${local.here}:alarm:${var.name}-*", # an alarm for each thing that can go wrong
      "arn:aws:cloudwatch::${local.account_id}:dashboard/${var.name}",
    ]
  }

  statement {
    sid       = "AlarmMadeOfAlarms"
    actions   = ["cloudwatch:PutCompositeAlarm"]
    resources = ["*"] # bound to alarms it is refused, says AWS's page on PutCompositeAlarm
  }

  statement {
    sid = "OwnTopic"
    actions = [
      "sns:CreateTopic",
      "sns:DeleteTopic",
      "sns:SetTopicAttributes",
      "sns:Subscribe",
      "sns:TagResource",
      "sns:UntagResource",
    ]
    resources = ["arn:aws:sns:${local.here}:${var.name}-alerts"]
  }

  statement {
    sid       = "TellSomebodyNoMore"
    actions   = ["sns:Unsubscribe"]
    resources = ["*"] # the action knows no resources
  }

  # It makes and deletes no key: one that is being made bears no tags yet, so that it could be tagged only by whoever may
  # tag all keys.
  statement {
    sid = "OwnKey"
    actions = [
      "kms:CreateAlias",
      "kms:DeleteAlias",
      "kms:PutKeyPolicy",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]
    resources = ["arn:aws:kms:${local.here}:key/*"] # AWS names keys; the condition says which

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/environment"
      values   = [var.environment]
    }
  }

  # An alias asks for its key as well (above), and has no tags.
  statement {
    sid       = "OwnAlias"
    actions   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
    resources = ["arn:aws:kms:${local.here}:alias/${var.name}-alerts"]
  }

  statement {
    sid       = "OwnBudget"
    actions   = ["budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"]
    resources = ["arn:aws:budgets::${local.account_id}:budget/${var.name}-month"]
  }

  statement {
    sid = "OwnNights"
    actions = [
      "scheduler:CreateSchedule",
      "scheduler:DeleteSchedule",
      "scheduler:UpdateSchedule",
    ]
    resources = ["arn:aws:scheduler:${local.here}:schedule/default/${var.name}-*"] # one each for evening and morning
  }
}
