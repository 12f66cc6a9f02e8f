resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts by itself; logs hold no secret
  #checkov:skip=CKV_AWS_338:A year of logs nobody reads; what runs did stands in Dagster's database

  for_each = var.containers

  name              = "${var.common.log_prefix}/${each.key}"
  retention_in_days = var.common.log_retention_days
}
