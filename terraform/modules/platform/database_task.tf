# Started by scripts/deploy.sh before services move: makes users, databases and tables.
module "database_task" {
  source = "../task"

  family     = "${local.name}-database"
  cpu        = 512
  memory_mib = 2048
  image      = local.image
  common     = local.tasks
  environment = merge(local.run_environment, {
    PGHOST             = module.database.host
    PGPORT             = tostring(local.ports.database)
    PGUSER             = module.database.master_user
    PGDATABASE         = "postgres"
    MLFLOW_PG_USERNAME = "mlflow"
    MLFLOW_PG_DB       = "mlflow"
  })
  secrets = merge(local.secrets, {
    PGPASSWORD         = { arn = module.database.master_secret_arn, key = "password" }
    MLFLOW_PG_PASSWORD = { arn = module.passwords.secret_arns["mlflow"], key = "password" }
  })

  containers = {
    database = { command = ["celec", "prepare"] }
  }
}
