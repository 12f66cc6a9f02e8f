# Made while Terraform applies and written to Secrets Manager: neither plan nor state ever holds one. Not by AWS's own
# GetRandomPassword, which Terraform's tests cannot stand in for: they would need an account.
ephemeral "random_password" "user" {
  for_each = var.users

  length  = 48
  special = false
}

resource "aws_secretsmanager_secret" "user" {
  #checkov:skip=CKV_AWS_149:The key of Secrets Manager encrypts as well; one of our own costs $1 a month
  #checkov:skip=CKV2_AWS_57:Rotated by password_version, in a moment without runs: docs/decisions.md

  for_each = var.users

  # A name is taken for a week after it was deleted.
  name_prefix             = "${var.name}-${each.key}-"
  description             = "Database user ${each.key}"
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "user" {
  for_each = var.users

  secret_id = aws_secretsmanager_secret.user[each.key].id
  secret_string_wo = jsonencode({
    username = each.key
    password = ephemeral.random_password.user[each.key].result
  })
  secret_string_wo_version = var.password_version
}
