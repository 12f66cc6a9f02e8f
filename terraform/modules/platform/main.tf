# Puts the parts together. What runs on them: run.tf, database_task.tf, and a file for each service.
locals {
  name = "celec-${var.environment}"

  ports = { webserver = 3000, code = 4000, mlflow = 5000, report = 8080, jupyter = 8888, database = 5432 }

  pages = merge(
    {
      report  = { listener_port = var.domain == null ? 80 : 443, target_port = local.ports.report, health_path = "/health" }
      dagster = { listener_port = 3000, target_port = local.ports.webserver, health_path = "/server_info" }
      mlflow  = { listener_port = 5000, target_port = local.ports.mlflow, health_path = "/health" }
    },
    var.jupyter ? {
      jupyter = { listener_port = 8888, target_port = local.ports.jupyter, health_path = "/api" }
    } : {},
  )
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

module "network" {
  source = "../network"

  name          = local.name
  vpc_cidr      = var.vpc_cidr
  allowed_cidrs = var.allowed_cidrs
  entrance_ports = merge(
    { for page, where in local.pages : where.listener_port => "Browsers open ${page}" },
    var.domain == null ? {} : { 80 = "Sent on to HTTPS" },
  )
  ports   = local.ports
  jupyter = var.jupyter
  login   = var.domain != null
}

module "storage" {
  source = "../storage"

  name                  = local.name
  lake_may_be_destroyed = var.lake_may_be_destroyed
  boundary_arn          = aws_iam_policy.boundary.arn
}

module "registry" {
  source = "../registry"

  name = local.name
}

module "database" {
  source = "../database"

  name               = local.name
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.security_group_ids["database"]
  instance_class     = var.database.instance_class
  storage_gb         = var.database.storage_gb
  protected          = var.protected
  log_retention_days = var.log_retention_days
  night              = var.night
  boundary_arn       = aws_iam_policy.boundary.arn
}

module "passwords" {
  source = "../passwords"

  name             = local.name
  users            = ["dagster", "mlflow"] # as `celec prepare` makes them
  password_version = var.database.password_version
}

module "cluster" {
  source = "../cluster"

  name   = local.name
  vpc_id = module.network.vpc_id
}

module "entrance" {
  source = "../entrance"

  name              = local.name
  vpc_id            = module.network.vpc_id
  subnet_ids        = module.network.public_subnet_ids
  security_group_id = module.network.security_group_ids["entrance"]
  log_bucket        = module.storage.access_log_bucket
  protected         = var.protected
  pages             = local.pages
  domain            = var.domain
}

module "alerts" {
  source = "../alerts"

  name               = local.name
  emails             = var.alert_emails
  monthly_budget_usd = var.monthly_budget_usd
}

# What has not been started cannot fall silent.
module "monitoring" {
  source = "../monitoring"
  count  = var.started ? 1 : 0

  name                  = local.name
  topic_arn             = module.alerts.topic_arn
  cluster_name          = module.cluster.name
  services              = keys(local.service_task_definitions)
  log_groups            = local.log_groups
  database_identifier   = module.database.identifier
  load_balancer_suffix  = module.entrance.arn_suffix
  target_group_suffixes = { for page, group in module.entrance.target_groups : page => group.suffix }
  sleeps                = var.night != null
}

module "delivery" {
  source = "../delivery"
  count  = var.github_repository == null ? 0 : 1

  name            = local.name
  environment     = var.environment
  repository      = var.github_repository
  repository_arn  = module.registry.arn
  boundary_arn    = aws_iam_policy.boundary.arn
  log_group_names = "${local.log_group}/*"
}
