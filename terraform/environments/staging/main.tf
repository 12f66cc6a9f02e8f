module "platform" {
  source = "../../modules/platform"

  environment           = local.environment
  vpc_cidr              = local.vpc_cidr
  protected             = local.protected
  night                 = local.night
  log_retention_days    = local.log_retention_days
  database              = merge(local.database, { password_version = var.database_password_version })
  allowed_cidrs         = var.allowed_cidrs
  domain                = var.domain
  image_tag             = var.image_tag
  settings              = var.settings
  started               = var.started
  jupyter               = var.jupyter
  lake_may_be_destroyed = var.lake_may_be_destroyed
  alert_emails          = var.alert_emails
  monthly_budget_usd    = var.monthly_budget_usd
  github_repository     = var.github_repository
}
