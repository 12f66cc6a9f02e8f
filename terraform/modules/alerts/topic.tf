data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id

  # Who of AWS's services may publish, each for this account only.
  publishers = {
    Alarms = { service = "cloudwatch.amazonaws.com", source = "arn:aws:cloudwatch:${data.aws_region.current.region}:${local.account_id}:alarm:${var.name}-*" }
    Budget = { service = "budgets.amazonaws.com", source = "arn:aws:budgets::${local.account_id}:*" }
  }
}

# CloudWatch may not use the key that AWS makes for SNS, so an encrypted topic needs one of our own ($1 a month).
resource "aws_kms_key" "alerts" {
  #checkov:skip=CKV_AWS_7:Nothing is kept under it, messages pass in seconds, and each of the first two rotations costs $1 a month more

  description             = "Alerts of ${var.name} on their way"
  deletion_window_in_days = 7
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "alerts" {
  name          = "alias/${var.name}-alerts"
  target_key_id = aws_kms_key.alerts.key_id
}

data "aws_iam_policy_document" "key" {
  # Without it nobody could ever change the key again; what users may with it is said by their own policies.
  #checkov:skip=CKV_AWS_109:A key's policy speaks of that key alone
  #checkov:skip=CKV_AWS_111:A key's policy speaks of that key alone
  #checkov:skip=CKV_AWS_356:In a key's policy * is that key
  statement {
    sid       = "TheAccountAdministersIt"
    actions   = ["kms:*"]
    resources = ["*"] # this key

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account_id}:root"]
    }
  }

  dynamic "statement" {
    for_each = local.publishers

    content {
      sid       = "${statement.key}Publish"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      resources = ["*"] # this key

      # Whose alarms and budgets may publish is the topic's to say, below.
      principals {
        type        = "Service"
        identifiers = [statement.value.service]
      }
    }
  }
}

resource "aws_sns_topic" "alerts" {
  name              = "${var.name}-alerts"
  display_name      = "CELEC"
  kms_master_key_id = aws_kms_key.alerts.arn
}

data "aws_iam_policy_document" "topic" {
  dynamic "statement" {
    for_each = local.publishers

    content {
      sid       = "${statement.key}Publish"
      actions   = ["sns:Publish"]
      resources = [aws_sns_topic.alerts.arn]

      principals {
        type        = "Service"
        identifiers = [statement.value.service]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account_id]
      }

      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [statement.value.source]
      }
    }
  }
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.emails

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.value
}
