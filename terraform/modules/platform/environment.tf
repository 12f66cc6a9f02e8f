# The one list of variables and secrets from which every service and every run is fed.
locals {
  environment = merge(var.settings, {
    AWS_DEFAULT_REGION = data.aws_region.current.region
    DO_NOT_TRACK       = "true" # MLflow's telemetry

    CELEC_LAKE_URL          = "s3://${module.storage.bucket_names["lake"]}/lake"
    CELEC_MLFLOW_URL        = "http://${local.mlflow_host}"
    CELEC_MLFLOW_PUBLIC_URL = module.entrance.origins["mlflow"]
    CELEC_REPORT_URL        = "${module.entrance.origins["report"]}/report/"
    CELEC_DAGSTER_URL       = module.entrance.origins["dagster"]
    CELEC_ALERTS            = module.alerts.topic_arn

    DAGSTER_HOME        = "/opt/celec/deploy"
    DAGSTER_PG_HOST     = module.database.host
    DAGSTER_PG_PORT     = tostring(local.ports.database)
    DAGSTER_PG_DB       = "dagster"
    DAGSTER_PG_USERNAME = "dagster"
    PGSSLMODE           = "require"

    # Nobody reads it. A task reads its secrets when it starts: new passwords have to be new revisions, to which
    # scripts/deploy.sh moves services.
    DATABASE_PASSWORD_VERSION = tostring(var.database.password_version)

    DAGSTER_EVENT_BATCH_SIZE = "100"
    DAGSTER_LOGS_BUCKET      = module.storage.bucket_names["logs"]

    DAGSTER_ECS_CLUSTER      = module.cluster.name
    DAGSTER_ECS_NETWORK      = local.run_network
    RUN_TASK_RETRIES         = "9" # 51 seconds until capacity is given up
    DAGSTER_CODE_SERVER_HOST = "orchestration.${module.cluster.namespace_name}"
    DAGSTER_CODE_SERVER_PORT = tostring(local.ports.code)
  })

  # A run asks for no other run; the family is what deploy/dagster.yaml wants to be there.
  run_environment = merge(local.environment, { DAGSTER_ECS_TASK_DEFINITION = local.run_family })

  # The exact revision: services that are rolled back start the runs of their own time again.
  service_environment = merge(local.environment, { DAGSTER_ECS_TASK_DEFINITION = module.run.definition_arn })

  secrets = { DAGSTER_PG_PASSWORD = { arn = module.passwords.secret_arns["dagster"], key = "password" } }

  mlflow_host = "pages.${module.cluster.namespace_name}:${local.ports.mlflow}"

  # `networkConfiguration` of RunTask.
  run_network = jsonencode({
    awsvpcConfiguration = {
      subnets        = module.network.public_subnet_ids
      securityGroups = [module.network.security_group_ids["runs"]]
      assignPublicIp = "ENABLED"
    }
  })
}
